import CKernels

/// The right-hand side of a product, as it is stored.
@unsafe enum PanelSource {
  /// A `[columns, depth]` matrix of any element type, whose rows are `strideBytes` apart: a layer's weight.
  case transposed(
    UnsafeRawPointer, strideBytes: Int, elementType: ElementType, scales: BlockScales?)
  /// A `[depth, columns]` matrix of floats, whose rows are `stride` elements apart.
  case plain(UnsafePointer<Float>, stride: Int)
  /// A `[depth, columns]` matrix of any element type, whose rows are `strideBytes` apart: a layer's weight
  /// in the product of its derivative.
  case plainStored(
    UnsafeRawPointer, strideBytes: Int, elementType: ElementType, scales: BlockScales?)

  /// What every piece of the depth but the last is a multiple of.
  var depthUnit: Int {
    switch unsafe self {
    case .plain, .plainStored: 16
    case .transposed(_, _, let elementType, _): max(16, elementType.blockLength)
    }
  }
}

/// Blocked product of many rows: c[row, column] = bias[column] + Σ_k x[row, k] · w[k, column].
///
/// The rows are packed once for a block of them; each task then takes a few weight panels, packs them a piece
/// of the depth at a time into scratch memory of its own, and multiplies. Every element of c is one chain of fused
/// multiply-adds in the order of k whatever the blocking.
@unsafe struct PanelProduct {
  let kernels: Kernels
  let x: UnsafePointer<Float>
  let xStride: Int
  let rows: Int
  let source: PanelSource
  let columns: Int
  let depth: Int
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  /// What every row of c begins with, one number for each column; zeros where there is none.
  let bias: UnsafePointer<Float>?
  /// Whether both sides are rounded to bfloat16; only for stored bfloat16 weights.
  let isBFloat16: Bool
  /// Whether the product is added to what `c` holds, in place of the bias.
  var isAdded = false
  /// Whether x is stored as `[depth, rows]`, `xStride` floats from one k to the next; never with bfloat16.
  var isTransposed = false

  /// Whether the rows of x are multiplied where they are.
  ///
  /// It takes a few of them, and not many pages: far apart by whole pages they would share the few places of the first
  /// cache. The small tiles of AVX2 have too few registers for the addresses: packing is repaid by a few panels.
  private var isReadInPlace: Bool {
    unsafe !isBFloat16 && !isTransposed && depth <= Self.depthBlock && xStride % 1024 != 0
      && (kernels.instructionSet != .avx2 || columns <= 4 * kernels.tileColumns)
  }

  private static let depthBlock = 512
  private static let rowBlock = 480
  private static let panelsPerTask = 4

  /// Writes all of `c` (or adds to it), each tile when its products begin, so that its memory is touched between checks.
  func run(pool: ThreadPool, cancellation: Cancellation?) throws(Cancelled) {
    let tileRows = unsafe kernels.tileRows
    let tiles = unsafe (rows + tileRows - 1) / tileRows
    let tilesPerBlock = unsafe max(1, Self.rowBlock / tileRows)
    let steps = unsafe isBFloat16 ? (depth + 1) / 2 : depth
    if unsafe isReadInPlace {
      let none = TensorStorage(byteCount: 1)
      unsafe multiply(
        none.base, firstTile: 0, tiles: tiles, pool: pool, cancellation: cancellation)
      withExtendedLifetime(none) {}
      try cancellation?.check()
      return
    }
    let packed = TensorStorage(byteCount: min(tiles, tilesPerBlock) * tileRows * steps * 4)
    var firstTile = 0
    while firstTile < tiles {
      let blockTiles = min(tilesPerBlock, tiles - firstTile)
      let isSmall = unsafe blockTiles * tileRows * depth < 1 << 15
      // Where a row of memory holds a column of many tiles, those share its cache lines and pages.
      let together = unsafe isTransposed ? 16 : 1
      pool.divide(count: blockTiles, grain: isSmall ? blockTiles : together) { range in
        if unsafe isTransposed {
          unsafe packTransposed(
            firstTile + range.lowerBound, range.count,
            into: packed.base + range.lowerBound * tileRows * steps * 4)
          return
        }
        for tile in range {
          unsafe pack(
            tile: firstTile + tile, into: packed.base + tile * tileRows * steps * 4)
        }
      }
      try cancellation?.check()
      unsafe multiply(
        packed.base, firstTile: firstTile, tiles: blockTiles, pool: pool,
        cancellation: cancellation)
      try cancellation?.check()
      firstTile += blockTiles
    }
    withExtendedLifetime(packed) {}
  }

  private func pack(tile: Int, into panel: UnsafeMutableRawPointer) {
    let first = unsafe tile * kernels.tileRows
    let count = unsafe Int32(min(kernels.tileRows, rows - first))
    let from = unsafe x + first * xStride
    if unsafe isBFloat16 {
      unsafe kernels.table.pointee.pack_rows_bf16(
        from, Int64(xStride), count, Int64(depth), panel.assumingMemoryBound(to: UInt32.self))
    } else {
      unsafe kernels.table.pointee.pack_rows(
        from, Int64(xStride), count, Int64(depth), panel.assumingMemoryBound(to: Float.self))
    }
  }

  /// Packs some tiles of an x that is stored by its depth, a piece of the depth of all of them at a time.
  private func packTransposed(
    _ firstTile: Int, _ tiles: Int, into panels: UnsafeMutableRawPointer
  ) {
    let tileRows = unsafe kernels.tileRows
    let floats = unsafe panels.assumingMemoryBound(to: Float.self)
    for k in unsafe stride(from: 0, to: depth, by: 16) {
      let count = unsafe min(16, depth - k)
      for tile in 0..<tiles {
        let first = (firstTile + tile) * tileRows
        unsafe kernels.table.pointee.pack_plain_rows(
          x + k * xStride + first, Int64(xStride), Int32(min(tileRows, rows - first)),
          Int64(count), floats + (tile * depth + k) * tileRows)
      }
    }
  }

  private func multiply(
    _ packed: UnsafeMutableRawPointer, firstTile: Int, tiles: Int, pool: ThreadPool,
    cancellation: Cancellation?
  ) {
    let tileColumns = unsafe kernels.tileColumns
    let panels = unsafe (columns + tileColumns - 1) / tileColumns
    // Enough tasks that no thread waits long for another, few enough that panels are shared by many rows.
    let wanted = pool.threadCount * 4
    let perTask = unsafe max(1, min(Self.panelsPerTask, panels / max(1, wanted)))
    let columnTasks = (panels + perTask - 1) / perTask
    let rowTasks = max(1, min(wanted / columnTasks, tiles / 4))
    let tilesPerTask = (tiles + rowTasks - 1) / rowTasks
    let blocks = unsafe max(1, (depth + Self.depthBlock - 1) / Self.depthBlock)
    // Pieces of the depth start with a block where the weights are quantised.
    let unit = unsafe source.depthUnit
    let blockDepth = unsafe ((depth + blocks - 1) / blocks + unit - 1) / unit * unit
    pool.divide(count: columnTasks * rowTasks) { range in
      let panelBytes = unsafe tileColumns * blockDepth * (isBFloat16 ? 2 : 4)
      let scratch = unsafe TensorStorage(
        byteCount: perTask * panelBytes + tileColumns * kernels.tileRows * 4)
      let spill = unsafe (scratch.base + perTask * panelBytes).assumingMemoryBound(to: Float.self)
      for task in range {
        let firstPanel = task % columnTasks * perTask
        let panelRange = firstPanel..<min(panels, firstPanel + perTask)
        let start = task / columnTasks * tilesPerTask
        let tileRange = start..<max(start, min(tiles, start + tilesPerTask))
        var k = 0
        repeat {
          if let cancellation, cancellation.isCancelled { return }
          let length = unsafe min(blockDepth, depth - k)
          unsafe packPanels(panelRange, from: k, depth: length, into: scratch.base, panelBytes)
          for tile in tileRange {
            for panel in panelRange {
              unsafe multiplyTile(
                tile, in: packed, firstTile: firstTile, from: k, depth: length,
                panel: panel, scratch.base + (panel - firstPanel) * panelBytes, spill: spill)
            }
          }
          k += length
        } while unsafe k < depth
      }
      withExtendedLifetime(scratch) {}
    }
  }

  /// Packs a piece of the depth of some panels side by side.
  ///
  /// Of a matrix that is stored by its depth, a few rows at a time for all panels: each row lies in a page of its own.
  private func packPanels(
    _ panels: Range<Int>, from k: Int, depth length: Int, into target: UnsafeMutableRawPointer,
    _ panelBytes: Int
  ) {
    let rowsAtOnce =
      switch unsafe source {
      case .transposed: length
      case .plain, .plainStored: 16
      }
    let bytesOfRow = unsafe kernels.tileColumns * (isBFloat16 ? 2 : 4)
    for start in stride(from: 0, to: length, by: max(1, rowsAtOnce)) {
      let count = min(rowsAtOnce, length - start)
      for panel in panels {
        unsafe packPanel(
          panel, from: k + start, depth: count,
          into: target + (panel - panels.lowerBound) * panelBytes + start * bytesOfRow)
      }
    }
  }

  private func packPanel(
    _ panel: Int, from k: Int, depth length: Int, into target: UnsafeMutableRawPointer
  ) {
    let first = unsafe panel * kernels.tileColumns
    let count = unsafe min(kernels.tileColumns, columns - first)
    let floats = unsafe target.assumingMemoryBound(to: Float.self)
    switch unsafe source {
    case .plain(let base, let stride):
      unsafe kernels.table.pointee.pack_plain(
        base + k * stride + first, Int64(stride), Int32(count), Int64(length), floats)
    case .plainStored(let base, let strideBytes, let elementType, let scales):
      let start = unsafe base + k * strideBytes
      if unsafe isBFloat16 {
        unsafe kernels.table.pointee.pack_plain_bf16(
          start + first * elementType.byteCount, Int64(strideBytes), Int32(count), Int64(length),
          target.assumingMemoryBound(to: UInt32.self))
      } else if let type = elementType.kernelType, scales == nil {
        unsafe kernels.table.pointee.pack_plain_stored(
          type, start + first * elementType.byteCount, Int64(strideBytes), Int32(count),
          Int64(length), floats)
      } else {
        // Quantised types are widened in whole blocks.
        let unit = elementType.blockLength
        let low = first / unit * unit
        let width = (first + count + unit - 1) / unit * unit - low
        let widened = TensorStorage(byteCount: width * length * 4)
        for row in 0..<length {
          let from = unsafe start + row * strideBytes + elementType.byteCount(ofElements: low)
          let target = unsafe widened.floats + row * width
          if let scales {
            unsafe widenScaled(
              elementType, from, scales: scales, row: k + row, column: low, count: width,
              into: target)
          } else {
            unsafe widenElements(elementType, from, count: width, into: target)
          }
        }
        unsafe kernels.table.pointee.pack_plain(
          widened.floats + (first - low), Int64(width), Int32(count), Int64(length), floats)
      }
    case .transposed(let base, let strideBytes, let elementType, let scales):
      let start = unsafe base + first * strideBytes + elementType.byteCount(ofElements: k)
      if unsafe isBFloat16 {
        unsafe kernels.table.pointee.pack_columns_bf16(
          start, Int64(strideBytes), Int32(count), Int64(length),
          target.assumingMemoryBound(to: UInt32.self))
      } else if let type = elementType.kernelType, scales == nil {
        unsafe kernels.table.pointee.pack_columns(
          type, start, Int64(strideBytes), Int32(count), Int64(length), floats)
      } else {
        let widened = TensorStorage(byteCount: count * length * 4)
        for column in 0..<count {
          let from = unsafe start + column * strideBytes
          let target = unsafe widened.floats + column * length
          if let scales {
            unsafe widenScaled(
              elementType, from, scales: scales, row: first + column, column: k, count: length,
              into: target)
          } else {
            unsafe widenElements(elementType, from, count: length, into: target)
          }
        }
        unsafe kernels.table.pointee.pack_columns(
          vk_type_f32, widened.base, Int64(length * 4), Int32(count), Int64(length), floats)
      }
    }
  }

  private func multiplyTile(
    _ tile: Int, in packed: UnsafeMutableRawPointer, firstTile: Int, from k: Int,
    depth length: Int, panel: Int, _ weights: UnsafeMutableRawPointer,
    spill: UnsafeMutablePointer<Float>
  ) {
    let tileRows = unsafe kernels.tileRows
    let tileColumns = unsafe kernels.tileColumns
    let firstRow = (firstTile + tile) * tileRows
    let rowCount = unsafe min(tileRows, rows - firstRow)
    let firstColumn = panel * tileColumns
    let columnCount = unsafe min(tileColumns, columns - firstColumn)
    let target = unsafe c + firstRow * cStride + firstColumn
    let isWhole = columnCount == tileColumns
    let output = unsafe isWhole ? target : spill
    let stride = unsafe isWhole ? cStride : tileColumns
    let isFresh = unsafe k == 0 && !isAdded
    // Sums that begin with zeros need not be read.
    let isAccumulated: Int32 = unsafe isFresh && bias == nil ? 0 : 1
    if isAccumulated == 0 {
    } else if isFresh {
      for row in 0..<rowCount {
        let line = unsafe output + row * stride
        if let bias = unsafe bias {
          unsafe line.update(from: bias + firstColumn, count: columnCount)
        }
      }
    } else if !isWhole {
      for row in 0..<rowCount {
        for column in 0..<columnCount {
          unsafe spill[row * tileColumns + column] = target[row * cStride + column]
        }
      }
    }
    if unsafe isBFloat16 {
      let steps = unsafe (depth + 1) / 2
      let panel = unsafe packed.assumingMemoryBound(to: UInt32.self) + tile * tileRows * steps
      unsafe kernels.table.pointee.tile_bf16(
        Int32(rowCount), Int64((length + 1) / 2), panel + k / 2 * tileRows,
        weights.assumingMemoryBound(to: UInt32.self), output, Int64(stride), isAccumulated)
    } else if unsafe isReadInPlace {
      unsafe kernels.table.pointee.tile_unpacked(
        Int32(rowCount), Int64(length), x + firstRow * xStride + k, Int64(xStride),
        weights.assumingMemoryBound(to: Float.self), output, Int64(stride), isAccumulated)
    } else {
      let panel = unsafe packed.assumingMemoryBound(to: Float.self) + tile * tileRows * depth
      unsafe kernels.table.pointee.tile(
        Int32(rowCount), Int64(length), panel + k * tileRows,
        weights.assumingMemoryBound(to: Float.self), output, Int64(stride), isAccumulated)
    }
    if !isWhole {
      for row in 0..<rowCount {
        for column in 0..<columnCount {
          unsafe target[row * cStride + column] = spill[row * tileColumns + column]
        }
      }
    }
  }
}
