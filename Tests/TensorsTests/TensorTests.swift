import Glibc
import Tensors
import Testing

@Suite struct TensorTests {
  @Test func copiesAreIndependent() {
    let original = Tensor(shape: [2, 2], [1, 2, 3, 4])
    var changed = original
    changed.scale(by: 10)
    #expect(original.floats == [1, 2, 3, 4])
    #expect(changed.floats == [10, 20, 30, 40])
    var row = original.rows(1..<2)
    row.scale(by: 2)
    #expect(row.floats == [6, 8])
    #expect(original.floats == [1, 2, 3, 4])
  }

  @Test func viewsAddressTheirRows() {
    let x = Tensor(shape: [4, 3], (0..<12).map(Float.init))
    #expect(x.rows(1..<3).shape == [2, 3])
    #expect(x.rows(1..<3).floats == [3, 4, 5, 6, 7, 8])
    #expect(x[2].shape == [3])
    #expect(x[2].floats == [6, 7, 8])
    #expect(x.rows(1..<4)[1].floats == [6, 7, 8])
    #expect(x.element(3, 1) == 10)
    #expect(x.rows(2..<2).count == 0)
    #expect(x.reshaped([2, 6])[1].floats == [6, 7, 8, 9, 10, 11])
  }

  @Test func rowsAreReplacedAndGathered() throws {
    var x = Tensor(zeros: [4, 2])
    let kept = x
    try x.replaceRows(startingAt: 1, with: Tensor(shape: [2, 2], [1, 2, 3, 4]))
    #expect(x.floats == [0, 0, 1, 2, 3, 4, 0, 0])
    #expect(kept.floats.allSatisfy { $0 == 0 })
    let gathered = x.converted(to: .bfloat16).gatheringRows([2, 0, 2])
    #expect(gathered.elementType == .float32)
    #expect(gathered.floats == [3, 4, 0, 0, 3, 4])
  }

  @Test func bytesMustFillTheShape() throws {
    #expect(throws: TensorError.countMismatch(shape: [3], count: 2)) {
      try Tensor(shape: [3], elementType: .bfloat16, bytes: [0, 0, 0, 0])
    }
    #expect(throws: TensorError.negativeDimension(shape: [-1, 2])) {
      try Tensor(shape: [-1, 2], elementType: .float32, bytes: [])
    }
    #expect(throws: TensorError.sizeOverflow(shape: [.max, 2], elementType: .uint8)) {
      try Tensor(shape: [.max, 2], elementType: .uint8, bytes: [])
    }
    #expect(throws: TensorError.sizeOverflow(shape: [0, .max, 4], elementType: .uint8)) {
      try Tensor(shape: [0, .max, 4], elementType: .uint8, bytes: [])
    }
    let x = try Tensor(shape: [2], elementType: .int16, bytes: [1, 0, 0xff, 0xff])
    #expect(x.floats == [1, -1])
  }

  @Test func storedTypesWidenExactly() throws {
    func values(_ type: ElementType, _ bytes: [UInt8]) throws -> [Float] {
      try Tensor(shape: [bytes.count / type.byteCount], elementType: type, bytes: bytes).floats
    }
    #expect(try values(.float64, [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]) == [1.5])
    #expect(try values(.int64, [0xfe] + [UInt8](repeating: 0xff, count: 7)) == [-2])
    #expect(try values(.uint64, [2] + [UInt8](repeating: 0, count: 7)) == [2])
    #expect(try values(.int32, [0xff, 0xff, 0xff, 0xff]) == [-1])
    #expect(try values(.uint32, [0, 0, 0, 0x80]) == [0x1p31])
    #expect(try values(.uint16, [0xff, 0xff]) == [65535])
    #expect(try values(.int8, [0x80, 0x7f]) == [-128, 127])
    #expect(try values(.uint8, [0x80]) == [128])
    #expect(try values(.bool, [0, 1, 7]) == [0, 1, 1])
    // E4M3: 1 is 0x38, the largest 0x7e is 448, the smallest 2^-9; E5M2: 1 is 0x3c, the largest 57,344.
    #expect(
      try values(.float8e4m3, [0x38, 0xb8, 0x7e, 0x01, 0x08, 0]) == [1, -1, 448, 0x1p-9, 0x1p-6, 0])
    #expect(try values(.float8e4m3, [0x7f])[0].isNaN)
    #expect(
      try values(.float8e5m2, [0x3c, 0x7b, 0x01, 0x7c, 0xfc]) == [
        1, 57344, 0x1p-16, .infinity, -.infinity,
      ])
    #expect(try values(.float8e8m0, [127, 128, 0]) == [1, 2, 0x1p-127])
  }

  @Test func everyHalfWidensAsTheProcessorDoes() throws {
    var bytes: [UInt8] = []
    for bits in UInt16.min...UInt16.max { bytes += [UInt8(bits & 0xff), UInt8(bits >> 8)] }
    let halves = try Tensor(shape: [65536], elementType: .float16, bytes: bytes)
    let brains = try Tensor(shape: [65536], elementType: .bfloat16, bytes: bytes)
    onEachInstructionSet { set in
      let (wide, wideBrains) = (halves.floats, brains.floats)
      var wrong = 0
      for bits in 0..<65536 {
        let exponent = bits >> 10 & 31
        let mantissa = Double(bits & 1023)
        let size =
          exponent == 31
          ? (mantissa == 0 ? .infinity : .nan)
          : exponent == 0
            ? mantissa * 0x1p-24 : (1 + mantissa / 1024) * pow(2, Double(exponent - 15))
        let expected = Float(bits < 32768 ? size : -size)
        if !(wide[bits] == expected || wide[bits].isNaN && expected.isNaN) { wrong += 1 }
        if wideBrains[bits].bitPattern != UInt32(bits) << 16 { wrong += 1 }
      }
      #expect(wrong == 0, "\(set)")
      // What was widened narrows back to the same bits (NaN to a NaN).
      for (type, stored, wide) in [
        (ElementType.float16, halves, wide), (.bfloat16, brains, wideBrains),
      ] {
        let before = stored.bytes
        let again = Tensor(shape: [65536], wide).converted(to: type).bytes
        let differing = (0..<65536).filter {
          !wide[$0].isNaN
            && (again[2 * $0] != before[2 * $0]
              || again[2 * $0 + 1] != before[2 * $0 + 1])
        }
        #expect(differing.isEmpty, "\(set) \(type)")
      }
    }
  }

  @Test func narrowingRoundsToEven() {
    let x: [Float] = [
      1 + 0x1p-9, 1 + 0x1p-8 + 0x1p-9, 1 + 0x1p-8, 3.4e38, 65504, 65519, 65520, 0x1p-25, 0x1.8p-25,
    ]
    #expect(
      Tensor(shape: [9], x).converted(to: .bfloat16).floats[0..<4]
        == [1, 1 + 0x1p-7, 1, .infinity])
    #expect(
      Tensor(shape: [9], x).converted(to: .float16).floats[4...] == [
        65504, 65504, .infinity, 0, 0x1p-24,
      ])
    #expect(
      Tensor(shape: [4], [1.9, -1.9, 1e30, .nan]).converted(to: .int32).floats == [
        1, -1, Float(Int32.max), 0,
      ])
    #expect(Tensor(shape: [3], [-1, 300, 7]).converted(to: .uint8).bytes == [0, 255, 7])
  }
}
