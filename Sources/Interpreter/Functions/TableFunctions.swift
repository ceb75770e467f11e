import DataFormats

extension Catalogue {
  static let tableFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "table", group: "Tables",
      summary: "A table of a CSV or JSON lines file, of records, or of lists by name.",
      details:
        "A column of a CSV file whose fields are all numbers becomes numbers; an empty field in it is none.",
      parameters: [
        ParameterDefinition(
          "source", .either([.path, .list(of: .record), .record, .table, .object([])]),
          "The path of a `.csv`, `.tsv`, `.json` or `.jsonl` file, a list of records, or a record of lists."
        )
      ],
      result: "a Table",
      examples: [
        Example("table([{term: \"芯片\", n: 2}, {term: \"算法\", n: 3}]).n", gives: "[2, 3]"),
        Example("table({a: [1, 2], b: [3, 4]})[1]", gives: "{a: 2, b: 4}"),
        Example("words = table(\"words.csv\")", needsResources: true),
      ]
    ) { arguments in
      switch try arguments.value("source") {
      case .text(let path): return .table(try TableReader.read(path))
      case .table(let table): return .table(table)
      case .record(let record): return .table(try TableReader.table(ofLists: record))
      case .object(let object):
        guard let table = try object.asTable() else { break }
        return .table(table)
      case .list(let list):
        return .table(
          Table(
            records: list.compactMap { if case .record(let record) = $0 { record } else { nil } }))
      default: break
      }
      throw ArgumentError(
        "source", "This value has no rows to make a table of.", code: "wrong-type")
    },
    FunctionDefinition(
      "columns", group: "Tables", summary: "The names of a table's columns.",
      parameters: [ParameterDefinition("table", .table, "A table.")],
      result: "a List of texts",
      examples: [Example("columns(table([{a: 1, b: 2}]))", gives: "[\"a\", \"b\"]")]
    ) { arguments in .texts(try arguments.table("table").names) },
    FunctionDefinition(
      "head", group: "Tables", summary: "The first rows of a table or elements of a list.",
      parameters: [
        ParameterDefinition("items", .sequence, "A table, or another value with elements."),
        ParameterDefinition("count", .integer(in: 0...Int.max), default: .number(5), "How many."),
      ],
      result: "the like of `items`", examples: [Example("head([1, 2, 3], 2)", gives: "[1, 2]")]
    ) { arguments, context in
      let value = try arguments.value("items")
      let count = min(try arguments.integer("count"), Sequences.count(value) ?? 0)
      if case .record(let record) = value { return .texts(record.names.prefix(count)) }
      return try context.element(of: value, at: .range(RangeValue(0..<count)))
    },
    FunctionDefinition(
      "read", group: "Tables", summary: "The text of a file in UTF-8.",
      parameters: [ParameterDefinition("path", .path, "The file's path.")],
      result: "a Text",
      examples: [
        Example("sentences = split(read(\"sentences.txt\"), \"\\n\")", needsResources: true)
      ]
    ) { arguments in
      let path = try arguments.text("path")
      let bytes = try located("path") { try FileSystem.read(path) }
      try ExecutionContext.checkTextLength(bytes.count)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw ArgumentError(
          "path", "\(FileSystem.quoted(path)) is not a text in UTF-8.", code: "wrong-file")
      }
      return .text(text)
    },
  ]

  static func located<T>(_ parameter: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as FunctionError {
      throw ArgumentError(parameter, error.message, hint: error.hint, code: error.code)
    }
  }
}

/// Makes tables of files.
enum TableReader {
  static func read(_ path: String) throws -> Table {
    try Catalogue.located("source") {
      let bytes = try FileSystem.read(path)
      switch FileSystem.fileExtension(path) {
      case ".jsonl", ".ndjson": return try table(jsonLines: bytes, path)
      case ".json": return try table(json: bytes, path)
      case ".tsv": return try table(csv: bytes, path, delimiter: .tab)
      default: return try table(csv: bytes, path, delimiter: nil)
      }
    }
  }

  static func table(ofLists record: Record) throws -> Table {
    var columns: [Table.Column] = []
    for (name, value) in record.members {
      guard let elements = try Sequences.listElements(value) else {
        throw ArgumentError(
          "source", "The column `\(name)` must be a list, not \(value.phrase).", code: "wrong-type")
      }
      columns.append(Table.Column(name: name, values: ValueList(elements)))
    }
    let counts = columns.map(\.values.count)
    guard counts.min() == counts.max() else {
      let lengths = columns.map { "`\($0.name)` \($0.values.count)" }
      throw ArgumentError(
        "source",
        "All columns must have one length: \(lengths.joined(separator: ", ")).",
        code: "shape-mismatch")
    }
    return Table(columns: columns)
  }

  private static func table(
    csv bytes: [UInt8], _ path: String, delimiter: CSV.Delimiter?
  ) throws -> Table {
    do {
      let csv = try CSV.parse(bytes, delimiter: delimiter)
      guard csv.header.count * csv.rows.count <= Sequences.maximumCount else {
        throw FunctionError(
          "\(FileSystem.quoted(path)) has more than 10 million fields.", code: "too-large")
      }
      return Table(
        columns: csv.header.enumerated().map { index, name in
          Table.Column(name: name, values: ValueList(column(csv.rows.lazy.map { $0[index] })))
        })
    } catch let error as CSVError {
      throw FunctionError(
        "\(FileSystem.quoted(path)) is not a table: \(words(error)).", code: "wrong-file")
    }
  }

  /// Numbers where all fields that aren't empty are plain ones, else texts.
  private static func column(_ fields: some Collection<String>) -> [Value] {
    var numbers: [Value] = []
    numbers.reserveCapacity(fields.count)
    var hasNumber = false
    for field in fields {
      if field.isEmpty {
        numbers.append(.none)
      } else if field.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }),
        let number = Double(field),
        // Codes such as 007 keep their zeros.
        !(field.count > 1 && field.hasPrefix("0") && !field.hasPrefix("0."))
      {
        numbers.append(.number(number))
        hasNumber = true
      } else {
        return fields.map { .text($0) }
      }
    }
    return hasNumber ? numbers : fields.map { .text($0) }
  }

  private static func table(jsonLines bytes: [UInt8], _ path: String) throws -> Table {
    do {
      return try table(of: JSONLines.parse(bytes), path)
    } catch let failure as JSONLines.Failure {
      throw FunctionError(
        "Line \(failure.line) of \(FileSystem.quoted(path)) is not JSON.", code: "wrong-file")
    }
  }

  private static func table(json bytes: [UInt8], _ path: String) throws -> Table {
    do {
      let json = try JSON(parsing: bytes)
      if let object = json.object, object.members.allSatisfy({ $0.value.array != nil }),
        case .record(let record) = Value(json: json)
      {
        return try table(ofLists: record)
      }
      return try table(of: json.array ?? [json], path)
    } catch let error as JSONError {
      throw FunctionError(
        "\(FileSystem.quoted(path)) is not JSON; the mistake is at byte \(error.offset).",
        code: "wrong-file")
    }
  }

  private static func table(of rows: [JSON], _ path: String) throws -> Table {
    Table(
      records: try rows.enumerated().map { index, row in
        guard case .record(let record) = Value(json: row) else {
          throw FunctionError(
            "Row \(index + 1) of \(FileSystem.quoted(path)) is no object of named values.",
            code: "wrong-file")
        }
        return record
      })
  }

  private static func words(_ error: CSVError) -> String {
    switch error {
    case .empty: "it is empty"
    case .wrongFieldCount(_, let line, let expected, let found):
      "line \(line) has \(Value.count(found, "field")), and the header \(expected)"
    case .unterminatedQuote(let line): "the quote that begins in line \(line) is never closed"
    case .textAfterQuote(let line): "something follows a closing quote in line \(line)"
    case .invalidUTF8(let line): "line \(line) is not UTF-8"
    }
  }
}
