import CKernels

extension PanelProduct {
  /// Packs a piece of the depth of some panels side by side.
  ///
  /// Of a matrix that is stored by its depth, a few rows at a time for all panels: each row lies in a page of its own.
  func packPanels(
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
}
