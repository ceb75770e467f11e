import Synchronization
import Tensors

/// What an attention was made of, as its way back meets it.
struct AttentionBackward: Sendable {
  /// With respect to what the heads gathered, `[queries, heads × valueDimension]`.
  let gradient: Tensor
  let queries: Tensor
  let keys: Tensor
  let values: Tensor
  /// The positions of the queries.
  let rows: Range<Int>
  /// The positions of the keys; `nil` for all from the first.
  var places: [Int]?
  let heads: Int
  let keyValueHeads: Int
  let scale: Float
  let isCausal: Bool

  private static let blockSize = 64

  /// Adds `Σ_q row[q] · mean_h max(0, A ∘ ∂A)[h, q, k]` to the sum at each key's position, with one block of one head's
  /// map in memory at a time.
  func addRelevance(
    _ row: [Double], to sums: inout [Double], _ cancellation: Cancellation?
  ) throws {
    let (queryCount, keyCount) = (queries.shape[0], keys.shape[0])
    let width = values.shape[1] / keyValueHeads
    for first in stride(from: 0, to: queryCount, by: Self.blockSize) {
      let block = first..<min(queryCount, first + Self.blockSize)
      if block.allSatisfy({ row[rows.lowerBound + $0] == 0 }) { continue }
      let visible = isCausal ? keyCount - queryCount + block.upperBound : keyCount
      if visible <= 0 { continue }
      let (blockQueries, blockKeys) = (queries.rows(block), keys.rows(0..<visible))
      let (blockValues, slopes) = (values.rows(0..<visible), gradient.rows(block))
      for head in 0..<heads {
        try cancellation?.check()
        let map = try attentionMap(
          queries: blockQueries, keys: blockKeys, head: head, heads: heads,
          keyValueHeads: keyValueHeads, scale: scale, causal: isCausal, cancellation: cancellation
        ).floats
        let group = head / (heads / keyValueHeads)
        let change = try linear(
          slopes.slice(axis: 1, head * width..<(head + 1) * width),
          weight: blockValues.slice(axis: 1, group * width..<(group + 1) * width), bias: nil,
          cancellation: cancellation
        ).floats
        for query in block {
          let weight = row[rows.lowerBound + query] / Double(heads)
          if weight == 0 { continue }
          let start = (query - first) * visible
          for key in 0..<visible {
            let product = Double(map[start + key]) * Double(change[start + key])
            if product > 0 { sums[places?[key] ?? key] += weight * product }
          }
        }
      }
    }
  }
}

/// Sees every layer's attention on the way back, from the last layer to the first.
final class AttentionWitness: Sendable {
  private let state: Mutex<[Double]>

  /// Begins with a weight for each position whose relevance is asked for.
  init(_ row: [Double]) { state = Mutex(row) }

  /// How much each position was looked at.
  var row: [Double] { state.withLock { $0 } }

  /// `row ← row + row Ā` for one layer, whose attention may have several parts.
  func see(_ parts: [AttentionBackward], _ cancellation: Cancellation?) throws {
    let before = row
    var after = before
    for part in parts { try part.addRelevance(before, to: &after, cancellation) }
    let result = after
    state.withLock { $0 = result }
  }
}
