import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// The numbers by which heads are ranked, under the names that the language gives them.
enum HeadScore: String, CaseIterable {
  case entropy
  case normalizedEntropy = "normalized_entropy"
  case distance
  case firstToken = "first_token"
  case previousToken = "previous_token"
  case duplicateToken = "duplicate_token"
  case induction

  /// What the number is.
  var summary: String {
    switch self {
    case .entropy: "the mean entropy of what queries look at, in bits"
    case .normalizedEntropy: "the entropy as a share of the largest possible one"
    case .distance: "how many tokens away queries look"
    case .firstToken: "the share that goes to the first token"
    case .previousToken: "the share that goes to the token before"
    case .duplicateToken: "the share that goes to earlier places of the same token"
    case .induction: "the share that goes to what followed earlier places of the same token"
    }
  }

  /// The heading of its picture.
  var title: String {
    switch self {
    case .entropy: "Entropy"
    case .normalizedEntropy: "Normalised entropy"
    case .distance: "Mean distance"
    case .firstToken: "First token"
    case .previousToken: "Previous token"
    case .duplicateToken: "Duplicate token"
    case .induction: "Induction"
    }
  }

  /// The unit of its picture's scale.
  var unit: String {
    switch self {
    case .entropy: "bits"
    case .distance: "tokens"
    default: "share"
    }
  }

  /// The number of a head; `nil` where the text has no query that counts.
  func value(_ summary: HeadSummary, isOverAll: Bool) -> Double? {
    func score(_ pattern: PatternScore) -> Double? {
      isOverAll && pattern.queries > 0 ? pattern.share : pattern.mean
    }
    return switch self {
    case .entropy: summary.entropy
    case .normalizedEntropy: summary.normalizedEntropy
    case .distance: summary.distance
    case .firstToken: summary.firstTokenShare
    case .previousToken: score(summary.previousToken)
    case .duplicateToken: score(summary.duplicateToken)
    case .induction: score(summary.induction)
    }
  }
}

/// The numbers of many heads as a value of the language.
final class HeadScoresValue: ObjectValue {
  /// The heads in the order of the table.
  private let ranked: [HeadSummary]
  private let summaries: [HeadSummary]
  private let owner: TraceValue
  private let layers: [Int]
  private let sort: HeadScore?
  private let isOverAll: Bool
  private let call: String

  init(
    _ summaries: [HeadSummary], of owner: TraceValue, layers: [Int], sort: HeadScore?,
    isOverAll: Bool, call: String
  ) {
    self.summaries = summaries
    self.owner = owner
    self.layers = layers
    self.sort = sort
    self.isOverAll = isOverAll
    self.call = call
    // The sort is stable, so that equal heads stay in the order of layers and heads.
    ranked =
      sort.map { sort in
        func key(_ summary: HeadSummary) -> Double {
          sort.value(summary, isOverAll: isOverAll) ?? -.infinity
        }
        return summaries.enumerated().sorted {
          let (left, right) = (key($0.element), key($1.element))
          return left != right ? left > right : $0.offset < $1.offset
        }.map(\.element)
      } ?? summaries
  }

  var typeName: String { "HeadScores" }

  var summary: String {
    let size = "\(layers.count) × \(owner.model.model.configuration.heads) heads"
    guard let sort, let first = ranked.first, let value = sort.value(first, isOverAll: isOverAll)
    else { return "\(size) of \(owner.model.model.name)" }
    let rounded = Value.number((value * 1000).rounded() / 1000).description
    return "\(size) of \(owner.model.model.name); \(sort.rawValue) highest in layer "
      + "\(first.layer), head \(first.head): \(rounded)"
  }

  var fieldNames: [String] {
    HeadScore.allCases.map(\.rawValue) + ["table", "layers", "trace", "model"]
  }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "table": "one row for each head, ranked"
    case "layers": "the layers"
    case "trace": "the trace they were computed from"
    case "model": "the model"
    default: HeadScore(rawValue: name).map { "\($0.summary): [layers, heads]" }
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "table": .table(table)
    case "layers": .list(layers.map { .integer($0) })
    case "trace": .object(owner)
    case "model": .object(owner.model)
    default: HeadScore(rawValue: name).map { .tensor(tensor($0)) }
    }
  }

  var count: Int? { ranked.count }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index) else { return nil }
    let rows = try selection.indices(count: ranked.count, parameter: "position")
    return selection.choosesOne ? .record(table.row(rows[0])) : .table(table.rows(rows))
  }

  /// One score of all heads, `[layers, heads]`; NaN where the text has no query that counts.
  private func tensor(_ score: HeadScore) -> Tensor {
    Tensor(
      shape: [layers.count, owner.model.model.configuration.heads],
      summaries.map { Float(score.value($0, isOverAll: isOverAll) ?? .nan) })
  }

  private var table: Table {
    let scores = HeadScore.allCases.map { score in
      Table.Column(
        name: score.rawValue,
        values: ValueList(
          ranked.map { head -> Value in
            score.value(head, isOverAll: isOverAll).map { .number($0) } ?? .none
          }))
    }
    return Table(
      columns: [
        Table.Column(name: "layer", values: ValueList(ranked.map { .integer($0.layer) })),
        Table.Column(name: "head", values: ValueList(ranked.map { .integer($0.head) })),
      ] + scores)
  }

  /// A map of layers by heads for each score, then the ranked table.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let heads = owner.model.model.configuration.heads
    let maps: [any Figure] = HeadScore.allCases.compactMap { score in
      let values = tensor(score).floats
      guard values.contains(where: { !$0.isNaN }) else { return nil }
      return Heatmap(
        title: score.title, values: Matrix(rows: layers.count, columns: heads, values: values),
        rowLabels: layers.map { TokenLabel("\($0)") },
        columnLabels: (0..<heads).map { TokenLabel("\($0)") }, rowTitle: "layer",
        columnTitle: "head", valueTitle: score.unit,
        note: score.summary + (score.isPattern && isOverAll ? ", over all queries" : ""))
    }
    let columns = ["layer", "head"] + HeadScore.allCases.map(\.rawValue)
    let order = sort.map { "ranked by \($0.rawValue)" } ?? "in the order of layers"
    let table = TableFigure(
      title: "Heads, \(order)", columns: columns,
      rows: ranked.map { head in
        [.integer(head.layer), .integer(head.head)]
          + HeadScore.allCases.map { score in
            score.value(head, isOverAll: isOverAll).map {
              .number(($0 * 10_000).rounded() / 10_000)
            } ?? .null
          }
      }, limit: 24)
    // Small maps stand side by side.
    let isSmall = max(heads, layers.count) <= 8
    return GroupFigure(
      title: "Heads · \(owner.model.model.name)",
      figures: [GroupFigure(figures: maps, columnWidth: isSmall ? 380 : nil), table],
      provenance: try owner.model.provenance(of: call, in: context))
  }

  var json: JSON { Value.table(table).json }

  func asTable() throws -> Table? { table }

  /// All scores, `[scores, layers, heads]`.
  func asTensor() throws -> Value? {
    let heads = owner.model.model.configuration.heads
    return .tensor(
      Tensor(
        shape: [HeadScore.allCases.count, layers.count, heads],
        HeadScore.allCases.flatMap { tensor($0).floats }))
  }
}

extension HeadScore {
  /// Whether it is about a pattern of keys that not every query has.
  fileprivate var isPattern: Bool {
    [.previousToken, .duplicateToken, .induction].contains(self)
  }
}
