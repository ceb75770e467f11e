import Analysis
import DataFormats
import Figures
import Interpreter
import Tensors

/// What changes at every place of a model do to its answer, `[layers, places]`.
final class EffectsValue: ObjectValue {
  private let values: Tensor
  private let kind: String
  private let title: String
  private let note: String
  private let columns: [TokenLabel]
  private let columnTitle: String
  private let provenance: Provenance

  init(
    _ values: Tensor, kind: String, title: String, note: String, columns: [TokenLabel],
    columnTitle: String, provenance: Provenance
  ) {
    self.values = values
    self.kind = kind
    self.title = title
    self.note = note
    self.columns = columns
    self.columnTitle = columnTitle
    self.provenance = provenance
  }

  var typeName: String { "Effects" }

  private var strongest: [(layer: Int, place: Int, value: Float)] {
    let width = values.shape[1]
    let numbers = values.floats
    return numbers.indices.filter { numbers[$0].isFinite }
      .sorted { (-abs(numbers[$0]), $0) < (-abs(numbers[$1]), $1) }
      .map { ($0 / width, $0 % width, numbers[$0]) }
  }

  var summary: String {
    let words = strongest.prefix(4).map {
      "layer \($0.layer) \(columns[$0.place].fullText) \(NumberText.short(Double($0.value), 3))"
    }
    return "\(title), \(kind): \(words.joined(separator: ", "))"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("values", "what each place does: [layers, places]"),
    ("places", "the names of the places"),
    ("table", "one row for each layer and place, the strongest first"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "values": .tensor(values)
    case "places": .texts(columns.map(\.text))
    case "table": try asTable().map { .table($0) }
    default: nil
    }
  }

  func asTensor() throws -> Value? { .tensor(values) }

  func asTable() throws -> Table? {
    Table(
      records: strongest.map { place in
        Record([
          ("layer", .integer(place.layer)), ("place", .integer(place.place)),
          ("name", .text(columns[place.place].text)), ("effect", .number(Double(place.value))),
        ])
      })
  }

  func defaultFigure() throws -> (any Figure)? {
    let largest = values.floats.filter(\.isFinite).reduce(Float(0)) { max($0, abs($1)) }
    return Heatmap(
      title: title,
      values: Matrix(rows: values.shape[0], columns: values.shape[1], values: values.floats),
      rowLabels: (0..<values.shape[0]).map { TokenLabel("layer \($0)") }, columnLabels: columns,
      colorMap: .signed, valueRange: -max(largest, 1e-6)...max(largest, 1e-6), rowTitle: "",
      columnTitle: columnTitle, valueTitle: kind, note: note, provenance: provenance)
  }

  var json: JSON {
    let width = values.shape[1]
    return [
      "kind": .string(kind), "places": .array(columns.map { .string($0.text) }),
      "values": .array(
        (0..<values.shape[0]).map { row in
          .array(
            values.floats[row * width..<(row + 1) * width].map {
              $0.isFinite ? .number(Double($0)) : .null
            })
        }),
    ]
  }
}

/// What a model writes with a change inside, beside what it writes without.
final class SteeredValue: ObjectValue {
  /// One of the two.
  struct Side: Sendable {
    let text: String
    let next: [NextToken]
  }

  private let text: String
  private let words: String
  private let before: Side
  private let after: Side
  private let model: String
  private let provenance: Provenance

  init(
    text: String, words: String, before: Side, after: Side, model: String, provenance: Provenance
  ) {
    self.text = text
    self.words = words
    self.before = before
    self.after = after
    self.model = model
    self.provenance = provenance
  }

  var typeName: String { "Steered" }

  var summary: String {
    "\(words): \(Value.text(after.text).description), without \(Value.text(before.text).description)"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("text", "what is written with the change"),
    ("without", "what is written without it"),
    ("next", "a table: the likeliest next tokens with and without it"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "text": .text(after.text)
    case "without": .text(before.text)
    case "next": try asTable().map { .table($0) }
    default: nil
    }
  }

  func asTable() throws -> Table? {
    func rows(_ side: Side, _ name: String) -> [Record] {
      side.next.map {
        Record([
          ("change", .text(name)), ("token", .text($0.text ?? "\($0.id)")),
          ("probability", .number($0.probability)),
        ])
      }
    }
    return Table(records: rows(before, "without") + rows(after, words))
  }

  func defaultFigure() throws -> (any Figure)? {
    func bars(_ side: Side, _ title: String) -> BarChart {
      BarChart(
        title: title,
        items: side.next.map {
          BarChart.Item(TokenLabel($0.text ?? "\($0.id)"), $0.probability)
        }, unit: .percent, note: "writes \(Value.text(side.text).description)",
        valueTitle: "probability")
    }
    return GroupFigure(
      title: "After \(Value.text(text).description) · \(model)",
      figures: [bars(before, "as it is"), bars(after, words)], provenance: provenance)
  }

  var json: JSON {
    ["change": .string(words), "text": .string(after.text), "without": .string(before.text)]
  }
}
