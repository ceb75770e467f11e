import CKernels

extension MappedFile {
  /// The SHA-256 of the whole file (FIPS 180-4), 32 bytes.
  ///
  /// - Parameters:
  ///   - cancellation: checked every megabyte.
  ///   - progress: called every megabyte with how many bytes were read.
  ///   - portable: whether the CPU's instructions for it are left out.
  /// - Throws: `Cancelled`.
  public func sha256(
    portable: Bool = false, cancellation: Cancellation? = nil, progress: (Int) -> Void = { _ in }
  ) throws(Cancelled) -> [UInt8] {
    var digest = FileDigest(portable: portable)
    let whole = count / 64 * 64
    for start in stride(from: 0, to: whole, by: 1 << 20) {
      try cancellation?.check()
      digest.update(self, start..<min(start + (1 << 20), whole))
      progress(start)
    }
    return digest.finish(self, whole..<count, length: count)
  }

  /// A SHA-256 of the file's size and of 64 KiB at each of 64 places spread over it: quick for files of any
  /// size, and different for other weights, but blind to a change between those places.
  public func sampledSHA256() -> [UInt8] {
    let places = 64
    let sample = 64 << 10
    guard count > places * sample else {
      var digest = FileDigest(portable: false)
      let whole = count / 64 * 64
      digest.update(self, 0..<whole)
      return digest.finish(self, whole..<count, length: count)
    }
    var digest = FileDigest(portable: false)
    for place in 0..<places {
      let start = (count - sample) * place / (places - 1)
      digest.update(self, start..<start + sample)
    }
    // The end's length field tells files of different sizes apart.
    return digest.finish(self, count..<count, length: count)
  }
}

/// A SHA-256 of parts of a mapped file.
private struct FileDigest {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  private let portable: Bool

  init(portable: Bool) { self.portable = portable }

  /// Takes in a range of whole blocks.
  mutating func update(_ file: MappedFile, _ range: Range<Int>) {
    precondition(
      range.count % 64 == 0 && range.upperBound <= file.count, "whole blocks of the file")
    guard !range.isEmpty,
      let base = unsafe UnsafeRawPointer(bitPattern: file.address + UInt(range.lowerBound))
    else { return }
    withExtendedLifetime(file) {
      unsafe vk_sha256(&state, base, Int64(range.count / 64), portable ? 1 : 0)
    }
  }

  /// Takes in the last bytes, less than a block, and the length, and gives the digest.
  mutating func finish(_ file: MappedFile, _ rest: Range<Int>, length: Int) -> [UInt8] {
    var end = (try? file.bytes(in: rest)) ?? []
    end.append(0x80)
    while end.count % 64 != 56 { end.append(0) }
    let bits = UInt64(length) &* 8
    for shift in stride(from: 56, through: 0, by: -8) {
      end.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    unsafe vk_sha256(&state, end, Int64(end.count / 64), portable ? 1 : 0)
    return state.flatMap { word in
      stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
    }
  }
}
