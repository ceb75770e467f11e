import Glibc

/// A colour of the sRGB space, eight bits a channel.
public struct RGB: Sendable, Hashable {
  /// The red channel.
  public var red: UInt8
  /// The green channel.
  public var green: UInt8
  /// The blue channel.
  public var blue: UInt8

  /// Makes a colour.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// The six hexadecimal digits.
  public var hexadecimal: String {
    [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// CIE lightness L* (0 black … 100 white), of CIE 15:2004 with the D65 white point.
  public var lightness: Double {
    func linear(_ channel: UInt8) -> Double {
      let value = Double(channel) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    return luminance <= 216.0 / 24389 ? luminance * 24389 / 27 : 116 * cbrt(luminance) - 16
  }

  /// A colour of the OKLab space (Ottosson 2020) given by lightness 0…1, chroma and hue in degrees;
  /// chroma that sRGB doesn't reach is reduced until it does.
  public init(lightness: Double, chroma: Double, hue: Double) {
    func channels(_ chroma: Double) -> [Double] {
      let a = chroma * cos(hue * .pi / 180)
      let b = chroma * sin(hue * .pi / 180)
      let l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3)
      let m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3)
      let s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3)
      return [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
      ]
    }
    func fits(_ chroma: Double) -> Bool { channels(chroma).allSatisfy { (0...1).contains($0) } }
    var reached = chroma
    if !fits(chroma) {
      var low = 0.0
      var high = chroma
      for _ in 0..<24 {
        let middle = (low + high) / 2
        if fits(middle) { low = middle } else { high = middle }
      }
      reached = low
    }
    let encoded = channels(reached).map { value -> UInt8 in
      let value = min(1, max(0, value))
      let curved = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
      return UInt8((curved * 255).rounded())
    }
    self.init(encoded[0], encoded[1], encoded[2])
  }
}

/// Colours for numbers: equal steps of the number look like equal steps of lightness.
public struct ColorMap: Sendable, Hashable {
  /// The name by which it is asked for.
  public let name: String
  /// 256 colours, from the lowest value to the highest.
  public let colors: [RGB]
  /// Whether the middle stands for zero.
  public let isDiverging: Bool

  /// Dark violet over green to yellow (van der Walt and Smith, 2015).
  public static let viridis = ColorMap(name: "viridis", table: ColorMapTables.viridis)
  /// Black over magenta to cream (van der Walt and Smith, 2015).
  public static let magma = ColorMap(name: "magma", table: ColorMapTables.magma)
  /// Blue over grey to yellow, alike for the colour-blind (Nuñez, Anderton and Renslow, 2018).
  public static let cividis = ColorMap(name: "cividis", table: ColorMapTables.cividis)

  /// White to deep blue, computed in OKLab with evenly falling lightness; for print.
  public static let blues = ColorMap(
    name: "blues", isDiverging: false,
    colors: (0..<256).map { index in
      let t = Double(index) / 255
      return RGB(
        lightness: 0.985 - 0.665 * t, chroma: 0.004 + 0.155 * sin(t * .pi * 0.68),
        hue: 245 + 14 * t)
    })

  /// Orange over white to blue for signed values, computed in OKLab, both arms alike in lightness: the
  /// colours of bars and tinted texts, which are blue above zero.
  public static let signed = ColorMap(
    name: "signed", isDiverging: true,
    colors: (0..<256).map { index in
      let t = (Double(index) - 127.5) / 127.5
      let far = abs(t)
      return RGB(
        lightness: 0.975 - 0.545 * far, chroma: 0.15 * sin(far * .pi * 0.58),
        hue: t < 0 ? 48 : 254)
    })

  /// Every map.
  public static let all = [viridis, magma, cividis, blues, signed]

  /// The map of a name, or `nil` where there is none.
  public static func named(_ name: String) -> ColorMap? {
    all.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  private init(name: String, isDiverging: Bool, colors: [RGB]) {
    self.name = name
    self.isDiverging = isDiverging
    self.colors = colors
  }

  private init(name: String, table: String) {
    let digits = table.utf8.map { UInt8($0 >= 0x61 ? $0 - 0x61 + 10 : $0 - 0x30) }
    self.init(
      name: name, isDiverging: false,
      colors: stride(from: 0, to: digits.count - 5, by: 6).map { at in
        RGB(
          digits[at] << 4 | digits[at + 1], digits[at + 2] << 4 | digits[at + 3],
          digits[at + 4] << 4 | digits[at + 5])
      })
  }

  /// The colour at a place from 0 (lowest) to 1 (highest).
  public func color(at place: Double) -> RGB {
    guard place.isFinite else { return colors[0] }
    return colors[min(255, max(0, Int((place * 255).rounded())))]
  }

  /// All colours as hexadecimal digits, six for each.
  var hexadecimal: String { colors.map(\.hexadecimal).joined() }
}
