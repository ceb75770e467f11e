public import DataFormats

/// One map at several times, such as a head's attention while a model learns: a few of them side by side, and where
/// scripts run a slider through all.
public struct MapSequence: Figure {
  /// The map at one time.
  public struct Frame: Sendable {
    /// When it was, such as `step 40`.
    public let title: String
    /// More of that time, such as what the model would say next; may be empty.
    public let note: String
    /// The numbers `[rows, columns]`, as many as in all other frames.
    public let values: Matrix

    /// Makes a frame.
    public init(title: String, note: String = "", values: Matrix) {
      self.title = title
      self.note = note
      self.values = values
    }
  }

  /// The heading.
  public let title: String
  /// The frames in the order of time.
  public let frames: [Frame]
  /// The tokens beside the rows.
  public let rowLabels: [TokenLabel]
  /// The tokens beneath the columns.
  public let columnLabels: [TokenLabel]
  /// Whether a row sees only columns up to its own.
  public let isCausal: Bool
  /// What a row is.
  public let rowTitle: String
  /// What a column is.
  public let columnTitle: String
  /// What a number is.
  public let valueTitle: String
  /// What the frames' notes are.
  public let noteTitle: String
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// How many frames the picture shows.
  static let shownCount = 6
  /// How many cells the interactive view holds; frames beyond are thinned evenly.
  static let mostCells = 220_000

  /// Makes a sequence; frames of another size than the first are left out.
  public init(
    title: String, frames: [Frame], rowLabels: [TokenLabel], columnLabels: [TokenLabel],
    isCausal: Bool = false, rowTitle: String = "query", columnTitle: String = "key",
    valueTitle: String = "weight", noteTitle: String = "what follows",
    provenance: Provenance? = nil
  ) {
    let rows = frames.first?.values.rows ?? 0
    let columns = frames.first?.values.columns ?? 0
    self.title = title
    self.frames = frames.filter { $0.values.rows == rows && $0.values.columns == columns }
    self.rowLabels = Heatmap.completed(rowLabels, count: rows)
    self.columnLabels = Heatmap.completed(columnLabels, count: columns)
    self.isCausal = isCausal
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.valueTitle = valueTitle
    self.noteTitle = noteTitle
    self.provenance = provenance
  }

  /// Frames from the first to the last, as evenly as they can be, `count` at most.
  static func thinned<Element>(_ elements: [Element], to count: Int) -> [Element] {
    guard elements.count > count, count > 1 else { return Array(elements.prefix(max(0, count))) }
    return (0..<count).map { elements[$0 * (elements.count - 1) / (count - 1)] }
  }

  /// The frames that the picture shows, as a grid.
  private var grid: HeatmapGrid {
    HeatmapGrid(
      title: title,
      cells: Self.thinned(frames, to: Self.shownCount).map {
        HeatmapGrid.Cell(title: $0.title, layer: nil, head: nil, values: $0.values)
      }, rowLabels: rowLabels, columnLabels: columnLabels, isCausal: isCausal,
      rowTitle: rowTitle, columnTitle: columnTitle, valueTitle: valueTitle,
      provenance: provenance)
  }

  /// Title, size, and what is known of every frame.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    lines.append("\(frames.count) maps of \(rowLabels.count) × \(columnLabels.count)")
    let shown = Self.thinned(frames, to: 40)
    let widest = shown.map { TextMetrics.columns(VisibleText.line($0.title)) }.max() ?? 0
    for frame in shown {
      let name = VisibleText.line(frame.title)
      let gap = String(repeating: " ", count: widest - TextMetrics.columns(name))
      lines.append(
        frame.note.isEmpty ? "  \(name)" : "  \(name)\(gap)  \(VisibleText.line(frame.note))")
    }
    return lines.joined(separator: "\n")
  }

  /// `{kind, title, rows, columns, frames: [{title, note, values}]}`.
  public var json: JSON {
    [
      "kind": "map_sequence", "title": .string(title),
      "rows": .array(rowLabels.map { .string($0.text) }),
      "columns": .array(columnLabels.map { .string($0.text) }),
      "frames": .array(
        frames.map { frame in
          [
            "title": .string(frame.title), "note": .string(frame.note),
            "values": .array(
              (0..<frame.values.rows).map { row in
                .array(
                  (0..<frame.values.columns).map { column in
                    let value = frame.values[row, column]
                    return value.isFinite ? .number(Double(value)) : .null
                  })
              }),
          ]
        }),
    ]
  }

  /// What is known of each frame.
  public var dataTable: DataTable? {
    guard frames.contains(where: { !$0.note.isEmpty }) else { return grid.dataTable }
    return DataTable(
      columns: ["when", noteTitle],
      rows: frames.prefix(300).map { [VisibleText.line($0.title), VisibleText.sentence($0.note)] })
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String { grid.svg(theme) }

  /// The map with a slider through the frames.
  public var interactiveView: InteractiveView? {
    guard !rowLabels.isEmpty, !columnLabels.isEmpty, frames.count > 1 else { return nil }
    let cells = rowLabels.count * columnLabels.count
    let shown = Self.thinned(frames, to: max(2, Self.mostCells / cells))
    let maps = shown.map { CellMap($0.values, isCausal: isCausal).limited(to: 256) }
    let summaries = maps.map { CellSummary($0, keeping: 1) }
    let scale = ColorScale(
      map: .viridis, range: nil, summary: CellSummary(joining: summaries))
    var data = MapData.json(maps[0], scale: scale, titles: [rowTitle, columnTitle, valueTitle])
    let farthest = summaries.reduce(Float(0)) { max($0, $1.farthest) }
    let total = maps.reduce(0) { $0 + $1.rows * $1.columns }
    data["farthest"] = .number(Double(farthest))
    data["encoding"] = .string(MapData.encoded(maps[0], farthest: farthest, cells: total).0)
    data["frames"] = .array(
      zip(shown, maps).map { frame, map in
        [
          "title": .string(VisibleText.line(frame.title)),
          "note": .string(VisibleText.sentence(frame.note)),
          "values": .string(MapData.encoded(map, farthest: farthest, cells: total).1),
        ]
      })
    data["title"] = .string(VisibleText.line(title))
    if let provenance { data["provenance"] = .string(provenance.line) }
    MapData.addLabels(rows: rowLabels, columns: columnLabels, to: &data)
    data["ticks"] = ColorBar(scale: scale, title: valueTitle).tickJSON
    return InteractiveView(
      script: MapScript.library + MapSequenceScript.start, data: .object(data))
  }
}

/// The script of a sequence of maps.
enum MapSequenceScript {
  static let start = #"""

    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      const note = add(root, "div", "note");
      note.style.minHeight = "1.5em";
      const bar = add(root, "div", "bar"), slider = add(bar, "input"), label = add(bar, "span", "status");
      slider.type = "range"; slider.min = 0; slider.max = data.frames.length - 1; slider.step = 1;
      slider.value = data.frames.length - 1;
      slider.style.width = "260px"; slider.style.padding = 0; slider.setAttribute("aria-label", "which map, from the first to the last");
      const box = add(root, "div");
      let view = null, shown = -1;
      const show = () => {
        const index = Number(slider.value), frame = data.frames[index];
        label.textContent = frame.title + " (" + (index + 1) + " of " + data.frames.length + ")";
        slider.setAttribute("aria-valuetext", frame.title + ". " + frame.note);
        note.textContent = frame.note;
        if (index === shown) return;
        shown = index;
        box.replaceChildren();
        view = mapView(box, data, decodeMap(data, frame.values), dark, description);
      };
      slider.addEventListener("input", show);
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      show();
      return () => view.draw();
    };
    """#
}
