import DataFormats
import Testing

@Suite struct PNGTests {
  /// A small decoder of what the format's text says, for eight-bit images that aren't interlaced.
  struct Decoded {
    var width = 0
    var height = 0
    var colorType: UInt8 = 0
    var palette: [UInt8] = []
    var transparency: [UInt8] = []
    var pixels: [UInt8] = []
    var chunkTypes: [String] = []

    init(_ file: [UInt8]) throws {
      #expect(Array(file[..<8]) == [137, 80, 78, 71, 13, 10, 26, 10])
      var offset = 8
      var stream: [UInt8] = []
      func word(_ place: Int) -> UInt32 {
        file[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
      }
      while offset < file.count {
        let length = Int(word(offset))
        let body = Array(file[offset + 4..<offset + 8 + length])
        let content = Array(body[4...])
        #expect(CRC32.checksum(body) == word(offset + 8 + length))
        let type = String(decoding: body[..<4], as: UTF8.self)
        chunkTypes.append(type)
        switch type {
        case "IHDR":
          width = Int(word(offset + 8))
          height = Int(word(offset + 12))
          colorType = content[9]
          #expect(content[8] == 8)
        case "PLTE": palette = content
        case "tRNS": transparency = content
        case "IDAT": stream += content
        default: break
        }
        offset += 12 + length
      }
      let channels = [0: 1, 2: 3, 3: 1, 6: 4][Int(colorType)] ?? 0
      let rowLength = width * channels
      let rows = try Zlib.decompress(stream, limit: (rowLength + 1) * height)
      #expect(rows.count == (rowLength + 1) * height)
      var above = [Int](repeating: 0, count: rowLength)
      for row in 0..<height {
        let start = row * (rowLength + 1)
        var current = [Int](repeating: 0, count: rowLength)
        for index in 0..<rowLength {
          let left = index >= channels ? current[index - channels] : 0
          let corner = index >= channels ? above[index - channels] : 0
          let up = above[index]
          let guess = left + up - corner
          let nearest = [left, up, corner].min { abs(guess - $0) < abs(guess - $1) } ?? 0
          let predictions = [0, left, up, (left + up) / 2, nearest]
          current[index] =
            (Int(rows[start + 1 + index]) + predictions[Int(rows[start])]) & 255
        }
        pixels += current.map { UInt8($0) }
        above = current
      }
    }
  }

  @Test(arguments: [(1, 1), (3, 2), (64, 50), (257, 3)])
  func pixelsReturn(width: Int, height: Int) throws {
    let count = width * height
    let smooth = (0..<count * 4).map { UInt8(truncatingIfNeeded: $0 * 3 / 4 + $0 / width) }
    let gray = try Decoded(PNG.encode(width: width, height: height, gray: Array(smooth[..<count])))
    #expect(gray.pixels == Array(smooth[..<count]))
    let rgb = try Decoded(
      PNG.encode(width: width, height: height, rgb: Array(smooth[..<(count * 3)])))
    #expect(rgb.pixels == Array(smooth[..<(count * 3)]))
    let rgba = try Decoded(PNG.encode(width: width, height: height, rgba: smooth))
    #expect(rgba.pixels == smooth)
    #expect(rgba.width == width && rgba.height == height && rgba.colorType == 6)
    #expect(rgba.chunkTypes == ["IHDR", "IDAT", "IEND"])
  }

  @Test func paletteWithTransparency() throws {
    let palette = [
      PNG.Color(red: 1, green: 2, blue: 3), PNG.Color(red: 4, green: 5, blue: 6, alpha: 0),
      PNG.Color(red: 7, green: 8, blue: 9),
    ]
    let image = try Decoded(
      PNG.encode(width: 3, height: 2, indices: [0, 1, 2, 2, 1, 0], palette: palette))
    #expect(image.pixels == [0, 1, 2, 2, 1, 0])
    #expect(image.palette == Array(1...9))
    #expect(image.transparency == [255, 0])
    #expect(image.chunkTypes == ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"])
  }

  @Test func wrongSizes() {
    #expect(throws: PNGError.wrongByteCount(expected: 4, found: 3)) {
      try PNG.encode(width: 2, height: 2, gray: [1, 2, 3])
    }
    #expect(throws: PNGError.invalidSize(width: 0, height: 2)) {
      try PNG.encode(width: 0, height: 2, gray: [])
    }
    #expect(throws: PNGError.wrongByteCount(expected: .max, found: 0)) {
      try PNG.encode(width: Int(Int32.max), height: Int(Int32.max), rgba: [])
    }
    #expect(throws: PNGError.wrongPaletteCount(0)) {
      try PNG.encode(width: 1, height: 1, indices: [0], palette: [])
    }
    #expect(throws: PNGError.indexOutsidePalette(1, count: 1)) {
      try PNG.encode(
        width: 1, height: 1, indices: [1], palette: [PNG.Color(red: 0, green: 0, blue: 0)])
    }
  }
}
