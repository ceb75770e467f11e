import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// Which blocks of earlier tokens a layer's tokens saw, and what they missed.
final class BlockSelectionValue: ObjectValue {
  private let result: SeenBlocks
  private let owner: TraceValue
  private let call: String

  init(_ result: SeenBlocks, of owner: TraceValue, call: String) {
    self.result = result
    self.owner = owner
    self.call = call
  }

  var typeName: String { "BlockSelection" }

  /// The queries that saw fewer blocks than there were.
  private var limited: [Int] {
    result.blocks.indices.filter { result.blocks[$0].count < result.available[$0] }
  }

  private func mean(_ numbers: [Double], over queries: [Int]) -> String {
    NumberText.percent(
      queries.reduce(0) { $0 + numbers[$1] } / Double(max(1, queries.count)))
  }

  var summary: String {
    let seeing = result.blocks.indices.filter { !result.blocks[$0].isEmpty }
    guard let size = result.tokens.first?.count else {
      return "layer \(result.layer): the text is too short for a block"
    }
    let start =
      "layer \(result.layer), blocks of \(size) tokens: \(seeing.count) of "
      + "\(result.blocks.count) tokens see some and give them \(mean(result.share, over: seeing)) of "
      + "their attention"
    guard let limit = result.limit else { return start }
    guard !limited.isEmpty else { return start + "; none has more than the \(limit) it may see" }
    return start + "; \(limited.count) see \(limit) of more and miss "
      + "\(mean(result.missed, over: limited)), \(mean(result.least, over: limited)) at least"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("blocks", "the blocks that each token saw: [queries][blocks]"),
    ("tokens", "the first and the last token of each block"),
    ("share", "the share of each token's attention that they have, the mean over the heads"),
    ("missed", "the share that blocks which weren't selected would have had, for each token"),
    ("least", "the least that any selection of as many blocks would miss"),
    ("dense", "the attention if all blocks were seen, the mean over the heads: [queries, blocks]"),
    ("table", "one row for each token"),
    ("trace", "the trace"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "blocks": .list(result.blocks.map { .list($0.map { .integer($0) }) })
    case "tokens":
      .list(result.tokens.map { .list([.integer($0.lowerBound), .integer($0.upperBound - 1)]) })
    case "share": .numbers(result.share)
    case "missed": .numbers(result.missed)
    case "least": .numbers(result.least)
    case "dense": .tensor(result.dense)
    case "table": try asTable().map { .table($0) }
    case "trace": .object(owner)
    default: nil
    }
  }

  func asTensor() throws -> Value? { .tensor(result.dense) }

  func asTable() throws -> Table? {
    Table(
      records: owner.trace.tokens.enumerated().map { query, token in
        Record([
          ("position", .integer(query)), ("token", .text(TokenLabels.text(token))),
          ("blocks", .integer(result.blocks[query].count)),
          ("share", .number(result.share[query])), ("missed", .number(result.missed[query])),
          ("least", .number(result.least[query])),
        ])
      })
  }

  /// The attention to blocks if all were seen, below 0 where one wasn't selected, and shares as lines.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let tokens = owner.trace.tokens
      let (rows, columns) = (tokens.count, result.tokens.count)
      let dense = result.dense.floats
      var values = [Float](repeating: .nan, count: rows * columns)
      for query in 0..<rows {
        for block in 0..<result.available[query] {
          values[query * columns + block] = -dense[query * columns + block]
        }
        for block in result.blocks[query] { values[query * columns + block] *= -1 }
      }
      let largest = dense.reduce(Float(1e-6)) { max($0, $1) }
      let isLimited = !limited.isEmpty
      let map = Heatmap(
        title: "Seen blocks · \(owner.model.model.name) · layer \(result.layer)",
        values: Matrix(rows: rows, columns: columns, values: values),
        rowLabels: tokens.map(TokenLabels.label),
        columnLabels: result.tokens.map { range in
          TokenLabel(
            "\(range.lowerBound)–\(range.upperBound - 1)",
            detail: "“" + tokens[range].map { TokenLabels.text($0) }.joined(separator: " ") + "”")
        }, colorMap: isLimited ? .signed : .viridis,
        valueRange: isLimited ? -largest...largest : 0...largest, rowTitle: "query",
        columnTitle: "block", valueTitle: "attention",
        note: summary + (isLimited ? "; below 0: blocks that weren't selected" : ""))
      guard columns > 0 else { return GroupFigure(figures: [map], provenance: provenance) }
      let xs = (0..<rows).map(Double.init)
      var series = [LineSeries(name: "of seen blocks", xs: xs, ys: result.share)]
      if isLimited {
        series += [
          LineSeries(name: "missed", xs: xs, ys: result.missed),
          LineSeries(name: "least possible", xs: xs, ys: result.least),
        ]
      }
      let chart = LineChart(
        title: "Attention of blocks", series: series, xTitle: "position", yTitle: "share",
        note: "mean over the heads, for each token")
      return GroupFigure(figures: [map, chart], provenance: provenance)
    }
  }

  var json: JSON {
    [
      "layer": .integer(result.layer), "limit": result.limit.map { .integer($0) } ?? .null,
      "blocks": .array(result.blocks.map { .array($0.map { .integer($0) }) }),
      "tokens": .array(
        result.tokens.map { .array([.integer($0.lowerBound), .integer($0.upperBound - 1)]) }),
      "share": .array(result.share.map { .number($0) }),
      "missed": .array(result.missed.map { .number($0) }),
      "least": .array(result.least.map { .number($0) }),
    ]
  }
}
