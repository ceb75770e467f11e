import Analysis
public import DataFormats
public import Figures
public import Interpreter
import Models
public import Tensors
import Tokenizers

/// What the numbers of a map are.
enum AttentionKind: Sendable, Hashable {
  /// Shares of attention.
  case weights
  /// Lengths of what keys add to queries.
  case values
  /// Shares of the input after all layers up to one.
  case rollout
  /// Shares of the largest flows from the input.
  case flow

  /// The heading of a picture.
  var title: String {
    switch self {
    case .weights: "Attention"
    case .values: "Value-weighted attention"
    case .rollout: "Attention rollout"
    case .flow: "Attention flow"
    }
  }

  /// What a number is.
  var valueTitle: String {
    switch self {
    case .weights: "weight"
    case .values: "length"
    case .rollout: "share"
    case .flow: "share of flow"
    }
  }

  /// The heading of one query's bars.
  func rowTitle(_ query: String) -> String {
    switch self {
    case .weights: "What “\(query)” looks at"
    case .values: "What “\(query)” takes from each token"
    case .rollout, .flow: "What reaches “\(query)”"
    }
  }

  /// The verb of one query's summary.
  var verb: String {
    switch self {
    case .weights: "looks at"
    case .values: "takes most from"
    case .rollout, .flow: "is reached by"
    }
  }
}

/// One map of attention as a value of the language.
public final class AttentionMapValue: ObjectValue {
  /// How much each query looks at each key, `[queries, keys]`.
  public let weights: Tensor
  /// The trace that it is of.
  let owner: TraceValue
  /// What the numbers are.
  let kind: AttentionKind
  /// The layer in words: `layer 3`, `mean over layers 0…5`.
  private let layerText: String
  /// The head in words: `head 5`, `mean over heads`.
  private let headText: String
  private let layer: Value
  private let head: Value
  let showsSpecial: Bool
  /// Whether the numbers are the shares of one head or a mean, and not the largest of several.
  private let isShare: Bool
  /// The layer, where it is one.
  private let layerNumber: Int?
  private let call: String

  /// Makes the value of a map of a trace, computed by a call.
  init(
    _ weights: Tensor, of owner: TraceValue, kind: AttentionKind = .weights,
    layer: AttentionChoice, head: AttentionChoice, showsSpecial: Bool, call: String
  ) {
    self.weights = weights
    self.kind = kind
    self.call = call
    self.owner = owner
    if kind == .rollout || kind == .flow, let last = layer.number {
      layerText = last == 0 ? "layer 0" : "layers 0…\(last)"
    } else {
      layerText = layer.words("layer", of: owner.model.model.configuration.layers)
    }
    headText = head.words("head", of: owner.model.model.configuration.heads)
    self.layer = layer.value
    self.head = head.value
    self.showsSpecial = showsSpecial
    layerNumber = layer.number
    isShare = kind == .weights && head != .max && layer != .max
  }

  /// Layer and head in words.
  var place: String { "\(layerText) · \(headText)" }

  /// `AttentionMap`.
  public var typeName: String { "AttentionMap" }

  /// Layer, head, size and model.
  public var summary: String {
    let count = weights.shape[0]
    let name = kind.title.prefix(1).lowercased() + kind.title.dropFirst()
    return "\(name) of \(layerText), \(headText), "
      + "[\(count) queries, \(count) keys], \(owner.model.model.name)"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("weights", "how much each query looks at each key: [queries, keys]"),
    ("tokens", "the tokens"),
    ("layer", "the layer"),
    ("head", "the head"),
    ("trace", "the trace it was computed from"),
    ("model", "the model"),
  ]

  /// The names of the fields.
  public var fieldNames: [String] { Self.fields.map(\.name) }

  /// What a field holds.
  public func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  /// A field.
  public func field(_ name: String) throws -> Value? {
    switch name {
    case "weights": .tensor(weights)
    case "tokens": try owner.field("tokens")
    case "layer": layer
    case "head": head
    case "trace": .object(owner)
    case "model": .object(owner.model)
    default: nil
    }
  }

  /// How many queries there are.
  public var count: Int? { weights.shape[0] }

  /// The row of a query, chosen by position or by a piece of the text.
  ///
  /// A piece of several tokens gives the mean of their rows, as Clark et al. 2019 (“What Does BERT
  /// Look At?”) join the tokens of a word.
  public func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    let tokens = owner.trace.tokens
    if case .text(let piece) = index {
      let rows = try TokenSearch.positions(of: piece, in: tokens, text: owner.trace.text)
      return .object(row(try mean(of: rows, in: context), query: piece))
    }
    guard let selection = Selection(index) else { return nil }
    let rows = try selection.indices(count: tokens.count, parameter: "position").map { row in
      try context.check()
      return Value.object(
        self.row(try mean(of: [row], in: context), query: TokenLabels.text(tokens[row])))
    }
    return selection.choosesOne ? rows[0] : .list(rows)
  }

  private func row(_ weights: [Float], query: String) -> AttentionRowValue {
    AttentionRowValue(
      weights, of: owner, kind: kind, query: query, place: place, call: call)
  }

  private func mean(of rows: [Int], in context: ExecutionContext) throws -> [Float] {
    var sums = [Double](repeating: 0, count: weights.shape[1])
    for (index, row) in rows.enumerated() {
      if index % 64 == 63 { try context.check() }
      for (key, weight) in weights.row(row).enumerated() { sums[key] += Double(weight) }
    }
    return sums.map { Float($0 / Double(rows.count)) }
  }

  /// The heatmap.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    // The map of a long text is a copy of many millions of numbers.
    return try context.cancellation.leavingBehind { [self] in
      let shown = AttentionFigures.shownPositions(owner.trace.tokens, special: showsSpecial)
      let labels = shown.map { TokenLabels.label(owner.trace.tokens[$0]) }
      return Heatmap(
        title: "\(kind.title) · \(owner.model.model.name) · \(place)",
        values: AttentionFigures.matrix(weights, positions: shown), rowLabels: labels,
        columnLabels: labels, isCausal: owner.model.model.configuration.isCausal,
        rowTitle: "query", columnTitle: "key", valueTitle: kind.valueTitle,
        note: pastTokens, provenance: provenance)
    }
  }

  /// Where the attention goes that rows don't show, of models that look at more than single tokens.
  private var pastTokens: String? {
    guard let compression = owner.model.model.configuration.compression, isShare else { return nil }
    let rows = weights.shape[0]
    let shown = weights.floats.reduce(0.0) { $0 + Double($1) } / Double(max(1, rows))
    var rest = "blocks of earlier tokens and sinks take"
    if let layerNumber, compression.rate(of: layerNumber) == nil { rest = "sinks take" }
    return
      "single tokens of the last \(compression.window) get \(NumberText.percent(shown)) of the attention, "
      + "\(rest) the rest"
  }

  /// Tokens, layer, head and the weights row by row.
  public var json: JSON {
    let columns = weights.shape[1]
    let values = weights.floats
    return [
      "model": .string(owner.model.model.name), "layer": layer.json, "head": head.json,
      "tokens": .array(owner.trace.tokens.map { .string(TokenLabels.text($0)) }),
      "ids": .array(owner.trace.ids.map { .integer($0) }),
      "weights": .array(
        (0..<weights.shape[0]).map { row in
          .array((0..<columns).map { .number(Double(values[row * columns + $0])) })
        }),
    ]
  }

  /// The weights.
  public func asTensor() throws -> Value? { .tensor(weights) }

  /// One row for each query and key.
  public func asTable() throws -> Table? {
    guard weights.count * 5 <= Value.maximumWeight else {
      throw FunctionError(
        "A table of \(weights.count) weights would be too large.",
        hint: "Save the numbers as .npy or .safetensors.", code: "too-large")
    }
    let tokens = owner.trace.tokens
    let columns = weights.shape[1]
    let values = weights.floats
    let pairs = values.indices.map { (query: $0 / columns, key: $0 % columns) }
    return Table(
      columns: [
        ("query_position", pairs.map { Value.integer($0.query) }),
        ("query", pairs.map { .text(TokenLabels.text(tokens[$0.query])) }),
        ("key_position", pairs.map { .integer($0.key) }),
        ("key", pairs.map { .text(TokenLabels.text(tokens[$0.key])) }),
        ("weight", values.map { .number(Double($0)) }),
      ].map { Table.Column(name: $0.0, values: ValueList($0.1)) })
  }
}

/// What one query looks at: one weight for each token.
final class AttentionRowValue: ObjectValue {
  private let weights: [Float]
  private let owner: TraceValue
  private let kind: AttentionKind
  private let query: String
  /// Layer and head in words.
  private let place: String
  private let call: String

  init(
    _ weights: [Float], of owner: TraceValue, kind: AttentionKind = .weights, query: String,
    place: String, call: String
  ) {
    self.kind = kind
    self.place = place
    self.call = call
    self.weights = weights
    self.owner = owner
    self.query = query
  }

  var typeName: String { "AttentionRow" }

  var summary: String {
    let tokens = owner.trace.tokens
    let strongest = weights.indices.sorted {
      weights[$0] != weights[$1] ? weights[$0] > weights[$1] : $0 < $1
    }
    let texts = strongest.prefix(5).map { index in
      let weight = Value.number((Double(weights[index]) * 1000).rounded() / 1000).description
      return "\(Value.text(TokenLabels.text(tokens[index])).description) \(weight)"
    }
    return "\(Value.text(query).description) \(kind.verb) \(texts.joined(separator: ", "))"
  }

  var fieldNames: [String] { ["weights", "tokens"] }

  func fieldSummary(_ name: String) -> String? {
    name == "weights" ? "one weight for each token" : "the tokens"
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "weights": .numbers(weights.map(Double.init))
    case "tokens": try owner.field("tokens")
    default: nil
    }
  }

  var count: Int? { weights.count }

  /// The weight of a key by position, or of a piece of the text: the sum over its tokens.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    if case .text(let piece) = index {
      let keys = try TokenSearch.positions(
        of: piece, in: owner.trace.tokens, text: owner.trace.text)
      return .number(keys.reduce(0) { $0 + Double(weights[$1]) })
    }
    guard let selection = Selection(index) else { return nil }
    let keys = try selection.indices(count: weights.count, parameter: "position")
    let values = keys.map { Double(weights[$0]) }
    return selection.choosesOne ? .number(values[0]) : .numbers(values)
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    BarChart(
      title: kind.rowTitle(query),
      items: owner.trace.tokens.enumerated().map { index, token in
        BarChart.Item(TokenLabels.label(token), Double(weights[index]))
      }, unit: kind == .values ? .number : .percent,
      note: "\(owner.model.model.name) · \(place)", valueTitle: kind.valueTitle,
      provenance: try owner.model.provenance(of: call, in: context))
  }

  var json: JSON {
    [
      "query": .string(query),
      "tokens": .array(owner.trace.tokens.map { .string(TokenLabels.text($0)) }),
      "weights": .array(weights.map { .number(Double($0)) }),
    ]
  }

  func asTensor() throws -> Value? { .tensor(Tensor(shape: [weights.count], weights)) }

  func asTable() throws -> Table? {
    let tokens = owner.trace.tokens
    return Table(
      columns: [
        ("position", tokens.indices.map { Value.integer($0) }),
        ("key", tokens.map { .text(TokenLabels.text($0)) }),
        ("weight", weights.map { .number(Double($0)) }),
      ].map { Table.Column(name: $0.0, values: ValueList($0.1)) })
  }
}
