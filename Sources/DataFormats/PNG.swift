/// Why pixels cannot be written as a PNG image.
public enum PNGError: Error, Sendable, Equatable {
  /// Width or height is less than one or more than the format's 2³¹-1.
  case invalidSize(width: Int, height: Int)
  /// There are not exactly width × height × channels bytes.
  case wrongByteCount(expected: Int, found: Int)
  /// A palette holds 1 to 256 colours.
  case wrongPaletteCount(Int)
  /// A pixel's index has no colour in the palette.
  case indexOutsidePalette(Int, count: Int)
}

/// Images in the PNG format, eight bits per channel, not interlaced (ISO/IEC 15948).
public enum PNG {
  /// A palette's colour, opaque unless said otherwise, in sRGB.
  public struct Color: Sendable, Hashable {
    /// The channels from 0 to 255.
    public var red, green, blue, alpha: UInt8

    /// Makes a colour.
    public init(red: UInt8, green: UInt8, blue: UInt8, alpha: UInt8 = 255) {
      self.red = red
      self.green = green
      self.blue = blue
      self.alpha = alpha
    }
  }

  /// An image of one grey byte per pixel, row by row from the top.
  public static func encode(width: Int, height: Int, gray: [UInt8]) throws(PNGError) -> [UInt8] {
    try encode(width, height, channels: 1, colorType: 0, pixels: gray)
  }

  /// An image of red, green and blue bytes for each pixel, row by row from the top.
  public static func encode(width: Int, height: Int, rgb: [UInt8]) throws(PNGError) -> [UInt8] {
    try encode(width, height, channels: 3, colorType: 2, pixels: rgb)
  }

  /// An image of red, green, blue and alpha bytes for each pixel (alpha not multiplied in).
  public static func encode(width: Int, height: Int, rgba: [UInt8]) throws(PNGError) -> [UInt8] {
    try encode(width, height, channels: 4, colorType: 6, pixels: rgba)
  }

  /// An image of one byte per pixel that is the place of its colour in a palette.
  public static func encode(
    width: Int, height: Int, indices: [UInt8], palette: [Color]
  ) throws(PNGError) -> [UInt8] {
    guard (1...256).contains(palette.count) else { throw .wrongPaletteCount(palette.count) }
    if let largest = indices.max(), Int(largest) >= palette.count {
      throw .indexOutsidePalette(Int(largest), count: palette.count)
    }
    return try encode(
      width, height, channels: 1, colorType: 3, pixels: indices, palette: palette)
  }

  private static func encode(
    _ width: Int, _ height: Int, channels: Int, colorType: UInt8, pixels: [UInt8],
    palette: [Color] = []
  ) throws(PNGError) -> [UInt8] {
    let largest = Int(Int32.max)
    guard (1...largest).contains(width), (1...largest).contains(height) else {
      throw .invalidSize(width: width, height: height)
    }
    let (expected, overflows) = (width * height).multipliedReportingOverflow(by: channels)
    guard !overflows, pixels.count == expected else {
      throw .wrongByteCount(expected: overflows ? .max : expected, found: pixels.count)
    }
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    appendChunk(
      "IHDR", bigEndian(width) + bigEndian(height) + [8, colorType, 0, 0, 0], to: &file)
    if !palette.isEmpty {
      appendChunk("PLTE", palette.flatMap { [$0.red, $0.green, $0.blue] }, to: &file)
      if let last = palette.lastIndex(where: { $0.alpha < 255 }) {
        appendChunk("tRNS", palette[...last].map(\.alpha), to: &file)
      }
    }
    appendChunk(
      "IDAT",
      smallestStream(pixels, rowLength: width * channels, channels: channels), to: &file)
    appendChunk("IEND", [], to: &file)
    return file
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func appendChunk(_ type: String, _ content: [UInt8], to file: inout [UInt8]) {
    file += bigEndian(content.count)
    var checksum = CRC32()
    let name = Array(type.utf8)
    checksum.update(name)
    checksum.update(content)
    file += name
    file += content
    file += bigEndian(Int(checksum.value))
  }

  /// The compressed rows, unfiltered or with the filters chosen row by row, whichever is shorter.
  ///
  /// Maps with areas of one colour compress better as they are, smooth ones when filtered.
  private static func smallestStream(
    _ pixels: [UInt8], rowLength: Int, channels: Int
  ) -> [UInt8] {
    let plain = Zlib.compress(
      PNGFilter.rows(pixels, rowLength: rowLength, channels: channels, adaptive: false))
    let filtered = Zlib.compress(
      PNGFilter.rows(pixels, rowLength: rowLength, channels: channels, adaptive: true))
    return filtered.count < plain.count ? filtered : plain
  }
}

/// The five row filters of PNG (ISO/IEC 15948, section 9).
private enum PNGFilter {
  /// All rows, each behind its filter's number; adaptively, the filter whose bytes have the least
  /// sum when read as signed.
  static func rows(
    _ pixels: [UInt8], rowLength: Int, channels: Int, adaptive: Bool
  ) -> [UInt8] {
    var result: [UInt8] = []
    let rowCount = pixels.count / rowLength
    result.reserveCapacity(pixels.count + rowCount)
    var above = [UInt8](repeating: 0, count: rowLength)
    var candidate = above
    for row in 0..<rowCount {
      let current = Array(pixels[row * rowLength..<(row + 1) * rowLength])
      guard adaptive else {
        result.append(0)
        result += current
        continue
      }
      var best = current
      var bestFilter: UInt8 = 0
      var least = cost(current)
      for filter in 1...4 as ClosedRange<UInt8> {
        apply(filter, current, above, channels, to: &candidate)
        let sum = cost(candidate)
        if sum < least {
          least = sum
          bestFilter = filter
          swap(&best, &candidate)
        }
      }
      result.append(bestFilter)
      result += best
      above = current
    }
    return result
  }

  private static func cost(_ row: [UInt8]) -> Int {
    row.reduce(0) { $0 &+ Int(Int8(bitPattern: $1).magnitude) }
  }

  private static func apply(
    _ filter: UInt8, _ current: [UInt8], _ above: [UInt8], _ channels: Int,
    to output: inout [UInt8]
  ) {
    for index in current.indices {
      let left = index >= channels ? current[index - channels] : 0
      let up = above[index]
      let prediction: UInt8
      switch filter {
      case 1: prediction = left
      case 2: prediction = up
      case 3: prediction = UInt8((Int(left) + Int(up)) / 2)
      default:
        prediction = paeth(left, up, index >= channels ? above[index - channels] : 0)
      }
      output[index] = current[index] &- prediction
    }
  }

  /// Whichever of left, up and the corner between is nearest to left + up - corner.
  private static func paeth(_ left: UInt8, _ up: UInt8, _ corner: UInt8) -> UInt8 {
    let estimate = Int(left) + Int(up) - Int(corner)
    let fromLeft = abs(estimate - Int(left))
    let fromUp = abs(estimate - Int(up))
    let fromCorner = abs(estimate - Int(corner))
    if fromLeft <= fromUp, fromLeft <= fromCorner { return left }
    return fromUp <= fromCorner ? up : corner
  }
}
