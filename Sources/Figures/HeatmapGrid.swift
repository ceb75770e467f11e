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
    /// The numbers `[rows, columns]`, as many as in all other maps; those of tiles where it is pooled.
    public let values: Matrix
    /// What the values are tiles of; `nil` where each is a number of its own.
    let tiles: PooledMatrix?

    /// Makes a map.
    public init(title: String, layer: Int?, head: Int?, values: Matrix) {
      self.title = title
      self.layer = layer
      self.head = head
      self.values = values
      tiles = nil
    }

    /// Makes a map of which only tiles are left.
    public init(title: String, layer: Int?, head: Int?, tiles: PooledMatrix) {
      self.title = title
      self.layer = layer
      self.head = head
      self.tiles = tiles
      values = tiles.map.matrix
    }

    /// The cells as they are drawn.
    func map(isCausal: Bool) -> CellMap { tiles?.map ?? CellMap(values, isCausal: isCausal) }
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
  /// How many numbers of all maps have no place on the scale.
  let nonFinite: NonFiniteCounts

  /// Makes a grid; maps of another size than the first are left out.
  public init(
    title: String, cells: [Cell], rowLabels: [TokenLabel], columnLabels: [TokenLabel],
    isCausal: Bool = false, colorMap: ColorMap = .viridis, valueRange: ClosedRange<Float>? = nil,
    rowTitle: String = "query", columnTitle: String = "key", valueTitle: String = "weight",
    note: String? = nil, language: String? = nil, provenance: Provenance? = nil
  ) {
    let first = cells.first?.map(isCausal: isCausal)
    self.title = title
    self.note = note
    self.cells = cells.filter { cell in
      let map = cell.map(isCausal: isCausal)
      return map.originalRows == first?.originalRows
        && map.originalColumns == first?.originalColumns && map.block == first?.block
    }
    self.rowLabels = Heatmap.completed(rowLabels, count: first?.originalRows ?? 0)
    self.columnLabels = Heatmap.completed(columnLabels, count: first?.originalColumns ?? 0)
    self.isCausal = isCausal
    self.colorMap = colorMap
    self.valueRange = valueRange
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.valueTitle = valueTitle
    self.language = language
    self.provenance = provenance
    summaries = self.cells.map {
      $0.tiles?.summary ?? CellSummary(CellMap($0.values, isCausal: isCausal), keeping: 1)
    }
    let summary = CellSummary(joining: summaries)
    scale = ColorScale(map: colorMap, range: valueRange, summary: summary)
    nonFinite = summary.nonFinite
  }

  /// How many rows and columns each map has.
  var mapRows: Int { cells.first?.map(isCausal: isCausal).originalRows ?? 0 }
  var mapColumns: Int { cells.first?.map(isCausal: isCausal).originalColumns ?? 0 }

  /// The maps as they are drawn.
  var maps: [CellMap] { cells.map { $0.map(isCausal: isCausal) } }

  /// How to read every map, in a line beneath the heading.
  ///
  /// - Parameter block: how many rows and columns one drawn cell stands for.
  func shownNote(block: Int) -> String? {
    var parts = note.map { [VisibleText.sentence($0)] } ?? []
    if !rowTitle.isEmpty, !columnTitle.isEmpty {
      parts.append(
        "Each map: \(VisibleText.line(rowTitle)) ↓, \(VisibleText.line(columnTitle)) →;"
          + " \(mapRows) × \(mapColumns), one scale for all")
    }
    if block > 1 { parts.append("each point the largest of \(block) × \(block)") }
    return parts.isEmpty ? nil : parts.joined(separator: " · ")
  }

  /// Title, size, and the strongest pair of every map.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    lines.append(
      "\(cells.count) maps of \(mapRows) × \(mapColumns)"
        + " (\(VisibleText.line(rowTitle)) × \(VisibleText.line(columnTitle)))"
        + (isCausal ? ", causal" : "")
        + (maps.first.map { $0.block > 1 ? ", in tiles of \($0.block) × \($0.block)" : "" } ?? "")
        + (nonFinite.total > 0 ? ", \(nonFinite.sentence)" : ""))
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
      let map = cell.map(isCausal: isCausal)
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
      "block": .integer(self.maps.first?.block ?? 1),
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
        NumberText.shown(NumberText.significant(Double(strongest.value), 4)),
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
