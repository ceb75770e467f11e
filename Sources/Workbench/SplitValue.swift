import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// One head's attention logits as what content and what position say.
final class SplitHeadValue: ObjectValue {
  private let split: ContentAndPosition
  private let owner: TraceValue
  private let call: String

  init(_ split: ContentAndPosition, of owner: TraceValue, call: String) {
    self.split = split
    self.owner = owner
    self.call = call
  }

  var typeName: String { "AttentionSplit" }

  private var shares: String {
    "content \(NumberText.percent(split.contentShare)), position \(NumberText.percent(1 - split.contentShare))"
  }

  var summary: String { "layer \(split.layer), head \(split.head): \(shares)" }

  private static let fields: [(name: String, summary: String)] = [
    ("content", "the part of each logit that comes from content: [queries, keys]"),
    ("position", "the part that comes from position: [queries, keys]"),
    ("attention", "the softmax of their sum: [queries, keys]"),
    ("share", "the share of content in the logits' variance"),
    ("shares", "that share for each query"),
    ("trace", "the trace"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "content": .tensor(split.content)
    case "position": .tensor(split.position)
    case "attention": .tensor(split.attention)
    case "share": .number(split.contentShare)
    case "shares": .numbers(split.contentShares)
    case "trace": .object(owner)
    default: nil
    }
  }

  func asTensor() throws -> Value? {
    .tensor(
      Tensor(
        shape: [2] + split.content.shape, split.content.floats + split.position.floats))
  }

  /// Each row less its mean over the keys that the query sees.
  private static func centred(_ part: Tensor) -> Matrix {
    let (rows, columns) = (part.shape[0], part.shape[1])
    var values = part.floats
    for row in 0..<rows {
      let places = (row * columns..<(row + 1) * columns).filter { values[$0].isFinite }
      let mean = places.reduce(0.0) { $0 + Double(values[$1]) } / Double(max(1, places.count))
      for place in places { values[place] -= Float(mean) }
    }
    return Matrix(rows: rows, columns: columns, values: values)
  }

  /// Both parts with one scale, then the attention that they give.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let labels = owner.trace.tokens.map(TokenLabels.label)
      let parts = [("content", split.content), ("position", split.position)].map {
        ($0.0, Self.centred($0.1))
      }
      let largest = parts.flatMap { $0.1.values }.filter(\.isFinite)
        .reduce(Float(1e-6)) { max($0, abs($1)) }
      let place = "layer \(split.layer) · head \(split.head)"
      let grid = HeatmapGrid(
        title: "Content and position · \(owner.model.model.name) · \(place)",
        cells: parts.map {
          HeatmapGrid.Cell(title: $0.0, layer: nil, head: nil, values: $0.1)
        }, rowLabels: labels, columnLabels: labels, isCausal: true, colorMap: .signed,
        valueRange: -largest...largest, valueTitle: "logit",
        note: "\(shares) of the logits' variance; each part less its mean over a query's keys")
      let map = Heatmap(
        title: "Attention",
        values: Matrix(
          rows: labels.count, columns: labels.count, values: split.attention.floats),
        rowLabels: labels, columnLabels: labels, isCausal: true,
        note: "the softmax of the sum of both")
      return GroupFigure(figures: [grid, map], provenance: provenance)
    }
  }

  var json: JSON {
    func rows(_ part: Tensor) -> JSON {
      .array(
        (0..<part.shape[0]).map { row in
          .array(part.row(row).map { $0.isFinite ? .number(Double($0)) : .null })
        })
    }
    return [
      "layer": .integer(split.layer), "head": .integer(split.head),
      "content_share": split.contentShare.isFinite ? .number(split.contentShare) : .null,
      "content": rows(split.content), "position": rows(split.position),
    ]
  }
}

/// The share of content in the attention of many heads.
final class SplitValue: ObjectValue {
  private let shares: Tensor
  private let layers: [Int]
  private let heads: [Int]
  private let owner: TraceValue
  private let call: String

  init(_ shares: Tensor, layers: [Int], heads: [Int], of owner: TraceValue, call: String) {
    self.shares = shares
    self.layers = layers
    self.heads = heads
    self.owner = owner
    self.call = call
  }

  var typeName: String { "AttentionSplit" }

  var summary: String {
    let numbers = shares.floats
    let order = numbers.indices.filter { numbers[$0].isFinite }.sorted {
      (numbers[$0], $0) < (numbers[$1], $1)
    }
    func words(_ place: Int) -> String {
      "layer \(layers[place / heads.count]) head \(heads[place % heads.count]) "
        + NumberText.percent(Double(numbers[place]))
    }
    guard let least = order.first, let most = order.last else { return "no shares" }
    return "share of content: least \(words(least)), most \(words(most))"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("shares", "the share of content in the logits' variance: [layers, heads]"),
    ("layers", "the layers of the rows"),
    ("heads", "the heads of the columns"),
    ("trace", "the trace"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "shares": .tensor(shares)
    case "layers": .list(layers.map { .integer($0) })
    case "heads": .list(heads.map { .integer($0) })
    case "trace": .object(owner)
    default: nil
    }
  }

  func asTensor() throws -> Value? { .tensor(shares) }

  func asTable() throws -> Table? {
    Table(
      records: shares.floats.enumerated().map { place, share in
        Record([
          ("layer", .integer(layers[place / heads.count])),
          ("head", .integer(heads[place % heads.count])), ("content", .number(Double(share))),
          ("position", .number(Double(1 - share))),
        ])
      })
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    Heatmap(
      title: "Share of content in attention · \(owner.model.model.name)",
      values: Matrix(rows: layers.count, columns: heads.count, values: shares.floats),
      rowLabels: layers.map { TokenLabel("layer \($0)") },
      columnLabels: heads.map { TokenLabel("head \($0)") }, valueRange: 0...1, rowTitle: "",
      columnTitle: "head", valueTitle: "share",
      note: "of the logits' variance over a query's keys; position has the rest",
      provenance: try owner.model.provenance(of: call, in: context))
  }

  var json: JSON {
    [
      "layers": .array(layers.map { .integer($0) }), "heads": .array(heads.map { .integer($0) }),
      "content": .array(
        layers.indices.map { row in
          .array(shares.row(row).map { $0.isFinite ? .number(Double($0)) : .null })
        }),
    ]
  }
}
