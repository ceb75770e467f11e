import CKernels

/// Scaled dot-product attention of all heads, `[queries, heads · valueDimension]`.
///
/// - `queries` `[queries, heads · d]`, `keys` `[keys, keyValueHeads · d]`, `values` `[keys, keyValueHeads · valueDimension]`;
///   consecutive query heads share a key/value head (grouped-query attention).
/// - `causal`: a query sees the keys up to its own position, where the last query stands at the last key.
/// - `keyMask`: false hides a key from every query. A query that sees no key gets zeros.
///
/// The scores are computed a tile at a time with a running maximum (Dao et al. 2022, FlashAttention; Milakov and Gimelshein 2018), so memory does
/// not grow with queries × keys. Precondition: the shapes fit. Throws `Cancelled`.
public func attention(
  queries: Tensor, keys: Tensor, values: Tensor, heads: Int, keyValueHeads: Int, scale: Float,
  causal: Bool, keyMask: [Bool]? = nil, cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  try attend(
    queries, keys, values, heads: heads, keyValueHeads: keyValueHeads, scale: scale,
    causal: causal, keyMask: keyMask, logSumExp: nil, cancellation: cancellation)
}

/// `attention` with the logarithm of each row's sum of exponentials, `[queries, heads]`, from which `attentionGradient`
/// computes probabilities again; negative infinity where a query sees no key.
///
/// Precondition: the shapes fit. Throws `Cancelled`.
public func attentionWithLogSumExp(
  queries: Tensor, keys: Tensor, values: Tensor, heads: Int, keyValueHeads: Int, scale: Float,
  causal: Bool, keyMask: [Bool]? = nil, cancellation: Cancellation? = nil
) throws(Cancelled) -> (output: Tensor, logSumExp: Tensor) {
  let logSumExp = Tensor(uninitialized: [queries.shape[0], heads])
  let output = try attend(
    queries, keys, values, heads: heads, keyValueHeads: keyValueHeads, scale: scale,
    causal: causal, keyMask: keyMask, logSumExp: logSumExp, cancellation: cancellation)
  return (output, logSumExp)
}

private func attend(
  _ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int, keyValueHeads: Int,
  scale: Float, causal: Bool, keyMask: [Bool]?, logSumExp: Tensor?, cancellation: Cancellation?
) throws(Cancelled) -> Tensor {
  let queries = queries.widened()
  let keys = keys.widened()
  let values = values.widened()
  precondition(
    values.rank == 2 && values.shape[0] == keys.shape[0] && values.shape[1] % keyValueHeads == 0,
    "values of shape \(values.shape) for keys of shape \(keys.shape)")
  let shape = unsafe AttentionShape(
    queries, keys, heads: heads, keyValueHeads: keyValueHeads, scale: scale, isCausal: causal,
    keyMask: keyMask)
  let valueDimension = values.shape[1] / keyValueHeads
  let result = Tensor(uninitialized: [queries.shape[0], heads * valueDimension])
  try cancellation?.check()
  let computation = unsafe AttentionComputation(
    shape: shape, values: values.floatPointer, valueDimension: valueDimension,
    output: result.mutableFloatPointer, logSumExp: logSumExp?.mutableFloatPointer)
  if unsafe queries.shape[0] <= AttentionComputation.fewQueries {
    unsafe computation.runFewQueries(cancellation)
  } else {
    unsafe computation.runTiles(cancellation)
  }
  withExtendedLifetime((queries.storage, keys.storage, values.storage, result.storage, logSumExp)) {
  }
  try cancellation?.check()
  return result
}

/// One attention, tile by tile.
@unsafe struct AttentionComputation {
  let shape: AttentionShape
  let values: UnsafePointer<Float>
  let valueDimension: Int
  let output: UnsafeMutablePointer<Float>
  /// `[queries, heads]`, where wanted.
  let logSumExp: UnsafeMutablePointer<Float>?

  /// Up to this many queries are computed without packing the keys.
  static let fewQueries = 4
  private static let queryTile = 96
  private static let keyTile = 256

  private var valueStride: Int { unsafe shape.keyValueHeads * valueDimension }
  private var outputStride: Int { unsafe shape.heads * valueDimension }

  /// Decoding: each key/value head is read once for the heads that share it.
  func runFewQueries(_ cancellation: Cancellation?) {
    let shape = unsafe shape
    let kernels = unsafe shape.kernels
    let group = unsafe shape.heads / shape.keyValueHeads
    // Scores of more heads at a time would leave the cache.
    let limit = 8
    let (dimension, keyCount) = unsafe (shape.dimension, shape.keyCount)
    unsafe Compute.pool.divide(count: shape.keyValueHeads) { range in
      let scores = TensorStorage(byteCount: max(1, min(group, limit) * keyCount) * 4)
      for keyHead in range {
        for query in unsafe 0..<shape.queryCount {
          if let cancellation, cancellation.isCancelled { return }
          let visible = unsafe shape.visibleKeys(of: query)
          var first = keyHead * group
          while first < (keyHead + 1) * group {
            let count = min(limit, (keyHead + 1) * group - first)
            unsafe kernels.table.pointee.rows_product(
              vk_type_f32, shape.keys + keyHead * dimension, Int64(shape.keyStride * 4),
              Int64(visible), Int64(dimension),
              shape.queries + query * shape.queryStride + first * dimension, Int64(dimension),
              Int32(count), scores.floats, Int64(keyCount))
            for head in first..<(first + count) {
              let line = unsafe scores.floats + (head - first) * keyCount
              let largest = unsafe shape.scaleAndMask(line, keyRange: 0..<visible)
              var total: Float = 0
              if largest > -.infinity {
                total = unsafe kernels.table.pointee.exponentials(line, Int64(visible), largest)
                unsafe kernels.table.pointee.scale(1 / total, line, Int64(visible))
              } else {
                unsafe line.update(repeating: 0, count: visible)
              }
              unsafe note(largest, total, query: query, head: head)
              let target = unsafe output + query * outputStride + head * valueDimension
              unsafe target.update(repeating: 0, count: valueDimension)
              unsafe kernels.table.pointee.weighted_sum(
                line, values + keyHead * valueDimension, Int64(valueStride), Int64(visible),
                Int64(valueDimension), target)
            }
            first += count
          }
        }
      }
      withExtendedLifetime(scores) {}
    }
  }

  /// Prefill: a task for each head and tile of queries.
  func runTiles(_ cancellation: Cancellation?) {
    let shape = unsafe shape
    let tiles = unsafe tileCount
    // Late tiles see the most keys: they are taken first, so that the threads end together.
    unsafe Compute.pool.divide(count: tiles * shape.heads) { range in
      let scratch = unsafe Scratch(shape, valueDimension: valueDimension)
      for task in range {
        if let cancellation, cancellation.isCancelled { return }
        unsafe run(
          tile: tiles - 1 - task / shape.heads, head: task % shape.heads, scratch, cancellation)
      }
      unsafe withExtendedLifetime(scratch.storage) {}
    }
  }

  /// How many tiles the queries of a head make.
  var tileCount: Int { unsafe (shape.queryCount + Self.queryTile - 1) / Self.queryTile }

  /// One tile of a head's queries, from its first to its last key.
  func run(tile: Int, head: Int, _ scratch: Scratch, _ cancellation: Cancellation?) {
    let first = unsafe tile * Self.queryTile
    unsafe runTile(
      head: head, first: first, count: min(Self.queryTile, shape.queryCount - first), scratch,
      cancellation)
  }

  /// The parts of one thread's scratch memory.
  @unsafe struct Scratch {
    let storage: TensorStorage
    let panels: UnsafeMutablePointer<Float>
    let keyPanel: UnsafeMutablePointer<Float>
    let scores: UnsafeMutablePointer<Float>
    let weights: UnsafeMutablePointer<Float>
    let valuePanel: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>
    let maxima: UnsafeMutablePointer<Float>
    let totals: UnsafeMutablePointer<Float>
    let scoreStride: Int
    let sumStride: Int

    init(_ shape: AttentionShape, valueDimension: Int) {
      let columns = unsafe shape.kernels.tileColumns
      let rows = unsafe shape.roundedUp(queryTile, to: shape.kernels.tileRows)
      unsafe scoreStride = shape.roundedUp(keyTile, to: columns)
      unsafe sumStride = shape.roundedUp(valueDimension, to: columns)
      let sizes = unsafe [
        rows * shape.dimension, columns * shape.dimension, rows * scoreStride,
        rows * keyTile, columns * keyTile, rows * sumStride, rows, rows,
      ].map { ($0 + 15) / 16 * 16 }
      unsafe storage = TensorStorage(byteCount: sizes.reduce(0, +) * 4)
      var next = unsafe storage.floats
      func take(_ index: Int) -> UnsafeMutablePointer<Float> {
        defer { unsafe next += sizes[index] }
        return unsafe next
      }
      unsafe panels = take(0)
      unsafe keyPanel = take(1)
      unsafe scores = take(2)
      unsafe weights = take(3)
      unsafe valuePanel = take(4)
      unsafe sums = take(5)
      unsafe maxima = take(6)
      unsafe totals = take(7)
    }
  }

  private func runTile(
    head: Int, first: Int, count: Int, _ scratch: Scratch, _ cancellation: Cancellation?
  ) {
    let shape = unsafe shape
    unsafe shape.packQueries(head: head, first: first, count: count, into: scratch.panels)
    unsafe scratch.sums.update(repeating: 0, count: count * scratch.sumStride)
    unsafe scratch.maxima.update(repeating: -.infinity, count: count)
    unsafe scratch.totals.update(repeating: 0, count: count)
    let end = unsafe shape.visibleKeys(of: first + count - 1)
    var key = 0
    while key < end {
      if let cancellation, cancellation.isCancelled { return }
      let keyRange = unsafe key..<min(end, key + Self.keyTile)
      unsafe shape.scores(
        head: head, first: first, count: count, keyRange: keyRange, panels: scratch.panels,
        keyPanel: scratch.keyPanel, into: scratch.scores,
        stride: scratch.scoreStride)
      unsafe turnToWeights(first: first, count: count, keyRange: keyRange, scratch)
      unsafe addValues(head: head, first: first, count: count, keyRange: keyRange, scratch)
      unsafe key += Self.keyTile
    }
    for row in 0..<count {
      let total = unsafe scratch.totals[row]
      unsafe note(scratch.maxima[row], total, query: first + row, head: head)
      let factor = total > 0 ? 1 / total : 0
      let target = unsafe output + (first + row) * outputStride + head * valueDimension
      for element in unsafe 0..<valueDimension {
        unsafe target[element] = scratch.sums[row * scratch.sumStride + element] * factor
      }
    }
  }

  private func note(_ maximum: Float, _ total: Float, query: Int, head: Int) {
    guard let logSumExp = unsafe logSumExp else { return }
    unsafe logSumExp[query * shape.heads + head] =
      total > 0 ? Float(Double(maximum) + logarithm(Double(total))) : -.infinity
  }

  /// How many keys of `keyRange` a query may see.
  private func visibleWidth(_ query: Int, _ keyRange: Range<Int>) -> Int {
    unsafe max(0, min(keyRange.upperBound, shape.visibleKeys(of: query)) - keyRange.lowerBound)
  }

  /// Scores become exponentials relative to the running maximum, to which the sums so far are brought too.
  private func turnToWeights(
    first: Int, count: Int, keyRange: Range<Int>, _ scratch: Scratch
  ) {
    let kernels = unsafe shape.kernels
    for row in 0..<count {
      let line = unsafe scratch.scores + row * scratch.scoreStride
      let width = unsafe visibleWidth(first + row, keyRange)
      let before = unsafe scratch.maxima[row]
      let visible = keyRange.lowerBound..<(keyRange.lowerBound + width)
      let maximum = unsafe max(before, shape.scaleAndMask(line, keyRange: visible))
      guard maximum > -.infinity else {
        unsafe line.update(repeating: 0, count: keyRange.count)
        continue
      }
      if maximum > before {
        if before > -.infinity {
          var factor = before
          _ = unsafe kernels.table.pointee.exponentials(&factor, 1, maximum)
          unsafe kernels.table.pointee.scale(
            factor, scratch.sums + row * scratch.sumStride, Int64(scratch.sumStride))
          unsafe scratch.totals[row] *= factor
        }
        unsafe scratch.maxima[row] = maximum
      }
      unsafe scratch.totals[row] += kernels.table.pointee.exponentials(
        line, Int64(width), maximum)
      unsafe (line + width).update(repeating: 0, count: keyRange.count - width)
    }
  }

  private func addValues(
    head: Int, first: Int, count: Int, keyRange: Range<Int>, _ scratch: Scratch
  ) {
    let shape = unsafe shape
    let kernels = unsafe shape.kernels
    let (tileRows, columns) = (kernels.tileRows, kernels.tileColumns)
    let keyHead = unsafe shape.keyHead(of: head)
    let start = unsafe values + keyRange.lowerBound * valueStride + keyHead * valueDimension
    var column = -columns
    // The first turn packs the weights, the others multiply them with a panel of values each.
    while unsafe column < valueDimension {
      if column >= 0 {
        unsafe kernels.table.pointee.pack_plain(
          start + column, Int64(valueStride), Int32(min(columns, valueDimension - column)),
          Int64(keyRange.count), scratch.valuePanel)
      }
      var row = 0
      while row < count {
        let rows = min(tileRows, count - row)
        let depth = unsafe Int64(visibleWidth(first + row + rows - 1, keyRange))
        let weights = unsafe scratch.weights + row * keyRange.count
        if depth > 0 && column < 0 {
          unsafe kernels.table.pointee.pack_rows(
            scratch.scores + row * scratch.scoreStride, Int64(scratch.scoreStride), Int32(rows),
            depth, weights)
        } else if depth > 0 {
          unsafe kernels.table.pointee.tile(
            Int32(rows), depth, weights, scratch.valuePanel,
            scratch.sums + row * scratch.sumStride + column, Int64(scratch.sumStride), 1)
        }
        row += tileRows
      }
      column += columns
    }
  }
}
