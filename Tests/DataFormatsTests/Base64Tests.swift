import DataFormats
import Testing

@Suite struct Base64Tests {
  /// The test vectors of RFC 4648.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func standardVectors(text: String, encoded: String) throws {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(try Base64.decode(encoded) == Array(text.utf8))
  }

  @Test func everyLengthAndByteReturns() throws {
    for length in 0..<260 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
    }
    #expect(Base64.encode([0xFB, 0xFF, 0xBF]) == "+/+/")
  }

  @Test(arguments: [
    ("Zg=", Base64Error.invalidLength(3)), ("Z", .invalidLength(1)), ("Zm9v=", .invalidLength(5)),
    ("====", .invalidLength(4)), ("Zh==", .trailingBits), ("Zm9=", .trailingBits),
    ("Zm9v\n", .invalidCharacter(10, offset: 4)), ("Zg==Zg==", .invalidCharacter(90, offset: 4)),
    ("Zm-_", .invalidCharacter(45, offset: 2)), ("Zmü=", .invalidCharacter(0xC3, offset: 2)),
  ])
  func wrongTexts(text: String, error: Base64Error) {
    #expect(throws: error) { try Base64.decode(text) }
  }

  @Test func whitespaceOnRequest() throws {
    #expect(
      try Base64.decode("Zm9v\r\nYm Fy\t", skippingWhitespace: true) == Array("foobar".utf8))
  }
}
