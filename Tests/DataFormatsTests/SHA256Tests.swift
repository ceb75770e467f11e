import DataFormats
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4's examples, and lengths around the block's edges checked with an independent
  /// implementation.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "a", count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ])
  func knownHashes(message: String, hash: String) {
    #expect(SHA256.hexadecimal(Array(message.utf8)) == hash)
  }

  @Test func anyDivisionGivesTheSameHash() {
    let message = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 300] {
      let whole = SHA256.hash(Array(message[..<length]))
      for step in [1, 3, 63, 64, 65] {
        var hasher = SHA256()
        for start in stride(from: 0, to: length, by: step) {
          hasher.update(message[start..<min(length, start + step)])
        }
        #expect(hasher.digest() == whole)
      }
    }
  }

  @Test func theHashSoFarDoesNotEndTheMessage() {
    var hasher = SHA256()
    hasher.update(Array("ab".utf8))
    #expect(hasher.hexadecimal == SHA256.hexadecimal(Array("ab".utf8)))
    hasher.update(Array("c".utf8))
    #expect(hasher.hexadecimal == SHA256.hexadecimal(Array("abc".utf8)))
  }

  @Test func hexadecimalDigits() {
    #expect(Hexadecimal.encode([0, 0x1F, 0xAB]) == "001fab")
    #expect(Hexadecimal.decode("001fAB") == [0, 0x1F, 0xAB])
    #expect(Hexadecimal.decode("001") == nil)
    #expect(Hexadecimal.decode("0g") == nil)
  }
}
