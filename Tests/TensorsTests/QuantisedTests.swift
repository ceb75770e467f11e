import Tensors
import Testing

/// Quantised rows of harmless random content, and what the formats say they are.
func quantised(_ type: ElementType, _ rows: Int, _ columns: Int, seed: UInt64) throws
  -> Tensor
{
  var numbers = SeededNumbers(seed)
  let size = type.byteCount
  var bytes = (0..<rows * columns / type.blockLength * size).map { _ in
    UInt8(truncatingIfNeeded: numbers.nextBits() >> 20)
  }
  // Scales are half-precision numbers of about 2^-8 with either sign.
  let scales: [Int] =
    switch type {
    case .q4_1, .q5_1, .q4_k, .q5_k: [1, 3]
    case .q6_k: [209]
    default: [1]
    }
  for block in stride(from: 0, to: bytes.count, by: size) {
    for place in scales { bytes[block + place] = 0x18 | bytes[block + place] & 0x83 }
  }
  return try Tensor(shape: [rows, columns], elementType: type, bytes: bytes)
}

/// Some columns of all rows.
private func columns(_ range: Range<Int>, of floats: [Float], width: Int) -> [Float] {
  var result: [Float] = []
  for start in stride(from: 0, to: floats.count, by: width) {
    result += floats[(start + range.lowerBound)..<(start + range.upperBound)]
  }
  return result
}

/// Blocks that hold scales of their own; pairs of 4-bit floats have theirs beside them.
let blockTypes = ElementType.allCases.filter { $0.blockLength > 2 }

@Suite struct QuantisedTests {
  @Test(arguments: blockTypes) func partsAreThoseOfTheWhole(type: ElementType) throws {
    let tensor = try quantised(type, 5, 512, seed: 3)
    let floats = tensor.floats
    #expect(floats.allSatisfy { $0.isFinite })
    #expect(Set(floats).count > 100)
    #expect(tensor.byteCount == tensor.bytes.count)
    #expect(tensor.rows(2..<4).floats == Array(floats[1_024..<2_048]))
    #expect(tensor[4].floats == Array(floats[2_048...]))
    #expect(tensor[1].rows(3..<7).floats == Array(floats[515..<519]))
    let last = Array(floats[2_048...])
    let gathered: [Float] = last + Array(floats[..<512]) + last
    #expect(tensor.gatheringRows([4, 0, 4]).floats == gathered)
    #expect(tensor[0].gatheringRows([7, 500]).floats == [floats[7], floats[500]])
    #expect(tensor.element(3, 77) == floats[3 * 512 + 77])
    #expect(tensor.slice(axis: 1, 10..<20).floats == columns(10..<20, of: floats, width: 512))
    #expect(tensor.reshaped([2, 1_280]).floats == floats)
    #expect(tensor.reshaped([20, 128]).floats == floats)
    #expect(tensor.reshaped([512, 5]).floats == floats)
    #expect(tensor.converted(to: .float32).floats == floats)
    #expect(try Tensor.concatenated([tensor, tensor], axis: 0).floats == floats + floats)
    var target = Tensor(zeros: [6, 512])
    try target.replaceRows(startingAt: 1, with: tensor)
    #expect(target.rows(1..<6).floats == floats)
  }

  @Test(arguments: blockTypes) func everyInstructionSetWidensTheSame(type: ElementType) throws {
    let tensor = try quantised(type, 3, 512, seed: 5)
    let floats = tensor.floats.map(\.bitPattern)
    onEachInstructionSet { set in
      #expect(tensor.floats.map(\.bitPattern) == floats, "\(set)")
    }
  }

  /// Compared with double precision to 1e-6 + n · 1e-7 times the largest weight.
  @Test(arguments: blockTypes, [1, 8, 9, 16, 17, 40]) func multiplies(type: ElementType, rows: Int)
    throws
  {
    // Depths beyond a piece of the depth, and such that pieces wouldn't end with a block.
    for (columns, depth) in [(3, 256), (37, 512), (33, 768), (5, 1_280)] {
      let weight = try quantised(type, columns, depth, seed: UInt64(columns))
      var numbers = SeededNumbers(UInt64(rows))
      let x = numbers.tensor(rows, depth)
      let bias = numbers.tensor(columns)
      let largest = Double(weight.floats.reduce(1) { max($0, abs($1)) })
      let expected = referenceLinear(
        x.floats, weight.floats, bias: bias.floats, rows: rows, columns: columns, depth: depth)
      try onEachInstructionSet { set in
        let y = try linear(x, weight: weight, bias: bias)
        #expect(
          largestDifference(y.floats, expected) <= (1e-6 + 1e-7 * Double(depth)) * largest,
          "\(set) \(columns) \(depth)")
      }
    }
  }

  @Test func cutBlocksAreRefused() {
    #expect(throws: TensorError.cutBlocks(shape: [2, 33], elementType: .q8_0)) {
      try Tensor.byteCount([2, 33], .q8_0)
    }
    #expect(throws: TensorError.self) { try Tensor.byteCount([1 << 40, 1 << 33], .q4_k) }
  }
}

/// Weights with one scale for each block of rows and columns.
@Suite struct ScaledTests {
  private func scaled(
    _ type: ElementType, rows: Int, columns: Int, block: (rows: Int, columns: Int)
  ) throws -> (tensor: Tensor, floats: [Float]) {
    var numbers = SeededNumbers(11)
    let bytes = (0..<rows * columns * type.byteCount).map { _ in UInt8(numbers.nextBits() & 0x3f) }
    let stored = try Tensor(shape: [rows, columns], elementType: type, bytes: bytes)
    let across = (columns + block.columns - 1) / block.columns
    let scales = numbers.tensor((rows + block.rows - 1) / block.rows, across)
    let factors = scales.floats
    let floats = stored.floats.enumerated().map { place, value in
      value * factors[place / columns / block.rows * across + place % columns / block.columns]
    }
    return (try stored.scaled(by: scales, block: block), floats)
  }

  @Test(arguments: [ElementType.float8e4m3, .float8e5m2, .int8, .bfloat16, .float32])
  func numbersAreScaled(type: ElementType) throws {
    let (tensor, floats) = try scaled(type, rows: 21, columns: 37, block: (4, 16))
    #expect(tensor.isScaled)
    #expect(tensor.floats == floats)
    #expect(tensor.rows(5..<9).floats == Array(floats[(5 * 37)..<(9 * 37)]))
    #expect(tensor.rows(5..<9).rows(2..<3).floats == Array(floats[(7 * 37)..<(8 * 37)]))
    #expect(tensor[20].floats == Array(floats[(20 * 37)...]))
    #expect(tensor.element(13, 36) == floats[13 * 37 + 36])
    let gathered: [Float] = Array(floats[740...]) + Array(floats[111..<148])
    #expect(tensor.gatheringRows([20, 3]).floats == gathered)
    #expect(tensor.slice(axis: 1, 15..<18).floats == columns(15..<18, of: floats, width: 37))
    #expect(tensor.converted(to: .float32).floats == floats)
    #expect(tensor.reshaped([37, 21]).floats == floats)
    #expect(try Tensor.concatenated([tensor, tensor], axis: 0).floats == floats + floats)
    var changed = tensor.converted(to: .float32)
    try changed.replaceRows(startingAt: 0, with: Tensor(zeros: [1, 37]))
    #expect(tensor.floats == floats)
    for rows in [1, 9, 16, 17, 40] {
      var numbers = SeededNumbers(UInt64(rows))
      let x = numbers.tensor(rows, 37)
      let largest = Double(floats.reduce(1) { max($0, abs($1)) })
      let expected = referenceLinear(
        x.floats, floats, bias: nil, rows: rows, columns: 21, depth: 37)
      var lower: [Double] = []
      for row in 0..<rows { lower += expected[(row * 21 + 5)..<(row * 21 + 21)] }
      try onEachInstructionSet { set in
        let difference = largestDifference(try linear(x, weight: tensor).floats, expected)
        #expect(difference <= 1e-5 * largest, "\(set) \(rows)")
        let part = largestDifference(
          try linear(x, weight: tensor.rows(5..<21)).floats,
          lower)
        #expect(part <= 1e-5 * largest, "\(set) \(rows)")
      }
    }
  }

  @Test func scalesOfAnotherShapeAreRefused() throws {
    #expect(throws: TensorError.incompatibleShapes([4, 4], [1, 2])) {
      try Tensor(zeros: [4, 4]).scaled(by: Tensor(zeros: [1, 2]), block: (2, 2))
    }
  }
}
