import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tokenizers

/// What a decoder would say after a position.
final class NextTokensValue: ObjectValue {
  private let tokens: [NextToken]
  /// The token that they follow.
  private let last: Token
  private let position: Int
  private let owner: any ObjectValue
  private let model: ModelValue
  private let call: String

  /// Makes a value of tokens that follow another one in a trace of one text or of two.
  init(
    _ tokens: [NextToken], after last: Token, position: Int, of owner: any ObjectValue,
    model: ModelValue, call: String
  ) {
    self.call = call
    self.tokens = tokens
    self.last = last
    self.owner = owner
    self.model = model
    self.position = position
  }

  var typeName: String { "NextTokens" }

  var summary: String {
    tokens.prefix(8).map { token in
      let percent = Value.number((token.probability * 1000).rounded() / 10).description
      return "\(Value.text(text(token)).description) \(percent) %"
    }.joined(separator: ", ")
  }

  var fieldNames: [String] { ["texts", "ids", "probabilities", "logits", "trace"] }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "texts": "the tokens' texts, most likely first"
    case "ids": "the tokens' ids"
    case "probabilities": "their probabilities, from 0 to 1"
    case "logits": "their scores before the softmax"
    case "trace": "the trace they were computed from"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "texts": .texts(tokens.map(text))
    case "ids": .list(tokens.map { .integer($0.id) })
    case "probabilities": .numbers(tokens.map(\.probability))
    case "logits": .numbers(tokens.map(\.logit))
    case "trace": .object(owner)
    default: nil
    }
  }

  var count: Int? { tokens.count }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index) else { return nil }
    let rows = try selection.indices(count: tokens.count, parameter: "position")
    return selection.choosesOne ? .record(table.row(rows[0])) : .table(table.rows(rows))
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let after = TokenLabels.label(last).fullText
    return BarChart(
      title: "Next token · \(model.model.name)",
      items: tokens.map { token in
        BarChart.Item(
          TokenLabel(text(token), detail: "id \(token.id) · logit \(token.logit)"),
          token.probability)
      }, unit: .percent, note: "after “\(after)” (token \(position))",
      valueTitle: "probability", provenance: try model.provenance(of: call, in: context))
  }

  private func text(_ token: NextToken) -> String { token.text ?? "\(token.id)" }

  private var table: Table {
    Table(
      columns: [
        ("token", tokens.map { Value.text(text($0)) }),
        ("id", tokens.map { .integer($0.id) }),
        ("probability", tokens.map { .number($0.probability) }),
        ("logit", tokens.map { .number($0.logit) }),
      ].map { Table.Column(name: $0.0, values: ValueList($0.1)) })
  }

  var json: JSON { Value.table(table).json }

  func asTable() throws -> Table? { table }
}
