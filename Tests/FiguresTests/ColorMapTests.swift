import Figures
import Testing

@Suite("Colour maps")
struct ColorMapTests {
  @Test("lightness rises or falls all the way", arguments: ColorMap.all.filter { !$0.isDiverging })
  func monotone(map: ColorMap) {
    #expect(map.colors.count == 256)
    let lightness = map.colors.map(\.lightness)
    let rises = lightness[255] > lightness[0]
    // Eight bits a channel leave steps of up to about a third of a unit of L*.
    for (before, after) in zip(lightness, lightness.dropFirst()) {
      #expect(rises ? after > before - 0.35 : after < before + 0.35)
    }
    for index in stride(from: 0, to: 252, by: 4) {
      let step = (lightness[index + 4] - lightness[index]) * (rises ? 1 : -1)
      #expect(step > 0, "\(map.name) at \(index)")
    }
    #expect(abs(lightness[255] - lightness[0]) > 60)
  }

  @Test(
    "both arms of diverging maps fall alike from the middle",
    arguments: ColorMap.all.filter(\.isDiverging))
  func diverging(map: ColorMap) {
    let lightness = map.colors.map(\.lightness)
    for index in 0..<127 {
      #expect(lightness[index] < lightness[index + 1] + 0.35)
      #expect(lightness[255 - index] < lightness[254 - index] + 0.35)
      #expect(abs(lightness[index] - lightness[255 - index]) < 6)
    }
    #expect(lightness[127] > 95)
  }

  @Test("the published maps have their published ends")
  func ends() {
    #expect(ColorMap.viridis.colors[0].hexadecimal == "440154")
    #expect(ColorMap.viridis.colors[128].hexadecimal == "21918c")
    #expect(ColorMap.viridis.colors[255].hexadecimal == "fde725")
    #expect(ColorMap.magma.colors[255].hexadecimal == "fcfdbf")
    #expect(ColorMap.cividis.colors[0].hexadecimal == "00224e")
    #expect(ColorMap.cividis.colors[255].hexadecimal == "fee838")
  }

  @Test("OKLab's white, black and grey are white, black and grey")
  func oklab() {
    #expect(RGB(lightness: 1, chroma: 0, hue: 0).hexadecimal == "ffffff")
    #expect(RGB(lightness: 0, chroma: 0, hue: 0).hexadecimal == "000000")
    // Red's coordinates as Ottosson gives them: L 0.628, C 0.258, h 29.23°.
    let red = RGB(lightness: 0.62796, chroma: 0.25768, hue: 29.2339)
    #expect(red.red >= 254 && red.green <= 4 && red.blue <= 4)
  }

  @Test("lightness is CIE's")
  func lightness() {
    #expect(abs(RGB(255, 255, 255).lightness - 100) < 1e-6)
    #expect(abs(RGB(119, 119, 119).lightness - 50.03) < 0.02)
    #expect(RGB(0, 0, 0).lightness == 0)
  }

  @Test("maps are found by name")
  func names() {
    #expect(ColorMap.named("magma") == .magma)
    #expect(ColorMap.named("jet") == nil)
  }
}
