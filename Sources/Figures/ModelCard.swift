public import DataFormats

/// A model at a glance: its stack of layers, its sizes, where its parameters and bytes are.
public struct ModelCard: Figure {
  /// A name and a value in words.
  public struct Fact: Sendable, Hashable {
    /// What is told.
    public var name: String
    /// The value.
    public var value: String

    /// Makes a fact.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// One part of the weights.
  public struct Part: Sendable, Hashable {
    /// What the part is, such as `attention`.
    public var name: String
    /// How many parameters it has.
    public var count: Int

    /// Makes a part.
    public init(_ name: String, _ count: Int) {
      self.name = name
      self.count = count
    }
  }

  /// The sizes that the picture of the stack shows.
  public struct Shape: Sendable, Hashable {
    /// How many layers there are.
    public var layers: Int
    /// The width of the residual stream.
    public var width: Int
    /// How many attention heads a layer has.
    public var heads: Int
    /// How many heads of keys and values a layer has.
    public var keyValueHeads: Int
    /// The width of a head.
    public var headDimension: Int
    /// The width inside the feed-forward part.
    public var innerWidth: Int
    /// How many tokens the vocabulary has.
    public var vocabulary: Int
    /// How many tokens a text may have.
    public var contextLength: Int
    /// Whether a token sees only those before it.
    public var isCausal: Bool
    /// Whether it predicts tokens.
    public var predictsTokens: Bool
    /// How many experts a mixture has and uses, in words; `nil` where all feed-forward parts are dense.
    public var experts: String?

    /// Makes a shape.
    public init(
      layers: Int, width: Int, heads: Int, keyValueHeads: Int, headDimension: Int, innerWidth: Int,
      vocabulary: Int, contextLength: Int, isCausal: Bool, predictsTokens: Bool,
      experts: String? = nil
    ) {
      self.experts = experts
      self.layers = layers
      self.width = width
      self.heads = heads
      self.keyValueHeads = keyValueHeads
      self.headDimension = headDimension
      self.innerWidth = innerWidth
      self.vocabulary = vocabulary
      self.contextLength = contextLength
      self.isCausal = isCausal
      self.predictsTokens = predictsTokens
    }
  }

  /// The model's name.
  public let name: String
  /// The family, such as `LlamaForCausalLM`.
  public let architecture: String
  /// The sizes.
  public let shape: Shape
  /// The weights by part, in the order in which they are listed.
  public let parts: [Part]
  /// How the weights are stored, such as `bf16`.
  public let elementType: String
  /// The bytes of all weights.
  public let byteCount: Int
  /// More facts, such as the file and its hash.
  public let facts: [Fact]
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// Makes a card.
  public init(
    name: String, architecture: String, shape: Shape, parts: [Part], elementType: String,
    byteCount: Int, facts: [Fact] = [], provenance: Provenance? = nil
  ) {
    self.name = name
    self.architecture = architecture
    self.shape = shape
    self.parts = parts
    self.elementType = elementType
    self.byteCount = byteCount
    self.facts = facts
    self.provenance = provenance
  }

  /// The model's name.
  public var title: String { name }

  private var total: Int { parts.reduce(0) { $0 + $1.count } }

  private var allFacts: [Fact] {
    let grouped = NumberText.grouped
    let heads =
      shape.keyValueHeads == shape.heads
      ? "\(shape.heads) × \(shape.headDimension)"
      : "\(shape.heads) × \(shape.headDimension), \(shape.keyValueHeads) for keys and values"
    return [
      Fact("architecture", architecture), Fact("parameters", grouped(total)),
      Fact("layers", "\(shape.layers)"), Fact("width", grouped(shape.width)), Fact("heads", heads),
      Fact("inner width", grouped(shape.innerWidth)), Fact("experts", shape.experts ?? ""),
      Fact("vocabulary", grouped(shape.vocabulary)),
      Fact("context", grouped(shape.contextLength) + " tokens"),
      Fact("attention", shape.isCausal ? "causal" : "in both directions"),
      Fact("stored as", "\(elementType), \(NumberText.bytes(byteCount))"),
    ].filter { !$0.value.isEmpty }
      + facts
  }

  /// The facts, then the parameters by part.
  public var plainText: String {
    let facts = allFacts.map { Fact(VisibleText.line($0.name), VisibleText.line($0.value)) }
    let widest = facts.map { TextMetrics.columns($0.name) }.max() ?? 0
    var lines = [VisibleText.line(name)]
    for fact in facts {
      let gap = String(repeating: " ", count: widest - TextMetrics.columns(fact.name) + 2)
      lines.append("  " + fact.name + gap + fact.value)
    }
    lines.append("parameters by part:")
    let names = parts.map { VisibleText.line($0.name) }
    let longest = names.map(TextMetrics.columns).max() ?? 0
    let counts = parts.map { NumberText.grouped($0.count) }
    let digits = counts.map(\.count).max() ?? 0
    for (index, part) in parts.enumerated() {
      let gap = String(repeating: " ", count: longest - TextMetrics.columns(names[index]) + 2)
      let lead = String(repeating: " ", count: digits - counts[index].count)
      lines.append("  \(names[index])\(gap)\(lead)\(counts[index])  \(share(part))")
    }
    return lines.joined(separator: "\n")
  }

  private func share(_ part: Part) -> String {
    guard total > 0 else { return "" }
    let percent = Double(part.count) / Double(total) * 100
    return percent > 0 && percent < 0.05 ? "< 0.1 %" : NumberText.fixed(percent, 1) + " %"
  }

  /// `{kind, name, architecture, …, parts: [{name, count}]}`.
  public var json: JSON {
    [
      "kind": "model", "name": .string(name), "architecture": .string(architecture),
      "layers": .integer(shape.layers), "width": .integer(shape.width),
      "heads": .integer(shape.heads), "key_value_heads": .integer(shape.keyValueHeads),
      "head_dimension": .integer(shape.headDimension), "inner_width": .integer(shape.innerWidth),
      "vocabulary": .integer(shape.vocabulary), "context_length": .integer(shape.contextLength),
      "causal": .bool(shape.isCausal), "dtype": .string(elementType),
      "byte_count": .integer(byteCount), "parameters": .integer(total),
      "parts": .array(
        parts.map { ["name": .string($0.name), "count": .integer($0.count)] }),
      "facts": .object(
        JSONObject(members: facts.map { .init(key: $0.name, value: .string($0.value)) })),
    ]
  }

  /// The facts and the parts.
  public var dataTable: DataTable? {
    DataTable(
      columns: ["fact", "value"],
      rows: allFacts.map { [VisibleText.line($0.name), VisibleText.line($0.value)] }
        + parts.map {
          [
            VisibleText.line("parameters: \($0.name)"),
            "\(NumberText.grouped($0.count)) (\(share($0)))",
          ]
        })
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let width = 760.0
    let frame = PictureFrame(
      title: name, note: "\(architecture) · \(NumberText.count(total)) parameters",
      provenance: provenance, width: width)
    var canvas = SVGCanvas()
    let top = frame.top + 6
    let stackBottom = drawStack(x: PictureFrame.margin, y: top, width: 250, on: &canvas)
    let factsBottom = drawFacts(
      x: 312, y: top, width: width - 312 - PictureFrame.margin, on: &canvas)
    let barsBottom = drawParts(
      x: 312, y: factsBottom + 16, width: width - 312 - PictureFrame.margin, on: &canvas)
    let height = max(stackBottom, barsBottom) + 8 + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: name, description: alternativeText)
  }

  private func box(
    _ title: String, _ detail: String, x: Double, y: Double, width: Double, style: String,
    on canvas: inout SVGCanvas
  ) {
    canvas.rectangle(x: x, y: y, width: width, height: 42, style: style, radius: 5)
    canvas.text(
      title, x: x + width / 2, y: y + 18, size: 12.5, style: "t w", anchor: .middle)
    canvas.text(
      TextMetrics.fitted(detail, size: 10.5, maximum: width - 10), x: x + width / 2, y: y + 33,
      size: 10.5, style: "m", anchor: .middle)
  }

  /// The stack from the head down to the embedding; gives its lower edge.
  private func drawStack(
    x: Double, y: Double, width: Double, on canvas: inout SVGCanvas
  ) -> Double {
    let grouped = NumberText.grouped
    let middle = x + width / 2
    var y = y
    func arrow(to end: Double) {
      canvas.line(middle, end + 18, middle, end + 3, style: "f")
      canvas.raw(
        "<path class=\"f\" d=\"M\(SVGCanvas.number(middle - 3.5)) \(SVGCanvas.number(end + 7))"
          + "l3.5-4l3.5 4\"/>")
    }
    if shape.predictsTokens {
      box(
        "Language-model head", "\(grouped(shape.width)) → \(grouped(shape.vocabulary))", x: x, y: y,
        width: width, style: "d", on: &canvas)
      y += 42
      arrow(to: y)
      y += 18
    }
    let inside = y + 24
    canvas.rectangle(x: x + 6, y: y + 6, width: width, height: 156, style: "g", radius: 8)
    canvas.rectangle(x: x + 3, y: y + 3, width: width, height: 156, style: "g", radius: 8)
    canvas.rectangle(x: x, y: y, width: width, height: 156, style: "p", radius: 8)
    canvas.text(
      "\(shape.layers) \(shape.layers == 1 ? "layer" : "layers")", x: x + 12, y: y + 17, size: 11.5,
      style: "t w")
    canvas.text(
      "width \(grouped(shape.width))", x: x + width - 12, y: y + 17, size: 10.5, style: "m",
      anchor: .end)
    box(
      shape.experts == nil ? "Feed-forward" : "Mixture of experts",
      shape.experts
        ?? "\(grouped(shape.width)) → \(grouped(shape.innerWidth)) → \(grouped(shape.width))",
      x: x + 12, y: inside + 2, width: width - 24, style: "c", on: &canvas)
    arrow(to: inside + 44)
    let heads =
      shape.keyValueHeads == shape.heads
      ? "\(shape.heads) heads × \(shape.headDimension)"
      : "\(shape.heads) heads × \(shape.headDimension), \(shape.keyValueHeads) key/value"
    box(
      shape.isCausal ? "Causal self-attention" : "Self-attention", heads, x: x + 12, y: inside + 62,
      width: width - 24, style: "c", on: &canvas)
    drawHeads(x: x + 12, y: inside + 110, width: width - 24, on: &canvas)
    y += 162
    arrow(to: y)
    y += 18
    box(
      "Token embedding", "\(grouped(shape.vocabulary)) → \(grouped(shape.width))", x: x, y: y,
      width: width, style: "d", on: &canvas)
    return y + 42
  }

  /// A small square for each head, those that share keys and values side by side.
  private func drawHeads(x: Double, y: Double, width: Double, on canvas: inout SVGCanvas) {
    guard (1...128).contains(shape.heads) else { return }
    let perGroup = max(1, shape.heads / max(1, shape.keyValueHeads))
    let groups = (shape.heads + perGroup - 1) / perGroup
    let gap = perGroup > 1 ? 2.0 : 0
    let step = min(14, (width - gap * Double(groups - 1)) / Double(shape.heads))
    let whole = step * Double(shape.heads) + gap * Double(groups - 1)
    var left = x + (width - whole) / 2
    for head in 0..<shape.heads {
      canvas.rectangle(
        x: left, y: y, width: max(0.8, step - (step > 4 ? 2 : 0.7)), height: 10, style: "a",
        radius: step > 6 ? 2 : 0)
      left += step + ((head + 1).isMultiple(of: perGroup) ? gap : 0)
    }
  }

  private func drawFacts(
    x: Double, y: Double, width: Double, on canvas: inout SVGCanvas
  ) -> Double {
    var y = y
    for fact in allFacts.prefix(24) {
      canvas.text(
        TextMetrics.fitted(VisibleText.line(fact.name), size: 11.5, maximum: 110), x: x, y: y + 12,
        size: 11.5, style: "m")
      canvas.text(
        TextMetrics.fitted(VisibleText.line(fact.value), size: 11.5, maximum: width - 120),
        x: x + 120, y: y + 12, size: 11.5)
      y += 18
    }
    return y
  }

  private func drawParts(
    x: Double, y: Double, width: Double, on canvas: inout SVGCanvas
  ) -> Double {
    guard !parts.isEmpty else { return y }
    var y = y
    canvas.text("Parameters by part", x: x, y: y + 10, size: 11.5, style: "t w")
    y += 20
    let largest = Double(max(1, parts.map(\.count).max() ?? 1))
    let numbers = parts.prefix(16).map { "\(NumberText.count($0.count))  (\(share($0)))" }
    let numberWidth = numbers.map { TextMetrics.width($0, size: 11) }.max() ?? 0
    let length = max(20, width - 120 - numberWidth - 10)
    for (part, number) in zip(parts, numbers) {
      canvas.text(
        TextMetrics.fitted(VisibleText.line(part.name), size: 11.5, maximum: 112), x: x, y: y + 12,
        size: 11.5)
      let reach = max(0.75, length * Double(max(0, part.count)) / largest)
      canvas.rectangle(x: x + 120, y: y + 3, width: reach, height: 11, style: "a", radius: 1.5)
      canvas.text(number, x: x + 120 + reach + 7, y: y + 12.5, size: 11)
      y += 18
    }
    return y
  }
}
