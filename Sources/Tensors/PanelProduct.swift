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
/// Of small weights all panels are packed once, and each task packs a group of rows and multiplies it with all of them.
/// Otherwise the rows are packed once for a block of them; each task then takes a few weight panels, packs them a piece
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
  var isReadInPlace: Bool {
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
    if unsafe isGrouped {
      unsafe try multiplyGroups(pool: pool, cancellation: cancellation)
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
}
