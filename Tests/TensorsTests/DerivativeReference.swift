import Glibc
import Tensors
import Testing

// Derivatives in double precision: central differences of a function, and closed forms.

/// The gradient of `function` at x by central differences; for a function of smooth third derivatives below some 10
/// it is right to 1e-8.
func centralDifferences(_ x: [Double], _ function: ([Double]) -> Double) -> [Double] {
  let step = 1e-5
  return x.indices.map { index in
    var moved = x
    moved[index] = x[index] + step
    let high = function(moved)
    moved[index] = x[index] - step
    return (high - function(moved)) / (2 * step)
  }
}

/// Σ a b.
func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

extension Tensor {
  /// The elements in double precision.
  var doubles: [Double] { floats.map(Double.init) }
}

/// The largest magnitude, at least 1: what differences are compared with.
func magnitude(_ values: [Double]) -> Double { values.reduce(1) { max($0, abs($1)) } }

/// An attention in double precision and its derivatives, written out from the map of each head.
struct ReferenceAttention {
  let heads: Int
  let keyValueHeads: Int
  let dimension: Int
  let valueDimension: Int
  let queryCount: Int
  let keyCount: Int
  let scale: Double
  let causal: Bool
  let keyMask: [Bool]?

  private func map(_ queries: [Double], _ keys: [Double], head: Int) -> [Double] {
    let keyHead = head / (heads / keyValueHeads)
    var map = [Double](repeating: 0, count: queryCount * keyCount)
    for query in 0..<queryCount {
      var total = 0.0
      for key in 0..<keyCount {
        if causal && key > query + keyCount - queryCount { continue }
        if let keyMask, !keyMask[key] { continue }
        var sum = 0.0
        for i in 0..<dimension {
          sum +=
            queries[(query * heads + head) * dimension + i]
            * keys[(key * keyValueHeads + keyHead) * dimension + i]
        }
        map[query * keyCount + key] = Glibc.exp(sum * scale)
        total += map[query * keyCount + key]
      }
      if total > 0 {
        for key in 0..<keyCount { map[query * keyCount + key] /= total }
      }
    }
    return map
  }

  func output(_ queries: [Double], _ keys: [Double], _ values: [Double]) -> [Double] {
    var output = [Double](repeating: 0, count: queryCount * heads * valueDimension)
    for head in 0..<heads {
      let map = map(queries, keys, head: head)
      let keyHead = head / (heads / keyValueHeads)
      for query in 0..<queryCount {
        for key in 0..<keyCount {
          let weight = map[query * keyCount + key]
          if weight == 0 { continue }
          for i in 0..<valueDimension {
            output[(query * heads + head) * valueDimension + i] +=
              weight * values[(key * keyValueHeads + keyHead) * valueDimension + i]
          }
        }
      }
    }
    return output
  }

  func gradient(
    _ slope: [Double], _ queries: [Double], _ keys: [Double], _ values: [Double]
  ) -> (queries: [Double], keys: [Double], values: [Double]) {
    var result = (
      queries: queries.map { _ in 0.0 }, keys: keys.map { _ in 0.0 },
      values: values.map { _ in 0.0 }
    )
    for head in 0..<heads {
      let map = map(queries, keys, head: head)
      let keyHead = head / (heads / keyValueHeads)
      for query in 0..<queryCount {
        var slopes = [Double](repeating: 0, count: keyCount)
        for key in 0..<keyCount {
          for i in 0..<valueDimension {
            let value = (key * keyValueHeads + keyHead) * valueDimension + i
            let g = slope[(query * heads + head) * valueDimension + i]
            slopes[key] += g * values[value]
            result.values[value] += map[query * keyCount + key] * g
          }
        }
        let level = (0..<keyCount).reduce(0.0) { $0 + slopes[$1] * map[query * keyCount + $1] }
        for key in 0..<keyCount {
          let score = map[query * keyCount + key] * (slopes[key] - level) * scale
          for i in 0..<dimension {
            let (q, k) = (
              (query * heads + head) * dimension + i,
              (key * keyValueHeads + keyHead) * dimension + i
            )
            result.queries[q] += score * keys[k]
            result.keys[k] += score * queries[q]
          }
        }
      }
    }
    return result
  }
}
