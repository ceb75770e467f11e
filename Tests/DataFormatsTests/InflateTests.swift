import DataFormats
import Testing

@Suite struct InflateTests {
  @Test func streamsMadeByZlib() throws {
    let cases = try JSON(parsing: Fixture.bytes("compressed.json")).array ?? []
    #expect(cases.count == 48)
    for item in cases {
      let text = try Base64.decode(item["text"]?.string ?? "?")
      let stream = try Base64.decode(item["stream"]?.string ?? "?")
      #expect(try Zlib.decompress(stream, limit: text.count) == text)
      if !text.isEmpty {
        #expect(throws: InflateError.limitExceeded(limit: text.count - 1)) {
          try Zlib.decompress(stream, limit: text.count - 1)
        }
      }
    }
  }

  @Test(
    arguments: [
      ([], InflateError.unexpectedEnd), ([0x07], .invalidBlockType),
      ([0x01, 1, 0, 0, 0], .storedLengthMismatch), ([0x01, 1, 0, 0xFE, 0xFF], .unexpectedEnd),
      ([0x4B, 0x04], .unexpectedEnd), ([0x03, 0x00], nil), ([0x02, 0x00], .unexpectedEnd),
      // Fixed block whose first symbol is a copy.
      ([0x03, 0x02], .distanceTooFar(1)),
    ] as [([UInt8], InflateError?)])
  func smallStreams(stream: [UInt8], error: InflateError?) throws {
    if let error {
      #expect(throws: error) { try Inflate.decompress(stream, limit: 100) }
    } else {
      #expect(try Inflate.decompress(stream, limit: 100) == [])
    }
  }

  @Test func wrongWrappers() throws {
    var stream = Zlib.compress(Array("attention".utf8))
    stream[stream.count - 1] ^= 1
    #expect(throws: InflateError.checksumMismatch) { try Zlib.decompress(stream, limit: 100) }
    #expect(throws: InflateError.unexpectedEnd) {
      try Zlib.decompress(stream.dropLast(2), limit: 100)
    }
    #expect(throws: InflateError.invalidHeader) { try Zlib.decompress([0x78, 0x9D], limit: 100) }
    #expect(throws: InflateError.invalidHeader) { try Zlib.decompress([0x78, 0xBB], limit: 100) }
  }

  @Test func damagedStreamsEndInAnErrorOrAText() {
    var generator = SeededGenerator(seed: 11)
    let text = (0..<3000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0) }
    let whole = Deflate.compress(text)
    for _ in 0..<3000 {
      var damaged = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        damaged[Int.random(in: damaged.indices, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) {
        damaged = Array(damaged.prefix(Int.random(in: 0...damaged.count, using: &generator)))
      }
      if let result = try? Inflate.decompress(damaged, limit: 10_000) {
        #expect(result.count <= 10_000)
      }
    }
  }
}
