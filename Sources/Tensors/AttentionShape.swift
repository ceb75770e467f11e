import CKernels

/// The queries and keys of an attention, checked, with what a tile needs to find its part.
@unsafe struct AttentionShape {
  let kernels: Kernels
  let queries: UnsafePointer<Float>
  let keys: UnsafePointer<Float>
  let queryCount: Int
  let keyCount: Int
  let heads: Int
  let keyValueHeads: Int
  let dimension: Int
  let scale: Float
  let isCausal: Bool
  let keyMask: [Bool]?

  /// Precondition: `[queries, heads · d]` and `[keys, keyValueHeads · d]`, and a mask as long as the keys.
  init(
    _ queries: Tensor, _ keys: Tensor, heads: Int, keyValueHeads: Int, scale: Float,
    isCausal: Bool, keyMask: [Bool]?
  ) {
    precondition(
      queries.rank == 2 && keys.rank == 2 && heads > 0 && keyValueHeads > 0
        && heads % keyValueHeads == 0 && queries.shape[1] % heads == 0
        && queries.shape[1] / heads * keyValueHeads == keys.shape[1],
      "attention of \(heads) heads (\(keyValueHeads) of keys) with queries \(queries.shape) and keys \(keys.shape)"
    )
    precondition(keyMask == nil || keyMask?.count == keys.shape[0], "a mask of the keys")
    unsafe kernels = Compute.kernels
    unsafe self.queries = queries.floatPointer
    unsafe self.keys = keys.floatPointer
    unsafe queryCount = queries.shape[0]
    unsafe keyCount = keys.shape[0]
    unsafe self.heads = heads
    unsafe self.keyValueHeads = keyValueHeads
    unsafe dimension = queries.shape[1] / heads
    unsafe self.scale = scale
    unsafe self.isCausal = isCausal
    unsafe self.keyMask = keyMask
  }

  var queryStride: Int { unsafe heads * dimension }
  var keyStride: Int { unsafe keyValueHeads * dimension }

  func keyHead(of head: Int) -> Int { unsafe head / (heads / keyValueHeads) }

  /// How many keys, from the first, a query may see: its own position is counted from the end of the keys.
  func visibleKeys(of query: Int) -> Int {
    unsafe isCausal ? max(0, min(keyCount, keyCount - queryCount + query + 1)) : keyCount
  }

  /// Packs the queries `first..<first + count` of a head into panels.
  func packQueries(head: Int, first: Int, count: Int, into panels: UnsafeMutablePointer<Float>) {
    let tileRows = unsafe kernels.tileRows
    var row = 0
    while row < count {
      unsafe kernels.table.pointee.pack_rows(
        queries + (first + row) * queryStride + head * dimension, Int64(queryStride),
        Int32(min(tileRows, count - row)), Int64(dimension), panels + row * dimension)
      row += tileRows
    }
  }

  /// Scores of packed queries with the keys `keyRange`, neither scaled nor masked.
  ///
  /// Writes `[count, keyRange]` rows `stride` floats apart. Whole panels are written, so rows need room for
  /// `keyRange.count` rounded up to `tileColumns`; panels that no query of a tile may see are left out.
  func scores(
    head: Int, first: Int, count: Int, keyRange: Range<Int>, panels: UnsafePointer<Float>,
    keyPanel: UnsafeMutablePointer<Float>, into scores: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let (tileRows, tileColumns) = unsafe (kernels.tileRows, kernels.tileColumns)
    var column = 0
    while column < keyRange.count {
      let columns = min(tileColumns, keyRange.count - column)
      let key = keyRange.lowerBound + column
      let offset = unsafe key * keyStride + keyHead(of: head) * dimension
      unsafe kernels.table.pointee.pack_columns(
        vk_type_f32, keys + offset, Int64(keyStride * 4), Int32(columns), Int64(dimension), keyPanel
      )
      var row = 0
      while row < count {
        let rows = min(tileRows, count - row)
        if unsafe key < visibleKeys(of: first + row + rows - 1) {
          unsafe kernels.table.pointee.tile(
            Int32(rows), Int64(dimension), panels + row * dimension, keyPanel,
            scores + row * stride + column, Int64(stride), 0)
        }
        row += tileRows
      }
      column += tileColumns
    }
  }

  /// Scales one query's scores of the visible keys in `keyRange`, hides masked keys with negative infinity, and gives the largest.
  func scaleAndMask(_ line: UnsafeMutablePointer<Float>, keyRange: Range<Int>) -> Float {
    let count = Int64(keyRange.count)
    let largest = unsafe kernels.table.pointee.scaled_maximum(scale, line, count)
    guard let keyMask = unsafe keyMask else { return largest }
    for key in keyRange where !keyMask[key] {
      unsafe line[key - keyRange.lowerBound] = -.infinity
    }
    return unsafe kernels.table.pointee.maximum(line, count)
  }

  func roundedUp(_ count: Int, to unit: Int) -> Int { (count + unit - 1) / unit * unit }
}
