/// Message authentication by a shared key (RFC 2104).
public enum HMAC {
  /// The 32 bytes of HMAC-SHA-256 of a message given in parts, which aren't copied together.
  public static func sha256(key: [UInt8], message parts: [[UInt8]]) -> [UInt8] {
    var padded = key.count > 64 ? SHA256.hash(key) : key
    padded.append(contentsOf: repeatElement(0, count: 64 - padded.count))
    var inner = SHA256()
    inner.update(padded.map { $0 ^ 0x36 })
    for part in parts { inner.update(part) }
    var outer = SHA256()
    outer.update(padded.map { $0 ^ 0x5c })
    outer.update(inner.digest())
    return outer.digest()
  }

  /// The 32 bytes of HMAC-SHA-256 of a message in one piece.
  public static func sha256(key: [UInt8], message: [UInt8]) -> [UInt8] {
    sha256(key: key, message: [message])
  }

  /// Whether two byte strings are equal, found out in a time that depends on their lengths alone.
  ///
  /// A comparison that stops at the first difference would tell a forger how many bytes of a
  /// signature are right.
  public static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}
