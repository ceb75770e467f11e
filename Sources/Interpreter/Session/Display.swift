public import DataFormats
public import Figures
import Tensors

extension ExecutionContext {
  /// The picture of a value: the figure itself, an object's own, a table's; `nil` for values that
  /// plain text says best.
  public func figure(of value: Value) throws -> (any Figure)? {
    var figure: (any Figure)?
    switch value {
    case .figure(let given): figure = given
    case .object(let object): figure = try object.defaultFigure(in: self)
    case .table(let table): figure = TableDisplay.figure(table)
    default: figure = nil
    }
    if figure?.provenance == nil { figure?.provenance = provenance() }
    return figure
  }

  /// The representations of a value as it is displayed, or `nil` for none.
  public func displayBundle(of value: Value) throws -> MIMEBundle? {
    if case .none = value { return nil }
    if let figure = try figure(of: value) {
      return try cancellation.leavingBehind { figure.mimeBundle() }
    }
    var bundle = MIMEBundle(plainText: Self.displayText(of: value))
    bundle.metadata["vitrine"] = provenance().json
    return bundle
  }

  private static func displayText(of value: Value) -> String {
    switch value {
    case .object(let object): object.summary
    default: value.describe(limit: 2_000, itemLimit: 100)
    }
  }
}

/// A table as a figure.
enum TableDisplay {
  static func figure(_ table: Table) -> TableFigure {
    // The figure shows the first rows and says how many more there are: no more of them are
    // turned into JSON than are shown, the rest stay empty.
    let limit = 50
    let rows = (0..<table.rowCount).map { row -> [JSON] in
      guard row < limit else { return [] }
      return table.columns.map { cell($0.values[row]) }
    }
    return TableFigure(columns: table.names, rows: rows, limit: limit)
  }

  private static func cell(_ value: Value) -> JSON {
    switch value {
    case .none, .bool, .number, .text: value.json
    default: .string(value.describe(limit: 80, itemLimit: 8))
    }
  }
}
