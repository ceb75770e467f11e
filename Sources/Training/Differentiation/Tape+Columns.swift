import Tensors

extension Tape {
  /// Columns of several variables next to each other.
  func columns(_ sources: [Variable], _ runs: [ColumnRun]) -> Variable {
    let result = variable(gatheringColumns(sources.map(\.value), runs))
    let widths = sources.map { ($0.index, $0.value.rowLength) }
    record(from: result.index) { tape, gradient in
      for (source, (index, width)) in widths.enumerated() {
        tape.add(
          scatteringColumns(gradient, runs, source: source, width: width), to: index)
      }
    }
    return result
  }

  /// A range of columns.
  func columns(_ x: Variable, _ range: Range<Int>) -> Variable {
    columns([x], [ColumnRun(source: 0, first: range.lowerBound, count: range.count)])
  }
}
