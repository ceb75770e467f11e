import Glibc
import Tensors
import Testing

@Suite struct MappedFileTests {
  /// A file of these bytes that exists while `body` runs.
  private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/vitrine-mapped-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    try #require(written == bytes.count)
    try body(path)
  }

  @Test func readsWhereTheFileIs() throws {
    try withFile([9] + Array(0..<40)) { path in
      let file = try MappedFile(path: path)
      #expect(file.count == 41)
      #expect(try file.bytes(in: 0..<3) == [9, 0, 1])
      #expect(try file.bytes(in: 41..<41) == [])
      let x = try Tensor(mapped: file, byteOffset: 1, shape: [5, 2], elementType: .int16)
      #expect(x.isMapped)
      #expect(x.floats[1] == 0x0302)
      #expect(x.rows(4..<5).floats == [0x1110, 0x1312])
    }
  }

  @Test(arguments: [ElementType.float32, .bfloat16, .float16, .float64, .int8, .float8e5m2])
  func unalignedWeightsAreMultipliedWhereTheyAre(type: ElementType) throws {
    var numbers = SeededNumbers(77)
    let (outs, depth) = (37, 67)
    let byteCount = outs * depth * type.byteCount
    // Bytes below 0x40 are harmless numbers in every type.
    let bytes = (0..<byteCount).map { _ in UInt8(numbers.nextBits() & 0x3f) }
    for offset in [1, 3] {
      try withFile([UInt8](repeating: 0, count: offset) + bytes) { path in
        let file = try MappedFile(path: path)
        let weight = try Tensor(
          mapped: file, byteOffset: offset, shape: [outs, depth], elementType: type)
        for rows in [1, 4, 8, 9, 20] {
          let x = numbers.tensor(rows, depth)
          let expected = referenceLinear(
            x.floats, weight.floats, bias: nil, rows: rows, columns: outs, depth: depth)
          let largest = weight.floats.reduce(0) { max($0, abs($1)) }
          try onEachInstructionSet { set in
            let y = try linear(x, weight: weight)
            #expect(
              largestDifference(y.floats, expected) <= 1e-5 * Double(max(1, largest)),
              "\(set) \(rows)")
          }
        }
      }
    }
  }

  @Test func refusesWhatCannotBeMapped() throws {
    do {
      _ = try MappedFile(path: "/nonexistent/weights")
      Issue.record("a missing file was mapped")
    } catch {
      #expect(
        error
          == .cannotOpen(
            path: "/nonexistent/weights", code: ENOENT, reason: "No such file or directory"))
    }
    #expect(throws: MappedFileError.notARegularFile(path: "/tmp")) { try MappedFile(path: "/tmp") }
    try withFile([]) { path in
      #expect(throws: MappedFileError.empty(path: path)) { try MappedFile(path: path) }
    }
  }

  @Test func refusesPartsOutsideTheFile() throws {
    try withFile([1, 2, 3, 4]) { path in
      let file = try MappedFile(path: path)
      #expect(throws: MappedFileError.outOfBounds(path: path, range: 2..<5, byteCount: 4)) {
        try file.bytes(in: 2..<5)
      }
      #expect(throws: MappedFileError.outOfBounds(path: path, range: -1..<2, byteCount: 4)) {
        try file.bytes(in: -1..<2)
      }
      #expect(throws: TensorError.outOfBounds(byteOffset: 1, byteCount: 4, fileByteCount: 4)) {
        try Tensor(mapped: file, byteOffset: 1, shape: [1], elementType: .float32)
      }
      #expect(throws: TensorError.outOfBounds(byteOffset: -4, byteCount: 4, fileByteCount: 4)) {
        try Tensor(mapped: file, byteOffset: -4, shape: [1], elementType: .float32)
      }
      #expect(throws: TensorError.outOfBounds(byteOffset: .max, byteCount: 4, fileByteCount: 4)) {
        try Tensor(mapped: file, byteOffset: .max, shape: [1], elementType: .float32)
      }
      #expect(throws: TensorError.sizeOverflow(shape: [1 << 40, 1 << 40], elementType: .float32)) {
        try Tensor(
          mapped: file, byteOffset: 0, shape: [1 << 40, 1 << 40], elementType: .float32)
      }
    }
  }

  @Test func digestsAreThoseOfTheStandard() throws {
    // FIPS 180-2, appendix B.
    let known = [
      0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
      0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
      0x15, 0xad,
    ].map { UInt8($0) }
    try withFile(Array("abc".utf8)) { path in
      let file = try MappedFile(path: path)
      let (digest, portable) = (try file.sha256(), try file.sha256(portable: true))
      #expect(digest == known)
      #expect(portable == known)
    }
    for count in [55, 56, 63, 64, 65, 1_000, 1 << 20, (1 << 20) + 119] {
      try withFile((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }) { path in
        let file = try MappedFile(path: path)
        let (digest, portable) = (try file.sha256(), try file.sha256(portable: true))
        #expect(digest == portable, "\(count) bytes")
      }
    }
  }

  @Test func samplesTellFilesApart() throws {
    let bytes = [UInt8](repeating: 7, count: 5 << 20)
    var digests: Set<[UInt8]> = []
    for (length, changed) in [
      (5 << 20, 0), (5 << 20, (5 << 20) - 1), (5 << 20, -1), (5 << 20 - 1, -1),
    ] {
      var content = Array(bytes[..<length])
      if changed >= 0 { content[changed] = 8 }
      try withFile(content) { path in digests.insert(try MappedFile(path: path).sampledSHA256()) }
    }
    #expect(digests.count == 4)
  }
}
