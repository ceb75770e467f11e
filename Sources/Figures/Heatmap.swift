public import DataFormats

/// A map of numbers with a token beside every row and column, such as one head's attention.
///
/// Rows are what looks (queries), columns what is looked at (keys). Cells that causality rules out
/// are blank, not zero; NaN is hatched, ∞ marked by triangles, and a legend counts them.
public struct Heatmap: Figure {
  /// The heading.
  public let title: String
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// The numbers `[rows, columns]`.
  public let values: Matrix
  /// The tokens beside the rows.
  public let rowLabels: [TokenLabel]
  /// The tokens beneath the columns.
  public let columnLabels: [TokenLabel]
  /// Whether a row sees only columns up to its own; where there are more columns than rows, the
  /// last row sees the last column.
  public let isCausal: Bool
  /// The colours.
  public let colorMap: ColorMap
  /// The numbers of the lowest and the highest colour; `nil` for those that occur.
  public let valueRange: ClosedRange<Float>?
  /// What a row is.
  public let rowTitle: String
  /// What a column is.
  public let columnTitle: String
  /// What a number is.
  public let valueTitle: String
  /// The language of the labels, such as `zh`, where it is known.
  public let language: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// The range and the strongest cells, found once.
  let summary: CellSummary
  /// At most 1,024 cells a side, for the picture and the interactive view.
  let face: CellMap

  /// Makes a heatmap; labels that are missing are the row's or column's number.
  public init(
    title: String, values: Matrix, rowLabels: [TokenLabel], columnLabels: [TokenLabel],
    isCausal: Bool = false, colorMap: ColorMap = .viridis, valueRange: ClosedRange<Float>? = nil,
    rowTitle: String = "query", columnTitle: String = "key", valueTitle: String = "weight",
    note: String? = nil, language: String? = nil, provenance: Provenance? = nil
  ) {
    self.title = title
    self.note = note
    self.values = values
    self.rowLabels = Self.completed(rowLabels, count: values.rows)
    self.columnLabels = Self.completed(columnLabels, count: values.columns)
    self.isCausal = isCausal
    self.colorMap = colorMap
    self.valueRange = valueRange
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.valueTitle = valueTitle
    self.language = language
    self.provenance = provenance
    let map = CellMap(values, isCausal: isCausal)
    face = map.limited(to: 1024)
    summary = CellSummary(map, keeping: 100, shown: face)
  }

  /// Makes a heatmap of rows of numbers.
  public init(
    title: String, values: [[Float]], rowLabels: [TokenLabel], columnLabels: [TokenLabel],
    isCausal: Bool = false, colorMap: ColorMap = .viridis, valueRange: ClosedRange<Float>? = nil,
    rowTitle: String = "query", columnTitle: String = "key", valueTitle: String = "weight",
    note: String? = nil, language: String? = nil, provenance: Provenance? = nil
  ) {
    self.init(
      title: title, values: Matrix(values), rowLabels: rowLabels, columnLabels: columnLabels,
      isCausal: isCausal, colorMap: colorMap, valueRange: valueRange, rowTitle: rowTitle,
      columnTitle: columnTitle, valueTitle: valueTitle, note: note, language: language,
      provenance: provenance)
  }

  static func completed(_ labels: [TokenLabel], count: Int) -> [TokenLabel] {
    if labels.count >= count { return Array(labels.prefix(count)) }
    return labels + (labels.count..<count).map { TokenLabel("\($0)") }
  }

  /// What a row and a column are called in sentences, where the axes have no titles.
  private var rowWord: String { rowTitle.isEmpty ? "row" : rowTitle }
  private var columnWord: String { columnTitle.isEmpty ? "column" : columnTitle }

  /// The numbers to colours.
  var scale: ColorScale { ColorScale(map: colorMap, range: valueRange, summary: summary) }

  /// Title, size, range and the strongest pairs.
  public var plainText: String {
    var lines: [String] = []
    if !title.isEmpty { lines.append(VisibleText.line(title)) }
    if let note { lines.append(VisibleText.line(note)) }
    lines.append(sizeSentence)
    if summary.isEmpty { return lines.joined(separator: "\n") }
    lines.append(VisibleText.line("strongest (\(rowWord) → \(columnWord)  \(valueTitle)):"))
    let shown = summary.strongest.prefix(8)
    let texts = shown.map { cell in
      ("  \(place(cell.row, rowLabels)) → \(place(cell.column, columnLabels))", cell.value)
    }
    let widest = texts.map { TextMetrics.columns($0.0) }.max() ?? 0
    for (text, value) in texts {
      let gap = String(repeating: " ", count: widest - TextMetrics.columns(text) + 2)
      lines.append(text + gap + NumberText.significant(Double(value), 4))
    }
    return lines.joined(separator: "\n")
  }

  private var sizeSentence: String {
    var sentence =
      "\(values.rows) × \(values.columns) (\(rowWord) × \(columnWord))"
      + (isCausal ? ", causal" : "")
    if summary.isEmpty {
      sentence += ", no numbers"
    } else {
      sentence +=
        ", \(valueTitle) from \(NumberText.significant(Double(summary.lowest), 3))"
        + " to \(NumberText.significant(Double(summary.highest), 3))"
    }
    if summary.nonFinite.total > 0 { sentence += ", \(summary.nonFinite.sentence)" }
    return VisibleText.line(sentence)
  }

  /// A label with its position: `"cat" (3)`.
  private func place(_ index: Int, _ labels: [TokenLabel]) -> String {
    "\"\(VisibleText.line(labels[index].text))\" (\(index))"
  }

  /// What the picture shows: title, size, and the three strongest pairs.
  public var alternativeText: String {
    var sentence = "Heatmap"
    if !title.isEmpty { sentence += ": \(VisibleText.line(title))" }
    sentence += ". \(NumberText.shown(sizeSentence))."
    let pairs = summary.strongest.prefix(3).map {
      "\(place($0.row, rowLabels)) to \(place($0.column, columnLabels))"
        + " \(NumberText.shown(NumberText.significant(Double($0.value), 3)))"
    }
    if !pairs.isEmpty { sentence += " Strongest: " + pairs.joined(separator: ", ") + "." }
    return sentence
  }

  /// `{kind, title, rows, columns, values, …}`, with `null` for cells that are blank or not finite.
  public var json: JSON {
    let map = CellMap(values, isCausal: isCausal)
    let rows = (0..<values.rows).map { row -> JSON in
      let visible = map.visibleColumns(inRow: row)
      return .array(
        (0..<values.columns).map { column in
          let value = values[row, column]
          return column < visible && value.isFinite ? .number(Double(value)) : .null
        })
    }
    return [
      "kind": "heatmap", "title": .string(title), "row_title": .string(rowTitle),
      "column_title": .string(columnTitle), "value_title": .string(valueTitle),
      "causal": .bool(isCausal), "rows": .array(rowLabels.map { .string($0.text) }),
      "columns": .array(columnLabels.map { .string($0.text) }), "values": .array(rows),
    ]
  }

  /// The whole map where it is small, else the strongest hundred pairs.
  public var dataTable: DataTable? {
    if values.rows <= 16, values.columns <= 16, values.rows > 0 {
      let map = CellMap(values, isCausal: isCausal)
      let rows = (0..<values.rows).map { row -> [String] in
        let visible = map.visibleColumns(inRow: row)
        return [rowLabels[row].fullText]
          + (0..<values.columns).map { column in
            column < visible
              ? NumberText.shown(NumberText.significant(Double(values[row, column]), 3)) : ""
          }
      }
      return DataTable(
        columns: ["\(rowWord) ↓  \(columnWord) →"] + columnLabels.map(\.fullText), rows: rows)
    }
    guard !summary.isEmpty else { return nil }
    let rows = summary.strongest.map { cell in
      [
        "\(cell.row)", rowLabels[cell.row].fullText, "\(cell.column)",
        columnLabels[cell.column].fullText,
        NumberText.shown(NumberText.significant(Double(cell.value), 4)),
      ]
    }
    return DataTable(
      columns: ["#", rowWord, "#", columnWord, valueTitle], rows: rows,
      note:
        "The strongest \(rows.count) of \(NumberText.grouped(values.rows * values.columns)) cells.",
      rowHeadings: 0)
  }
}
