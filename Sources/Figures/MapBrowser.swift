public import DataFormats

/// A picture that answers one question, with the maps of many layers and heads behind it to be leafed
/// through where scripts run, with no kernel.
///
/// Beside live controls, which show the same picture themselves, it hides; a saved or exported notebook
/// shows it.
public struct MapBrowser: Figure {
  /// One map behind the picture, pooled so that all of them fit a page.
  public struct Map: Sendable {
    /// The layer.
    public let layer: Int
    /// The head; `nil` for the mean over heads.
    public let head: Int?
    let face: CellMap

    /// Makes a map that is one of many.
    ///
    /// - Parameters:
    ///   - values: the numbers `[rows, columns]`, as many as in all other maps.
    ///   - count: how many maps there are.
    public init(layer: Int, head: Int?, values: Matrix, isCausal: Bool, count: Int) {
      self.layer = layer
      self.head = head
      face = CellMap(values, isCausal: isCausal).pooled(
        by: MapBrowser.block(rows: values.rows, columns: values.columns, count: count))
    }
  }

  /// The picture.
  public let picture: any Figure
  /// The maps, heads within layers; every layer has the same heads.
  public let maps: [Map]
  /// Where the maps begin: the place of the map that is shown first.
  public let start: Int
  /// Whether the picture is itself one of the maps, so that they take its place.
  public let showsMapAlone: Bool
  /// What the maps are, such as `Attention · specimen`.
  public let mapTitle: String
  /// The tokens beside rows and columns.
  public let labels: [TokenLabel]
  /// What a number is.
  public let valueTitle: String
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// All maps together have at most so many cells.
  static let mostCells = 900_000

  /// Makes a browser; maps of another size than the first are left out.
  public init(
    picture: any Figure, maps: [Map], start: Int, showsMapAlone: Bool, mapTitle: String,
    labels: [TokenLabel], valueTitle: String = "weight", provenance: Provenance? = nil
  ) {
    let first = maps.first?.face
    self.picture = picture
    self.maps = maps.filter {
      $0.face.originalRows == first?.originalRows
        && $0.face.originalColumns == first?.originalColumns && $0.face.block == first?.block
    }
    self.start = min(max(0, start), max(0, self.maps.count - 1))
    self.showsMapAlone = showsMapAlone
    self.mapTitle = mapTitle
    self.labels = Heatmap.completed(labels, count: first?.originalRows ?? 0)
    self.valueTitle = valueTitle
    self.provenance = provenance
  }

  /// How many tokens a side one cell of a map stands for.
  static func block(rows: Int, columns: Int, count: Int) -> Int {
    var block = max(1, (max(rows, columns) + 511) / 512)
    while ((rows + block - 1) / block) * ((columns + block - 1) / block) * count > mostCells,
      block < max(rows, columns)
    {
      block += 1
    }
    return block
  }

  /// The picture's title.
  public var title: String { picture.title }

  /// The picture's text, and which maps are behind it.
  public var plainText: String {
    guard !maps.isEmpty else { return picture.plainText }
    return picture.plainText + "\nMaps to leaf through: \(extent)."
  }

  private var layers: [Int] { Self.inOrder(maps.map(\.layer)) }
  private var heads: [Int?] { Self.inOrder(maps.map(\.head)) }

  private static func inOrder<Element: Hashable>(_ elements: [Element]) -> [Element] {
    var known: Set<Element> = []
    return elements.filter { known.insert($0).inserted }
  }

  private var extent: String {
    let own = heads.compactMap { $0 }.count
    var words = "\(layers.count) \(layers.count == 1 ? "layer" : "layers") of \(own) heads"
    if heads.contains(nil) { words += " and their mean" }
    if let block = maps.first?.face.block, block > 1 {
      words += "; each cell shows the largest of \(block) × \(block)"
    }
    return words
  }

  /// `{kind, picture, layers, heads}`.
  public var json: JSON {
    [
      "kind": "map_browser", "picture": picture.json,
      "layers": .array(layers.map { .integer($0) }),
      "heads": .array(heads.map { $0.map { .integer($0) } ?? "mean" }),
    ]
  }

  /// The picture's description.
  public var alternativeText: String { picture.alternativeText }

  /// The picture's table.
  public var dataTable: DataTable? { picture.dataTable }

  /// The picture.
  public func svg(_ theme: FigureTheme) -> String { picture.svg(theme) }

  /// The picture, and the maps in its place or beneath it.
  public func htmlFragment() -> String {
    var inner = showsMapAlone ? "" : picture.htmlFragment() + "\n"
    if !maps.isEmpty {
      inner += mapFragment + "\n"
    } else if showsMapAlone {
      inner += picture.htmlFragment() + "\n"
    }
    let name = "vitrine-kept-" + BundleAssembly.fingerprint(inner)
    return "<div class=\"\(name) mathjax_ignore tex2jax_ignore\">\n\(inner)"
      + "<script>\(MapBrowserScript.hiding(name))</script>\n</div>"
  }

  /// The maps with their sliders; where no scripts run, the picture or the map that is chosen.
  private var mapFragment: String {
    BundleAssembly.fragment(
      for: BrowsedMaps(browser: self, face: showsMapAlone ? picture : chosenMap))
  }

  /// The map that is shown first, as a picture.
  private var chosenMap: Heatmap {
    let map = maps[start]
    let blocks = map.face
    let labels = stride(from: 0, to: blocks.originalRows, by: blocks.block).map { self.labels[$0] }
    return Heatmap(
      title: "\(mapTitle) · \(Self.name(map))", values: blocks.matrix, rowLabels: labels,
      columnLabels: labels, isCausal: blocks.isCausal, valueTitle: valueTitle,
      note: note, provenance: provenance)
  }

  var note: String? {
    guard let block = maps.first?.face.block, block > 1 else { return nil }
    return "Each cell shows the largest of \(block) × \(block)."
  }

  static func name(_ map: Map) -> String {
    "layer \(map.layer) · " + (map.head.map { "head \($0)" } ?? "mean over heads")
  }

  /// The maps with sliders for layer and head.
  var mapView: InteractiveView? {
    guard maps.count > 1, maps.count == layers.count * heads.count, let first = maps.first?.face,
      first.rows > 0
    else { return nil }
    let summaries = maps.map { CellSummary($0.face, keeping: 1) }
    let scale = ColorScale(map: .viridis, range: nil, summary: CellSummary(joining: summaries))
    let farthest = summaries.reduce(Float(0)) { max($0, $1.farthest) }
    let total = maps.count * first.rows * first.columns
    var data = MapData.json(first, scale: scale, titles: ["query", "key", valueTitle])
    // Eight bits a cell, however few there are: hundreds of heads must fit a page.
    let cells = max(total, 262_145)
    data["farthest"] = .number(Double(farthest))
    data["encoding"] = .string(MapData.encoded(first, farthest: farthest, cells: cells).0)
    data["maps"] = .array(
      maps.map { .string(MapData.encoded($0.face, farthest: farthest, cells: cells).1) })
    data["names"] = .array(maps.map { .string(Self.name($0)) })
    data["layers"] = .array(layers.map { .string("\($0)") })
    data["heads"] = .array(heads.map { .string($0.map { "\($0)" } ?? "mean") })
    data["start"] = .integer(start)
    data["title"] = .string(VisibleText.line(mapTitle))
    if let note { data["note"] = .string(note) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    MapData.addLabels(rows: labels, columns: labels, to: &data)
    data["ticks"] = ColorBar(scale: scale, title: valueTitle).tickJSON
    return InteractiveView(
      script: MapScript.library + MapBrowserScript.start, data: .object(data))
  }
}

/// The maps of a browser as a figure whose still face is one of them.
private struct BrowsedMaps: Figure {
  let browser: MapBrowser
  let face: any Figure

  var title: String { face.title }
  var plainText: String { face.plainText }
  var json: JSON { face.json }
  var alternativeText: String { face.alternativeText }
  var dataTable: DataTable? { face.dataTable }
  var interactiveView: InteractiveView? { browser.mapView }
  var provenance: Provenance? {
    get { browser.provenance }
    set {}
  }
  func svg(_ theme: FigureTheme) -> String { face.svg(theme) }
}
