import DataFormats
import Figures
import Interpreter
import Tensors

/// Scores with a row for each token of an answer or for each layer, and a column for each token.
final class AttributionMapValue: ObjectValue {
  private let rows: [[Double]]
  private let isCausal: Bool
  private let title: String
  private let note: String
  private let rowLabels: [TokenLabel]
  private let columnLabels: [TokenLabel]
  private let rowTitle: String
  private let valueTitle: String
  private let isSigned: Bool
  private let method: String
  private let values: [Double]
  private let deltas: [Double]?
  private let answer: String
  private let provenance: Provenance

  init(
    rows: [[Double]], isCausal: Bool, title: String, note: String, rowLabels: [TokenLabel],
    columnLabels: [TokenLabel], rowTitle: String, valueTitle: String, isSigned: Bool,
    method: String, values: [Double], deltas: [Double]?, answer: String, provenance: Provenance
  ) {
    self.rows = rows
    self.isCausal = isCausal
    self.title = title
    self.note = note
    self.rowLabels = rowLabels
    self.columnLabels = columnLabels
    self.rowTitle = rowTitle
    self.valueTitle = valueTitle
    self.isSigned = isSigned
    self.method = method
    self.values = values
    self.deltas = deltas
    self.answer = answer
    self.provenance = provenance
  }

  var typeName: String { "AttributionMap" }

  /// The strongest column of each row, of the first rows.
  var summary: String {
    let strongest = rows.enumerated().prefix(6).compactMap { index, row -> String? in
      guard let top = row.indices.max(by: { (abs(row[$0]), -$0) < (abs(row[$1]), -$1) }) else {
        return nil
      }
      return
        "\(rowLabels[index].fullText) ← \(columnLabels[top].fullText) \(NumberText.short(row[top], 3))"
    }
    return "\(title), \(method): " + strongest.joined(separator: ", ")
      + (rows.count > 6 ? ", …" : "")
  }

  private static let fields: [(name: String, summary: String)] = [
    ("scores", "a number for each row and token: [rows, tokens]"),
    ("tokens", "the texts of the tokens"),
    ("rows", "what the rows are: tokens of the answer, or layers"),
    ("answer", "what is explained"),
    ("values", "what each row explains, or adds up to"),
    ("deltas", "by how much each row's sum misses that; none where it needn't add up"),
    ("method", "the method"),
    ("table", "one row for each pair"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "scores": .tensor(tensor)
    case "tokens": .texts(columnLabels.map(\.text))
    case "rows": .texts(rowLabels.map(\.text))
    case "answer": .text(answer)
    case "values": .numbers(values)
    case "deltas": deltas.map { .numbers($0) } ?? Value.none
    case "method": .text(method)
    case "table": try asTable().map { .table($0) }
    default: nil
    }
  }

  private var tensor: Tensor {
    Tensor(shape: [rows.count, columnLabels.count], rows.flatMap { $0.map(Float.init) })
  }

  func asTensor() throws -> Value? { .tensor(tensor) }

  /// How many columns a row has.
  private func width(of row: Int) -> Int {
    isCausal ? columnLabels.count - rows.count + row + 1 : columnLabels.count
  }

  func asTable() throws -> Table? {
    Table(
      records: rows.enumerated().flatMap { index, row in
        row.prefix(width(of: index)).enumerated().map { column, score in
          Record([
            ("row", .text(rowLabels[index].text)), ("position", .integer(column)),
            ("token", .text(columnLabels[column].text)), ("score", .number(score)),
          ])
        }
      })
  }

  func defaultFigure() throws -> (any Figure)? {
    let largest = rows.joined().reduce(1e-12) { max($0, abs($1)) }
    return Heatmap(
      title: title,
      values: Matrix(
        rows: rows.count, columns: columnLabels.count, values: tensor.floats),
      rowLabels: rowLabels, columnLabels: columnLabels, isCausal: isCausal,
      colorMap: isSigned ? .signed : .viridis,
      valueRange: isSigned ? -Float(largest)...Float(largest) : 0...Float(largest),
      rowTitle: rowTitle, columnTitle: "token", valueTitle: valueTitle, note: note,
      provenance: provenance)
  }

  var json: JSON {
    [
      "method": .string(method), "answer": .string(answer),
      "tokens": .array(columnLabels.map { .string($0.text) }),
      "rows": .array(rowLabels.map { .string($0.text) }),
      "scores": .array(
        rows.enumerated().map { index, row in
          .array(row.prefix(width(of: index)).map { .number($0) })
        }),
    ]
  }
}
