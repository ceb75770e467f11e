/// Rows and named columns, all columns of one length.
public struct Table: Sendable {
  /// One column: its name and a value for each row.
  public struct Column: Sendable {
    /// The column's name, the header of a CSV file.
    public let name: String
    /// The values, one for each row.
    public let values: ValueList

    /// Makes a column.
    public init(name: String, values: ValueList) {
      self.name = name
      self.values = values
    }
  }

  // Kept in one object, so that a value that is a table is one word.
  private final class Storage: Sendable {
    let columns: [Column]
    let rowCount: Int
    let depth: Int
    let weight: Int

    init(columns: [Column]) {
      self.columns = columns
      rowCount = columns.map(\.values.count).min() ?? 0
      depth = (columns.map(\.values.depth).max() ?? 0) + 1
      weight = columns.reduce(1) { $0 + $1.values.weight }
    }
  }
  private let storage: Storage

  /// A table of the given columns; rows beyond the shortest column are left out.
  public init(columns: [Column]) {
    let rows = columns.map(\.values.count).min() ?? 0
    storage = Storage(
      columns: columns.map { column in
        column.values.count == rows
          ? column
          : Column(name: column.name, values: ValueList(Array(column.values.elements[..<rows])))
      })
  }

  /// A table of records: a column for each name that any of them has, `none` where one lacks it.
  public init(records: [Record]) {
    var names: [String] = []
    var known: Set<ExactText> = []
    for record in records {
      for name in record.names where known.insert(ExactText(name)).inserted { names.append(name) }
    }
    self.init(
      columns: names.map { name in
        Column(name: name, values: ValueList(records.map { $0[name] ?? .none }))
      })
  }

  /// The columns in order.
  public var columns: [Column] { storage.columns }
  /// The columns' names in order.
  public var names: [String] { storage.columns.map(\.name) }
  /// How many rows there are.
  public var rowCount: Int { storage.rowCount }
  /// How many levels of containers there are, this one included.
  public var depth: Int { storage.depth }
  /// How many values the table holds, all levels included.
  public var weight: Int { storage.weight }

  /// The values of the column of a name, or `nil`.
  public subscript(name: String) -> ValueList? {
    columns.first { $0.name.utf8.elementsEqual(name.utf8) }?.values
  }

  /// The row at an index that must exist.
  public func row(_ index: Int) -> Record {
    Record(columns.map { (name: $0.name, value: $0.values[index]) })
  }

  /// The table of the rows at the given indices, which must exist.
  public func rows(_ indices: some Sequence<Int>) -> Table {
    let indices = Array(indices)
    return Table(
      columns: columns.map { column in
        Column(name: column.name, values: ValueList(indices.map { column.values[$0] }))
      })
  }
}
