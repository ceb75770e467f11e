import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// What the logit lens reads, as a value of the language.
final class LensValue: ObjectValue {
  private let lens: LogitLens
  private let owner: TraceValue
  private let call: String

  init(_ lens: LogitLens, of owner: TraceValue, call: String) {
    self.lens = lens
    self.owner = owner
    self.call = call
  }

  var typeName: String { "Lens" }

  var summary: String {
    "logit lens of \(lens.layers.count) hidden states × \(lens.positions.count) positions, "
      + owner.model.model.name
  }

  private static let fields: [(name: String, summary: String)] = [
    ("texts", "the most likely tokens' texts: a list for each state"),
    ("ids", "their ids: a list for each state"),
    ("probabilities", "their probabilities: [states, positions]"),
    ("divergences", "the divergence from the final distribution in nats: [states, positions]"),
    ("layers", "the hidden states of the rows"),
    ("positions", "the positions of the columns"),
    ("table", "one row for each state, position and token"),
    ("trace", "the trace that was read"),
    ("model", "the model"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "texts": .list(lens.readings.map { .texts($0.map { text($0.top[0]) }) })
    case "ids": .list(lens.readings.map { .list($0.map { .integer($0.top[0].id) }) })
    case "probabilities": .tensor(tensor { $0.top[0].probability })
    case "divergences": .tensor(tensor(\.divergence))
    case "layers": .list(lens.layers.map { .integer($0) })
    case "positions": .list(lens.positions.map { .integer($0) })
    case "table": .table(table(rows: Array(lens.layers.indices)))
    case "trace": .object(owner)
    case "model": .object(owner.model)
    default: nil
    }
  }

  var count: Int? { lens.layers.count }

  /// The readings of one state or some as a table.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index) else { return nil }
    return .table(
      table(rows: try selection.indices(count: lens.layers.count, parameter: "layer")))
  }

  private func text(_ token: NextToken) -> String { token.text ?? "\(token.id)" }

  private func tensor(_ number: (LensReading) -> Double) -> Tensor {
    Tensor(
      shape: [lens.layers.count, lens.positions.count],
      lens.readings.flatMap { $0.map { Float(number($0)) } })
  }

  private func table(rows: [Int]) -> Table {
    var columns = Array(repeating: [Value](), count: 7)
    for row in rows {
      for (place, reading) in lens.readings[row].enumerated() {
        for token in reading.top {
          let position = lens.positions[place]
          let values: [Value] = [
            .integer(lens.layers[row]), .integer(position),
            .text(TokenLabels.text(owner.trace.tokens[position])), .text(text(token)),
            .integer(token.id), .number(token.probability), .number(reading.divergence),
          ]
          for (column, value) in values.enumerated() { columns[column].append(value) }
        }
      }
    }
    let names = ["state", "position", "after", "token", "id", "probability", "divergence"]
    return Table(
      columns: zip(names, columns).map { Table.Column(name: $0, values: ValueList($1)) })
  }

  /// The grid of tokens, states by positions.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let last = owner.model.model.configuration.layers
    return TokenGrid(
      title: "Logit lens · \(owner.model.model.name)",
      rows: lens.readings.map { row in
        row.map { reading in
          let divergence = Value.number((reading.divergence * 1000).rounded() / 1000).description
          return TokenGrid.Cell(
            reading.top.map { TokenGrid.Candidate(text($0), $0.probability) },
            detail: "divergence from the output \(divergence) nats")
        }
      },
      rowLabels: lens.layers.map { layer in
        TokenLabel(layer == last ? "output" : "state \(layer)")
      },
      columnLabels: lens.positions.map { TokenLabels.label(owner.trace.tokens[$0]) },
      rowTitle: "hidden state", columnTitle: "position",
      provenance: try owner.model.provenance(of: call, in: context))
  }

  var json: JSON { Value.table(table(rows: Array(lens.layers.indices))).json }

  func asTable() throws -> Table? { table(rows: Array(lens.layers.indices)) }

  /// The probabilities of the most likely tokens, `[states, positions]`.
  func asTensor() throws -> Value? { try field("probabilities") }
}
