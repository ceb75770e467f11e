import CKernels

extension PanelProduct {
  /// Whether the weights are small enough for all of their panels to stay in a shared cache, and the rows many enough
  /// to repay packing them at once.
  var isGrouped: Bool {
    unsafe !isBFloat16 && !isTransposed && depth > 0 && depth <= Self.groupDepth
      && panelCount * panelFloats * 4 <= Self.groupPanelBytes
      && rows >= Self.groupRowTiles * kernels.tileRows
  }

  /// One panel of so many steps and one tile's rows share the nearest cache.
  private static var groupDepth: Int { 768 }
  private static var groupPanelBytes: Int { 1 << 20 }
  private static var groupRowTiles: Int { 16 }
  /// Tiles that are packed at a time: their rows stay in a core's own cache while all panels pass.
  private static var tilesPerGroup: Int { 8 }

  private var panelCount: Int {
    unsafe (columns + kernels.tileColumns - 1) / kernels.tileColumns
  }
  private var panelFloats: Int { unsafe kernels.tileColumns * depth }

  /// Packs all weight panels, then multiplies group after group of rows with them.
  func multiplyGroups(pool: ThreadPool, cancellation: Cancellation?) throws(Cancelled) {
    let (panelCount, panelFloats) = unsafe (panelCount, panelFloats)
    let panels = TensorStorage(byteCount: panelCount * panelFloats * 4)
    // Panels side by side share the rows of a matrix that is stored by its depth.
    let together = max(1, min(4, panelCount / pool.threadCount))
    pool.divide(count: panelCount, grain: together) { range in
      unsafe packPanels(
        range, from: 0, depth: depth, into: panels.base + range.lowerBound * panelFloats * 4,
        panelFloats * 4)
    }
    let tileRows = unsafe kernels.tileRows
    let tiles = unsafe (rows + tileRows - 1) / tileRows
    // At least four groups for every thread, that none waits long for another.
    let size = unsafe max(1, min(Self.tilesPerGroup, tiles / (4 * pool.threadCount)))
    pool.divide(count: (tiles + size - 1) / size) { range in
      if let cancellation, cancellation.isCancelled { return }
      let scratch = unsafe TensorStorage(
        byteCount: size * tileRows * depth * 4 + kernels.tileColumns * tileRows * 4)
      for group in range {
        unsafe multiplyGroup(
          group * size..<min(tiles, (group + 1) * size), panels.base, scratch.base,
          spill: scratch.floats + size * tileRows * depth)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(panels) {}
    try cancellation?.check()
  }

  private func multiplyGroup(
    _ tiles: Range<Int>, _ panels: UnsafeMutableRawPointer, _ packed: UnsafeMutableRawPointer,
    spill: UnsafeMutablePointer<Float>
  ) {
    let (tileRows, tileColumns) = unsafe (kernels.tileRows, kernels.tileColumns)
    for tile in tiles {
      unsafe pack(
        tile: tile, into: packed + (tile - tiles.lowerBound) * tileRows * depth * 4)
    }
    let firstRow = tiles.lowerBound * tileRows
    // A last tile of fewer rows is left to the general loop, as is a last panel of fewer columns.
    let whole = unsafe min(tiles.count, (rows - firstRow) / tileRows)
    for panel in unsafe 0..<panelCount {
      let firstColumn = panel * tileColumns
      let weights = unsafe panels + panel * panelFloats * 4
      let isWhole = unsafe firstColumn + tileColumns <= columns
      if isWhole, whole > 0 {
        let target = unsafe c + firstRow * cStride + firstColumn
        let start: UnsafePointer<Float>? =
          if unsafe isAdded { unsafe UnsafePointer(target) } else {
            unsafe bias.map { unsafe $0 + firstColumn }
          }
        unsafe kernels.table.pointee.tiles(
          Int32(whole), Int64(depth), packed.assumingMemoryBound(to: Float.self),
          weights.assumingMemoryBound(to: Float.self), start, Int64(isAdded ? cStride : 0), target,
          Int64(cStride))
      }
      for tile in tiles.dropFirst(isWhole ? whole : 0) {
        unsafe multiplyTile(
          tile - tiles.lowerBound, in: packed, firstTile: tiles.lowerBound, from: 0, depth: depth,
          panel: panel, weights, spill: spill)
      }
    }
  }
}
