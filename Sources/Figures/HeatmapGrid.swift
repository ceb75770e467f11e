public import DataFormats

/// Many small maps with one scale: every head of every layer, or a few chosen ones.
///
/// Maps with both a layer and a head stand in a table of layers by heads; others follow each other
/// with their titles above them.
public struct HeatmapGrid: Figure {
  /// One small map.
  public struct Cell: Sendable {
    /// What it shows, such as `layer 3 · head 5`.
    public let title: String
    /// The layer, which decides the row.
    public let layer: Int?
    /// The head, which decides the column.
    public let head: Int?
    /// The numbers `[rows, columns]`, as many as in all other maps.
    public let values: Matrix

    /// Makes a map.
    public init(title: String, layer: Int?, head: Int?, values: Matrix) {
      self.title = title
      self.layer = layer
      self.head = head
      self.values = values
    }
  }

  /// The heading.
  public let title: String
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// The maps.
  public let cells: [Cell]
  /// The tokens beside the rows of every map.
  public let rowLabels: [TokenLabel]
  /// The tokens beneath the columns of every map.
  public let columnLabels: [TokenLabel]
  /// Whether a row sees only columns up to its own.
  public let isCausal: Bool
  /// The colours.
  public let colorMap: ColorMap
  /// The numbers of the lowest and the highest colour of all maps; `nil` for those that occur.
  public let valueRange: ClosedRange<Float>?
  /// What a row of a map is.
  public let rowTitle: String
  /// What a column of a map is.
  public let columnTitle: String
  /// What a number is.
  public let valueTitle: String
  /// The language of the labels, such as `zh`, where it is known.
  public let language: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  let summaries: [CellSummary]
  let scale: ColorScale

  /// Makes a grid; maps of another size than the first are left out.
  public init(
    title: String, cells: [Cell], rowLabels: [TokenLabel], columnLabels: [TokenLabel],
    isCausal: Bool = false, colorMap: ColorMap = .viridis, valueRange: ClosedRange<Float>? = nil,
    rowTitle: String = "query", columnTitle: String = "key", valueTitle: String = "weight",
    note: String? = nil, language: String? = nil, provenance: Provenance? = nil
  ) {
    let rows = cells.first?.values.rows ?? 0
    let columns = cells.first?.values.columns ?? 0
    self.title = title
    self.note = note
    self.cells = cells.filter { $0.values.rows == rows && $0.values.columns == columns }
    self.rowLabels = Heatmap.completed(rowLabels, count: rows)
    self.columnLabels = Heatmap.completed(columnLabels, count: columns)
    self.isCausal = isCausal
    self.colorMap = colorMap
    self.valueRange = valueRange
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.valueTitle = valueTitle
    self.language = language
    self.provenance = provenance
    summaries = self.cells.map {
      CellSummary(CellMap($0.values, isCausal: isCausal), keeping: 1)
    }
    scale = ColorScale(
      map: colorMap, range: valueRange, summary: CellSummary(joining: summaries))
  }

  /// How many rows and columns each map has.
  var mapRows: Int { cells.first?.values.rows ?? 0 }
  var mapColumns: Int { cells.first?.values.columns ?? 0 }

  /// The maps as they are drawn.
  var maps: [CellMap] { cells.map { CellMap($0.values, isCausal: isCausal) } }

  /// Title, size, and the strongest pair of every map.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    lines.append(
      "\(cells.count) maps of \(mapRows) × \(mapColumns)"
        + " (\(VisibleText.line(rowTitle)) × \(VisibleText.line(columnTitle)))"
        + (isCausal ? ", causal" : ""))
    let names = cells.map { VisibleText.line($0.title) }
    let widest = names.map(TextMetrics.columns).max() ?? 0
    for (index, summary) in summaries.enumerated().prefix(40) {
      let gap = String(repeating: " ", count: widest - TextMetrics.columns(names[index]))
      lines.append("  \(names[index])\(gap)  \(strongest(summary))")
    }
    if cells.count > 40 { lines.append("  … \(cells.count - 40) more maps") }
    return lines.joined(separator: "\n")
  }

  private func strongest(_ summary: CellSummary) -> String {
    guard let cell = summary.strongest.first else { return "no numbers" }
    return "\"\(VisibleText.line(rowLabels[cell.row].text))\" (\(cell.row)) → "
      + "\"\(VisibleText.line(columnLabels[cell.column].text))\" (\(cell.column))  "
      + NumberText.significant(Double(cell.value), 4)
  }

  /// `{kind, title, rows, columns, maps: [{title, layer, head, values}]}`.
  public var json: JSON {
    let maps = cells.map { cell -> JSON in
      let map = CellMap(cell.values, isCausal: isCausal)
      let rows = (0..<map.rows).map { row -> JSON in
        let visible = map.visibleColumns(inRow: row)
        return .array(
          (0..<map.columns).map { column in
            let value = cell.values[row, column]
            return column < visible && value.isFinite ? .number(Double(value)) : .null
          })
      }
      return [
        "title": .string(cell.title), "layer": cell.layer.map { .integer($0) } ?? .null,
        "head": cell.head.map { .integer($0) } ?? .null, "values": .array(rows),
      ]
    }
    return [
      "kind": "heatmap_grid", "title": .string(title), "causal": .bool(isCausal),
      "rows": .array(rowLabels.map { .string($0.text) }),
      "columns": .array(columnLabels.map { .string($0.text) }), "maps": .array(maps),
    ]
  }

  /// The strongest pair of every map.
  public var dataTable: DataTable? {
    let rows = zip(cells, summaries).prefix(300).map { cell, summary -> [String] in
      guard let strongest = summary.strongest.first else {
        return [VisibleText.line(cell.title), "", "", ""]
      }
      return [
        VisibleText.line(cell.title), rowLabels[strongest.row].fullText,
        columnLabels[strongest.column].fullText,
        NumberText.significant(Double(strongest.value), 4),
      ]
    }
    let more = cells.count - rows.count
    return DataTable(
      columns: ["map", "\(rowTitle) of the strongest pair", columnTitle, valueTitle], rows: rows,
      note: more > 0 ? "… \(NumberText.grouped(more)) more maps" : "")
  }
}

/// Where each map of a grid stands.
struct GridPlaces: Sendable {
  /// Row and column of each map.
  let places: [(row: Int, column: Int)]
  /// The layers of the rows and the heads of the columns; `nil` where maps just follow each other.
  let layers: [Int]?
  let heads: [Int]?
  let rows: Int
  let columns: Int

  init(_ cells: [HeatmapGrid.Cell]) {
    let layers = Set(cells.compactMap(\.layer)).sorted()
    let heads = Set(cells.compactMap(\.head)).sorted()
    var taken: [Bool] = Array(repeating: false, count: layers.count * heads.count)
    var table: [(row: Int, column: Int)] = []
    if layers.count > 1, heads.count > 1 {
      for cell in cells {
        guard let layer = cell.layer, let head = cell.head,
          let row = layers.firstIndex(of: layer), let column = heads.firstIndex(of: head),
          !taken[row * heads.count + column]
        else { break }
        taken[row * heads.count + column] = true
        table.append((row, column))
      }
    }
    if !table.isEmpty, table.count == cells.count {
      places = table
      self.layers = layers
      self.heads = heads
      rows = layers.count
      columns = heads.count
    } else {
      let across =
        cells.count <= 4 ? max(1, cells.count) : cells.count <= 6 ? 3 : cells.count <= 16 ? 4 : 6
      places = cells.indices.map { ($0 / across, $0 % across) }
      self.layers = nil
      self.heads = nil
      columns = across
      rows = (cells.count + across - 1) / across
    }
  }
}
