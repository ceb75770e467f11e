import CKernels

extension PanelProduct {
  func pack(tile: Int, into panel: UnsafeMutableRawPointer) {
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
  func packTransposed(
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

  func multiplyTile(
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
