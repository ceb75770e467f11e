import CKernels

/// How the maps of several heads become one.
public enum HeadReduction: Sendable {
  /// The mean over the heads.
  case mean
  /// The largest probability of any head.
  case max
}

/// One head's attention probabilities, `[queries, keys]`; rows sum to 1 (or are 0 where a query sees no key).
///
/// Arguments as in `attention`; entries above the diagonal are 0 where `causal`. Precondition: the shapes fit and the head exists.
/// Throws `Cancelled`.
public func attentionMap(
  queries: Tensor, keys: Tensor, head: Int, heads: Int, keyValueHeads: Int, scale: Float,
  causal: Bool, keyMask: [Bool]? = nil, cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  try attentionMaps(
    queries: queries, keys: keys, headRange: head..<(head + 1), heads: heads,
    keyValueHeads: keyValueHeads, scale: scale, causal: causal, keyMask: keyMask,
    cancellation: cancellation
  ).reshaped([queries.shape[0], keys.shape[0]])
}

/// The attention probabilities of several heads, `[heads, queries, keys]`.
///
/// Arguments as in `attention`. Precondition: the shapes fit and the heads exist. Throws `Cancelled`.
public func attentionMaps(
  queries: Tensor, keys: Tensor, headRange: Range<Int>, heads: Int, keyValueHeads: Int,
  scale: Float, causal: Bool, keyMask: [Bool]? = nil, cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  precondition(
    headRange.lowerBound >= 0 && headRange.upperBound <= heads, "heads \(headRange) of \(heads)")
  let queries = queries.widened()
  let keys = keys.widened()
  let shape = unsafe AttentionShape(
    queries, keys, heads: heads, keyValueHeads: keyValueHeads, scale: scale, isCausal: causal,
    keyMask: keyMask)
  let (queryCount, keyCount) = (queries.shape[0], keys.shape[0])
  let result = Tensor(uninitialized: [headRange.count, queryCount, keyCount])
  try cancellation?.check()
  let output = unsafe result.mutableFloatPointer
  let tiles = unsafe (queryCount + MapRows.tile - 1) / MapRows.tile
  Compute.pool.divide(count: tiles * headRange.count) { range in
    let rows = unsafe MapRows(shape)
    for task in range {
      if let cancellation, cancellation.isCancelled { return }
      let first = unsafe (tiles - 1 - task % tiles) * MapRows.tile
      let count = unsafe min(MapRows.tile, queryCount - first)
      let head = task / tiles
      unsafe rows.compute(head: headRange.lowerBound + head, first: first, count: count)
      for row in 0..<count {
        unsafe (output + (head * queryCount + first + row) * keyCount).update(
          from: rows.line(row), count: keyCount)
      }
    }
  }
  withExtendedLifetime((queries.storage, keys.storage, result.storage)) {}
  try cancellation?.check()
  return result
}

/// The mean or the maximum of all heads' attention probabilities, `[queries, keys]`, with one head in memory at a time.
///
/// Arguments as in `attention`; `headRange` is all heads unless given. Precondition: the shapes fit and the
/// heads exist. Throws `Cancelled`.
public func reducedAttentionMap(
  queries: Tensor, keys: Tensor, headRange: Range<Int>? = nil, heads: Int, keyValueHeads: Int,
  scale: Float, causal: Bool, keyMask: [Bool]? = nil, reduction: HeadReduction,
  cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  let headRange = headRange ?? 0..<heads
  precondition(
    headRange.lowerBound >= 0 && headRange.upperBound <= heads && !headRange.isEmpty,
    "heads \(headRange) of \(heads)")
  let queries = queries.widened()
  let keys = keys.widened()
  let shape = unsafe AttentionShape(
    queries, keys, heads: heads, keyValueHeads: keyValueHeads, scale: scale, isCausal: causal,
    keyMask: keyMask)
  let (queryCount, keyCount) = (queries.shape[0], keys.shape[0])
  let result = Tensor(zeros: [queryCount, keyCount])
  try cancellation?.check()
  let output = unsafe result.mutableFloatPointer
  let kernels = Compute.kernels
  let tiles = unsafe (queryCount + MapRows.tile - 1) / MapRows.tile
  Compute.pool.divide(count: tiles) { range in
    let rows = unsafe MapRows(shape)
    for task in range {
      let first = unsafe (tiles - 1 - task) * MapRows.tile
      let count = unsafe min(MapRows.tile, queryCount - first)
      for head in headRange {
        if let cancellation, cancellation.isCancelled { return }
        unsafe rows.compute(head: head, first: first, count: count)
        for row in 0..<count {
          let line = unsafe rows.line(row)
          let target = unsafe output + (first + row) * keyCount
          switch reduction {
          case .mean: unsafe kernels.table.pointee.add(line, target, Int64(keyCount))
          case .max:
            for key in 0..<keyCount {
              unsafe target[key] = Swift.max(unsafe target[key], unsafe line[key])
            }
          }
        }
      }
      if reduction == .mean {
        unsafe kernels.table.pointee.scale(
          1 / Float(headRange.count), output + first * keyCount, Int64(count * keyCount))
      }
    }
  }
  withExtendedLifetime((queries.storage, keys.storage, result.storage)) {}
  try cancellation?.check()
  return result
}

/// Whole rows of one head's map for a tile of queries, in scratch memory.
@unsafe private struct MapRows {
  static let tile = 48
  private let shape: AttentionShape
  private let storage: TensorStorage
  private let stride: Int
  private let panels: UnsafeMutablePointer<Float>
  private let keyPanel: UnsafeMutablePointer<Float>
  private let scores: UnsafeMutablePointer<Float>

  init(_ shape: AttentionShape) {
    let columns = unsafe shape.kernels.tileColumns
    let rows = unsafe shape.roundedUp(Self.tile, to: shape.kernels.tileRows)
    let stride = unsafe shape.roundedUp(shape.keyCount, to: columns)
    let panelSize = unsafe rows * shape.dimension
    let keyPanelSize = unsafe columns * shape.dimension
    let storage = TensorStorage(byteCount: (panelSize + keyPanelSize + rows * stride) * 4)
    unsafe self.shape = unsafe shape
    unsafe self.storage = storage
    unsafe self.stride = stride
    unsafe panels = storage.floats
    unsafe keyPanel = storage.floats + panelSize
    unsafe scores = storage.floats + panelSize + keyPanelSize
  }

  /// The row's probabilities after `compute`, as many as there are keys.
  func line(_ row: Int) -> UnsafeMutablePointer<Float> { unsafe scores + row * stride }

  func compute(head: Int, first: Int, count: Int) {
    let shape = unsafe shape
    unsafe shape.packQueries(head: head, first: first, count: count, into: panels)
    // Beyond the last visible key of the tile nothing is computed.
    let end = unsafe shape.visibleKeys(of: first + count - 1)
    unsafe shape.scores(
      head: head, first: first, count: count, keyRange: 0..<end, panels: panels,
      keyPanel: keyPanel, into: scores, stride: stride)
    for row in 0..<count {
      let visible = unsafe shape.visibleKeys(of: first + row)
      _ = unsafe shape.scaleAndMask(line(row), keyRange: 0..<visible)
      unsafe shape.kernels.table.pointee.softmax(line(row), Int64(visible))
      unsafe (line(row) + visible).update(repeating: 0, count: shape.keyCount - visible)
    }
  }
}
