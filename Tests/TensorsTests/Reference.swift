import Glibc
import Tensors

// Naive references in double precision, and the inputs that the tests share.

/// A seeded sequence of numbers (SplitMix64).
struct SeededNumbers {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func nextBits() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in -1 ..< 1.
  mutating func next() -> Float { Float(nextBits() >> 40) * 0x1p-23 - 1 }

  mutating func tensor(_ shape: Int..., scale: Float = 1) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(shape: shape, (0..<count).map { _ in next() * scale })
  }
}

/// x [rows, depth] times w [columns, depth] transposed, plus bias.
func referenceLinear(
  _ x: [Float], _ w: [Float], bias: [Float]?, rows: Int, columns: Int, depth: Int
) -> [Double] {
  var y = [Double](repeating: 0, count: rows * columns)
  for row in 0..<rows {
    for column in 0..<columns {
      var sum = Double(bias?[column] ?? 0)
      for k in 0..<depth { sum += Double(x[row * depth + k]) * Double(w[column * depth + k]) }
      y[row * columns + column] = sum
    }
  }
  return y
}

func largestDifference(_ a: [Float], _ b: [Double]) -> Double {
  precondition(a.count == b.count)
  return zip(a, b).reduce(0) { largest, pair in
    let difference = abs(Double(pair.0) - pair.1)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

/// The probabilities [queries, keys] of one head.
func referenceMap(
  _ queries: [Float], _ keys: [Float], head: Int, heads: Int, keyValueHeads: Int, dimension: Int,
  queryCount: Int, keyCount: Int, scale: Double, causal: Bool, keyMask: [Bool]?
) -> [Double] {
  var map = [Double](repeating: 0, count: queryCount * keyCount)
  let keyHead = head / (heads / keyValueHeads)
  for query in 0..<queryCount {
    var scores = [Double](repeating: -.infinity, count: keyCount)
    for key in 0..<keyCount {
      if causal && key > query + keyCount - queryCount { continue }
      if let keyMask, !keyMask[key] { continue }
      var dot = 0.0
      for i in 0..<dimension {
        dot +=
          Double(queries[(query * heads + head) * dimension + i])
          * Double(keys[(key * keyValueHeads + keyHead) * dimension + i])
      }
      scores[key] = dot * scale
    }
    let largest = scores.max() ?? -.infinity
    if largest == -.infinity { continue }
    let exponentials = scores.map { Glibc.exp($0 - largest) }
    let total = exponentials.reduce(0, +)
    for key in 0..<keyCount { map[query * keyCount + key] = exponentials[key] / total }
  }
  return map
}

/// The output [queries, heads * valueDimension].
func referenceAttention(
  _ queries: [Float], _ keys: [Float], _ values: [Float], heads: Int, keyValueHeads: Int,
  dimension: Int, valueDimension: Int, queryCount: Int, keyCount: Int, scale: Double, causal: Bool,
  keyMask: [Bool]?
) -> [Double] {
  var output = [Double](repeating: 0, count: queryCount * heads * valueDimension)
  for head in 0..<heads {
    let map = referenceMap(
      queries, keys, head: head, heads: heads, keyValueHeads: keyValueHeads, dimension: dimension,
      queryCount: queryCount, keyCount: keyCount, scale: scale, causal: causal, keyMask: keyMask)
    let keyHead = head / (heads / keyValueHeads)
    for query in 0..<queryCount {
      for key in 0..<keyCount {
        let weight = map[query * keyCount + key]
        if weight == 0 { continue }
        for i in 0..<valueDimension {
          output[(query * heads + head) * valueDimension + i] +=
            weight * Double(values[(key * keyValueHeads + keyHead) * valueDimension + i])
        }
      }
    }
  }
  return output
}

/// Every test case that numbers are computed with, on each instruction set of this CPU.
func onEachInstructionSet(_ body: (InstructionSet) throws -> Void) rethrows {
  for set in InstructionSet.available {
    let ran: Void? = try Compute.with(instructionSet: set) { try body(set) }
    precondition(ran != nil)
  }
}
