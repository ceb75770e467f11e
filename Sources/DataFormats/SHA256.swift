/// SHA-256 of a message that may arrive in parts (FIPS 180-4).
public struct SHA256: Sendable {
  private var state: [8 of UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// Bytes that don't fill a block of 64 yet.
  private var pending: [UInt8] = []
  private var messageLength: UInt64 = 0

  /// Starts with the empty message.
  public init() { pending.reserveCapacity(64) }

  /// The 32 bytes of the hash of one message.
  public static func hash(_ message: [UInt8]) -> [UInt8] {
    var hasher = SHA256()
    hasher.update(message)
    return hasher.digest()
  }

  /// The hash of one message as 64 lower-case hexadecimal digits.
  public static func hexadecimal(_ message: [UInt8]) -> String {
    Hexadecimal.encode(hash(message))
  }

  /// Appends bytes to the message.
  public mutating func update(_ bytes: [UInt8]) { update(bytes.span) }

  /// Appends bytes to the message.
  public mutating func update(_ bytes: ArraySlice<UInt8>) { update(bytes.span) }

  /// Appends bytes to the message.
  public mutating func update(_ bytes: Span<UInt8>) {
    messageLength &+= UInt64(bytes.count)
    var offset = 0
    if !pending.isEmpty {
      while pending.count < 64, offset < bytes.count {
        pending.append(bytes[offset])
        offset += 1
      }
      guard pending.count == 64 else { return }
      let block = pending
      Self.compress(block.span, from: 0, into: &state)
      pending.removeAll(keepingCapacity: true)
    }
    while bytes.count - offset >= 64 {
      Self.compress(bytes, from: offset, into: &state)
      offset += 64
    }
    while offset < bytes.count {
      pending.append(bytes[offset])
      offset += 1
    }
  }

  /// The 32 bytes of the hash of what was appended so far; more may be appended afterwards.
  public func digest() -> [UInt8] {
    var last = self
    last.pending.append(0x80)
    if last.pending.count > 56 {
      last.pending.append(contentsOf: repeatElement(0, count: 64 - last.pending.count))
      let block = last.pending
      Self.compress(block.span, from: 0, into: &last.state)
      last.pending.removeAll(keepingCapacity: true)
    }
    last.pending.append(contentsOf: repeatElement(0, count: 56 - last.pending.count))
    let bitCount = messageLength &* 8
    for shift in stride(from: 56, through: 0, by: -8) {
      last.pending.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
    }
    let block = last.pending
    Self.compress(block.span, from: 0, into: &last.state)
    var result: [UInt8] = []
    result.reserveCapacity(32)
    for index in last.state.indices {
      let word = last.state[index]
      for shift in [24, 16, 8, 0] as [UInt32] {
        result.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    return result
  }

  /// The hash of what was appended so far as 64 lower-case hexadecimal digits.
  public var hexadecimal: String { Hexadecimal.encode(digest()) }

  private static func compress(
    _ bytes: Span<UInt8>, from offset: Int, into state: inout [8 of UInt32]
  ) {
    let block = bytes.extracting(offset..<offset + 64)
    var words = [64 of UInt32](repeating: 0)
    for index in 0..<16 {
      let place = index &* 4
      words[index] =
        UInt32(block[place]) << 24 | UInt32(block[place &+ 1]) << 16
        | UInt32(block[place &+ 2]) << 8 | UInt32(block[place &+ 3])
    }
    for index in 16..<64 {
      let early = words[index &- 15]
      let late = words[index &- 2]
      let first = rotate(early, 7) ^ rotate(early, 18) ^ early >> 3
      let second = rotate(late, 17) ^ rotate(late, 19) ^ late >> 10
      words[index] = words[index &- 16] &+ first &+ words[index &- 7] &+ second
    }
    let constants = sha256Constants.span
    var a = state[0], b = state[1], c = state[2], d = state[3]
    var e = state[4], f = state[5], g = state[6], h = state[7]
    for index in 0..<64 {
      let mixed = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      let chosen = e & f ^ ~e & g
      let first = h &+ mixed &+ chosen &+ constants[index] &+ words[index]
      let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ (a & b ^ a & c ^ b & c)
      h = g
      g = f
      f = e
      e = d &+ first
      d = c
      c = b
      b = a
      a = first &+ second
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }
}

@inline(__always)
private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
  word &>> count | word &<< (32 &- count)
}

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let sha256Constants: [UInt32] = [
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
  0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
  0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
  0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
  0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
  0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
  0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
  0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
  0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
  0xc671_78f2,
]
