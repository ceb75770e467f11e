import CKernels

/// The derivative of one attention, head by head and tile by tile.
@unsafe struct AttentionGradientComputation {
  let shape: AttentionShape
  let values: UnsafePointer<Float>
  let valueDimension: Int
  let output: UnsafePointer<Float>
  let gradient: UnsafePointer<Float>
  /// `[queries, heads]`.
  let logSumExp: UnsafePointer<Float>
  let queryGradient: UnsafeMutablePointer<Float>
  /// Of every query head, `[keys, heads · d]`.
  let keyGradient: UnsafeMutablePointer<Float>
  /// Of every query head, `[keys, heads · dv]`.
  let valueGradient: UnsafeMutablePointer<Float>

  private static let queryTile = 96
  private static let keyTile = 128

  private var valueStride: Int { unsafe shape.keyValueHeads * valueDimension }
  private var outputStride: Int { unsafe shape.heads * valueDimension }

  /// One head: key tiles from the first, each with all tiles of queries that see it.
  func run(head: Int, _ cancellation: Cancellation?) {
    let shape = unsafe shape
    let scratch = unsafe Scratch(shape, valueDimension: valueDimension)
    unsafe clear(scratch)
    unsafe findLevels(head: head, scratch)
    let keyCount = unsafe shape.keyCount
    for key in unsafe stride(from: 0, to: keyCount, by: Self.keyTile) {
      let keyRange = unsafe key..<min(keyCount, key + Self.keyTile)
      unsafe packKeys(head: head, keyRange, scratch)
      unsafe scratch.keySums.update(repeating: 0, count: Self.keyTile * scratch.queryStride)
      unsafe scratch.valueSums.update(repeating: 0, count: Self.keyTile * scratch.valueStride)
      for first in unsafe stride(from: 0, to: shape.queryCount, by: Self.queryTile) {
        if let cancellation, cancellation.isCancelled { return }
        let count = unsafe min(Self.queryTile, shape.queryCount - first)
        if unsafe shape.visibleKeys(of: first + count - 1) > key {
          unsafe runTile(head: head, first: first, count: count, keyRange, scratch)
        }
      }
      for row in 0..<keyRange.count {
        let target = unsafe keyGradient + ((key + row) * shape.heads + head) * shape.dimension
        unsafe target.update(
          from: scratch.keySums + row * scratch.queryStride, count: shape.dimension)
        let valueTarget = unsafe valueGradient + (key + row) * outputStride + head * valueDimension
        unsafe valueTarget.update(
          from: scratch.valueSums + row * scratch.valueStride, count: valueDimension)
      }
    }
    for query in unsafe 0..<shape.queryCount {
      let target = unsafe queryGradient + query * shape.queryStride + head * shape.dimension
      unsafe target.update(
        from: scratch.querySums + query * scratch.queryStride, count: shape.dimension)
    }
    unsafe withExtendedLifetime(scratch.storage) {}
  }

  /// The memory of one head.
  @unsafe private struct Scratch {
    let storage: TensorStorage
    /// Gradients of all queries, `[queries, queryStride]`.
    let querySums: UnsafeMutablePointer<Float>
    /// Σ output · gradient of each query.
    let levels: UnsafeMutablePointer<Float>
    /// Gradients of the tile's keys and values.
    let keySums: UnsafeMutablePointer<Float>
    let valueSums: UnsafeMutablePointer<Float>
    /// Keys and values as columns, and keys as rows, of the right-hand sides.
    let keyColumns: UnsafeMutablePointer<Float>
    let valueColumns: UnsafeMutablePointer<Float>
    let keyRows: UnsafeMutablePointer<Float>
    /// Queries and gradients as rows and as columns of a tile.
    let queryPanels: UnsafeMutablePointer<Float>
    let gradientPanels: UnsafeMutablePointer<Float>
    let queryRows: UnsafeMutablePointer<Float>
    let gradientRows: UnsafeMutablePointer<Float>
    /// Probabilities, then gradients of scores, `[queries of the tile, scoreStride]`.
    let weights: UnsafeMutablePointer<Float>
    let scores: UnsafeMutablePointer<Float>
    /// One packed left-hand side.
    let panel: UnsafeMutablePointer<Float>
    let scoreStride: Int
    let queryStride: Int
    let valueStride: Int

    init(_ shape: AttentionShape, valueDimension: Int) {
      let columns = unsafe shape.kernels.tileColumns
      let tileRows = unsafe shape.kernels.tileRows
      let dimension = unsafe shape.dimension
      let rows = unsafe shape.roundedUp(queryTile, to: tileRows)
      unsafe scoreStride = shape.roundedUp(keyTile, to: columns)
      unsafe queryStride = shape.roundedUp(dimension, to: columns)
      unsafe valueStride = shape.roundedUp(valueDimension, to: columns)
      let sizes = unsafe [
        shape.queryCount * queryStride, shape.queryCount, keyTile * queryStride,
        keyTile * valueStride, scoreStride * dimension, scoreStride * valueDimension,
        keyTile * queryStride, rows * dimension, rows * valueDimension, queryTile * queryStride,
        queryTile * valueStride, rows * scoreStride, rows * scoreStride,
        tileRows * max(keyTile, queryTile),
      ].map { ($0 + 15) / 16 * 16 }
      unsafe storage = TensorStorage(byteCount: sizes.reduce(0, +) * 4)
      var next = unsafe storage.floats
      func take(_ index: Int) -> UnsafeMutablePointer<Float> {
        defer { unsafe next += sizes[index] }
        return unsafe next
      }
      unsafe querySums = take(0)
      unsafe levels = take(1)
      unsafe keySums = take(2)
      unsafe valueSums = take(3)
      unsafe keyColumns = take(4)
      unsafe valueColumns = take(5)
      unsafe keyRows = take(6)
      unsafe queryPanels = take(7)
      unsafe gradientPanels = take(8)
      unsafe queryRows = take(9)
      unsafe gradientRows = take(10)
      unsafe weights = take(11)
      unsafe scores = take(12)
      unsafe panel = take(13)
    }
  }

  private func clear(_ scratch: Scratch) {
    unsafe scratch.querySums.update(
      repeating: 0, count: shape.queryCount * scratch.queryStride)
  }

  private func findLevels(head: Int, _ scratch: Scratch) {
    for query in unsafe 0..<shape.queryCount {
      let offset = unsafe query * outputStride + head * valueDimension
      unsafe scratch.levels[query] = unsafe shape.kernels.table.pointee.dot(
        output + offset, gradient + offset, Int64(valueDimension))
    }
  }

  private func packKeys(head: Int, _ keyRange: Range<Int>, _ scratch: Scratch) {
    let shape = unsafe shape
    let kernels = unsafe shape.kernels
    let columns = kernels.tileColumns
    let keyHead = unsafe shape.keyHead(of: head)
    let keyStart =
      unsafe shape.keys + keyRange.lowerBound * shape.keyStride
      + keyHead * shape.dimension
    let valueStart = unsafe values + keyRange.lowerBound * valueStride + keyHead * valueDimension
    for column in stride(from: 0, to: keyRange.count, by: columns) {
      let count = Int32(min(columns, keyRange.count - column))
      unsafe kernels.table.pointee.pack_columns(
        vk_type_f32, keyStart + column * shape.keyStride, Int64(shape.keyStride * 4), count,
        Int64(shape.dimension), scratch.keyColumns + column * shape.dimension)
      unsafe kernels.table.pointee.pack_columns(
        vk_type_f32, valueStart + column * valueStride, Int64(valueStride * 4), count,
        Int64(valueDimension), scratch.valueColumns + column * valueDimension)
    }
    unsafe packRows(
      keyStart, stride: shape.keyStride, width: shape.dimension, depth: keyRange.count,
      into: scratch.keyRows)
  }

  /// Packs `[depth, width]` as the right-hand side of a product, one panel of `depth` rows after the other.
  private func packRows(
    _ start: UnsafePointer<Float>, stride rowStride: Int, width: Int, depth: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    let kernels = unsafe shape.kernels
    let columns = kernels.tileColumns
    for column in stride(from: 0, to: width, by: columns) {
      unsafe kernels.table.pointee.pack_plain(
        start + column, Int64(rowStride), Int32(min(columns, width - column)), Int64(depth),
        panels + column * depth)
    }
  }

  private func runTile(
    head: Int, first: Int, count: Int, _ keyRange: Range<Int>, _ scratch: Scratch
  ) {
    let shape = unsafe shape
    let queryStart = unsafe shape.queries + first * shape.queryStride + head * shape.dimension
    let gradientStart = unsafe gradient + first * outputStride + head * valueDimension
    unsafe shape.packQueries(head: head, first: first, count: count, into: scratch.queryPanels)
    let tileRows = unsafe shape.kernels.tileRows
    for row in stride(from: 0, to: count, by: tileRows) {
      unsafe shape.kernels.table.pointee.pack_rows(
        gradientStart + row * outputStride, Int64(outputStride),
        Int32(min(tileRows, count - row)), Int64(valueDimension),
        scratch.gradientPanels + row * valueDimension)
    }
    unsafe packRows(
      queryStart, stride: shape.queryStride, width: shape.dimension, depth: count,
      into: scratch.queryRows)
    unsafe packRows(
      gradientStart, stride: outputStride, width: valueDimension, depth: count,
      into: scratch.gradientRows)
    unsafe multiplyColumns(
      first: first, count: count, keyRange, scratch.queryPanels, scratch.keyColumns,
      depth: shape.dimension, into: scratch.weights, scratch)
    unsafe multiplyColumns(
      first: first, count: count, keyRange, scratch.gradientPanels, scratch.valueColumns,
      depth: valueDimension, into: scratch.scores, scratch)
    unsafe turnToGradients(head: head, first: first, count: count, keyRange, scratch)
    unsafe addToQueries(first: first, count: count, keyRange, scratch)
    unsafe addToKeys(
      count: count, keyRange, scratch.weights, scratch.gradientRows,
      stride: scratch.valueStride, width: valueDimension, into: scratch.valueSums, scratch)
    unsafe addToKeys(
      count: count, keyRange, scratch.scores, scratch.queryRows, stride: scratch.queryStride,
      width: shape.dimension, into: scratch.keySums, scratch)
  }

  /// Products of packed rows of the tile with columns of the keys that some of the rows see.
  private func multiplyColumns(
    first: Int, count: Int, _ keyRange: Range<Int>, _ panels: UnsafePointer<Float>,
    _ columnPanels: UnsafePointer<Float>, depth: Int, into result: UnsafeMutablePointer<Float>,
    _ scratch: Scratch
  ) {
    let kernels = unsafe shape.kernels
    let tileRows = kernels.tileRows
    for column in stride(from: 0, to: keyRange.count, by: kernels.tileColumns) {
      for row in stride(from: 0, to: count, by: tileRows) {
        let rows = min(tileRows, count - row)
        guard
          unsafe keyRange.lowerBound + column < shape.visibleKeys(of: first + row + rows - 1)
        else { continue }
        unsafe kernels.table.pointee.tile(
          Int32(rows), Int64(depth), panels + row * depth, columnPanels + column * depth,
          result + row * scratch.scoreStride + column, Int64(scratch.scoreStride), 0)
      }
    }
  }

  private func visibleWidth(_ query: Int, _ keyRange: Range<Int>) -> Int {
    unsafe max(0, min(keyRange.upperBound, shape.visibleKeys(of: query)) - keyRange.lowerBound)
  }

  /// Scores become probabilities, and the gradients of probabilities those of scores.
  private func turnToGradients(
    head: Int, first: Int, count: Int, _ keyRange: Range<Int>, _ scratch: Scratch
  ) {
    let kernels = unsafe shape.kernels
    for row in 0..<count {
      let query = first + row
      let line = unsafe scratch.weights + row * scratch.scoreStride
      let slopes = unsafe scratch.scores + row * scratch.scoreStride
      let total = unsafe logSumExp[query * shape.heads + head]
      let width = total > -.infinity ? unsafe visibleWidth(query, keyRange) : 0
      let visible = keyRange.lowerBound..<(keyRange.lowerBound + width)
      _ = unsafe shape.scaleAndMask(line, keyRange: visible)
      _ = unsafe kernels.table.pointee.exponentials(line, Int64(width), total)
      unsafe kernels.table.pointee.score_gradient(
        line, slopes, Int64(width), scratch.levels[query], shape.scale)
      unsafe (line + width).update(repeating: 0, count: keyRange.count - width)
      unsafe (slopes + width).update(repeating: 0, count: keyRange.count - width)
    }
  }

  private func addToQueries(
    first: Int, count: Int, _ keyRange: Range<Int>, _ scratch: Scratch
  ) {
    let kernels = unsafe shape.kernels
    let tileRows = kernels.tileRows
    for row in stride(from: 0, to: count, by: tileRows) {
      let rows = min(tileRows, count - row)
      let depth = unsafe visibleWidth(first + row + rows - 1, keyRange)
      if depth == 0 { continue }
      unsafe kernels.table.pointee.pack_rows(
        scratch.scores + row * scratch.scoreStride, Int64(scratch.scoreStride), Int32(rows),
        Int64(depth), scratch.panel)
      for column in stride(from: 0, to: unsafe shape.dimension, by: kernels.tileColumns) {
        unsafe kernels.table.pointee.tile(
          Int32(rows), Int64(depth), scratch.panel, scratch.keyRows + column * keyRange.count,
          scratch.querySums + (first + row) * scratch.queryStride + column,
          Int64(scratch.queryStride), 1)
      }
    }
  }

  /// Adds, for each key of the tile, the rows of the tile's queries weighted by its column.
  private func addToKeys(
    count: Int, _ keyRange: Range<Int>, _ columns: UnsafePointer<Float>,
    _ rowPanels: UnsafePointer<Float>, stride sumStride: Int, width: Int,
    into sums: UnsafeMutablePointer<Float>, _ scratch: Scratch
  ) {
    let kernels = unsafe shape.kernels
    let tileRows = kernels.tileRows
    for key in stride(from: 0, to: keyRange.count, by: tileRows) {
      let keys = min(tileRows, keyRange.count - key)
      unsafe kernels.table.pointee.pack_plain_rows(
        columns + key, Int64(scratch.scoreStride), Int32(keys), Int64(count), scratch.panel)
      for column in stride(from: 0, to: width, by: kernels.tileColumns) {
        unsafe kernels.table.pointee.tile(
          Int32(keys), Int64(count), scratch.panel, rowPanels + column * count,
          sums + key * sumStride + column, Int64(sumStride), 1)
      }
    }
  }
}
