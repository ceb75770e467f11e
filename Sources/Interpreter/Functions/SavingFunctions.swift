import DataFormats
import Figures
import Tensors

extension Catalogue {
  static let savingFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "save", group: "Files",
      summary: "Writes a value to a file; the extension decides how.",
      details:
        "`.svg` and `.html` hold the picture, `.json` the raw data, `.csv` a table, `.npy` numbers, "
        + "`.txt` the plain text. The old file stays until the new one is complete.",
      parameters: [
        ParameterDefinition("value", .any, "What to write."),
        ParameterDefinition("path", .path, "Where to."),
      ],
      result: "none",
      examples: [Example("save([1, 2, 3], \"numbers.json\")", needsResources: true)]
    ) { arguments, context in
      let path = try arguments.text("path")
      let bytes = try FileWriter.bytes(arguments.value("value"), path, context)
      try located("path") {
        try FileSystem.write(bytes, to: path, check: { try context.cancellation.check() })
      }
      return .none
    }
  ]
}

/// The bytes of files.
enum FileWriter {
  static func bytes(_ value: Value, _ path: String, _ context: ExecutionContext) throws -> [UInt8] {
    let fileExtension = FileSystem.fileExtension(path)
    for saver in context.catalogue.savers where saver.fileExtension == fileExtension {
      if let bytes = try saver.bytes(value, context) { return bytes }
    }
    switch fileExtension {
    case ".svg":
      let figure = try figure(value, context, fileExtension)
      return try context.cancellation.leavingBehind { Array(figure.svg(.light).utf8) }
    case ".html":
      let figure = try figure(value, context, fileExtension)
      return try context.cancellation.leavingBehind { Array(figure.htmlPage().utf8) }
    default:
      let extensions = context.catalogue.savers.map(\.fileExtension)
      return try context.cancellation.leavingBehind {
        try data(value, fileExtension, savers: extensions)
      }
    }
  }

  /// The bytes of a file of data.
  private static func data(
    _ value: Value, _ fileExtension: String, savers: [String]
  ) throws -> [UInt8] {
    switch fileExtension {
    case ".json": return value.json.serializedBytes(indentation: 2) + [0x0A]
    case ".jsonl", ".ndjson":
      guard case .array(let rows) = value.json else { throw unsuitable(value, "a list or a table") }
      return Array(JSONLines.write(rows).utf8)
    case ".txt": return Array((value.printed + "\n").utf8)
    case ".csv": return try csv(value, delimiter: .comma)
    case ".tsv": return try csv(value, delimiter: .tab)
    case ".npy":
      var numeric = value
      if case .object(let object) = value { numeric = try object.asTensor() ?? value }
      switch numeric {
      case .number(let number): return try NPY.encode(shape: [], .float64([number]))
      case .tensor(let tensor): return try NPY.encode(shape: tensor.shape, .float32(tensor.floats))
      case .list, .range:
        let shape = try TensorAccess.tensor(numeric).shape
        return try NPY.encode(shape: shape, .float64(Sequences.numbers(numeric) ?? []))
      default: throw unsuitable(value, "numbers")
      }
    default:
      let known =
        [".svg", ".html", ".json", ".jsonl", ".csv", ".tsv", ".npy", ".txt"]
        + savers
      let isKnown = known.contains(fileExtension)
      throw ArgumentError(
        isKnown ? "value" : "path",
        isKnown
          ? "\(value.phrase.sentenceStart) can't be written as \(fileExtension)."
          : fileExtension.isEmpty
            ? "The path has no extension, which decides what is written."
            : "There is no way to write \(fileExtension) files.",
        hint: isKnown ? nil : "The extensions are \(known.joined(separator: ", ")).",
        code: "wrong-extension")
    }
  }

  private static func figure(
    _ value: Value, _ context: ExecutionContext, _ fileExtension: String
  ) throws -> any Figure {
    if let figure = try context.figure(of: value) { return figure }
    throw ArgumentError(
      "value", "\(value.phrase.sentenceStart) has no picture to write as \(fileExtension).",
      hint: "Its raw data can be written as .json.", code: "no-figure")
  }

  private static func unsuitable(_ value: Value, _ needed: String) -> ArgumentError {
    ArgumentError(
      "value", "This file holds \(needed), not \(value.phrase).", code: "wrong-type")
  }

  private static func csv(_ value: Value, delimiter: CSV.Delimiter) throws -> [UInt8] {
    let table: Table
    switch value {
    case .table(let given): table = given
    case .record(let record):
      table = Table(
        columns: [
          Table.Column(name: "name", values: ValueList(record.names.map { .text($0) })),
          Table.Column(name: "value", values: record.values),
        ])
    case .list(let list):
      let records = list.compactMap { if case .record(let record) = $0 { record } else { nil } }
      if !list.isEmpty, records.count == list.count {
        table = Table(records: records)
      } else {
        return try csv(rows: value, delimiter)
      }
    case .tensor, .range: return try csv(rows: value, delimiter)
    case .object(let object):
      if let given = try object.asTable() {
        table = given
      } else if let numbers = try object.asTensor() {
        return try csv(rows: numbers, delimiter)
      } else {
        throw unsuitable(value, "a table")
      }
    default: throw unsuitable(value, "a table")
    }
    let rows = (0..<table.rowCount).map { row in table.columns.map { field($0.values[row]) } }
    return Array(CSV.write(header: table.names, rows: rows, delimiter: delimiter).utf8)
  }

  /// Lists of lists, or a tensor of one or two axes: columns named 0, 1, 2, … .
  private static func csv(rows value: Value, _ delimiter: CSV.Delimiter) throws -> [UInt8] {
    var rows: [[String]]
    if case .tensor(let tensor) = value {
      guard (1...2).contains(tensor.rank) else {
        throw ArgumentError(
          "value", "A table has two axes, and this tensor has the shape \(tensor.shape).",
          code: "shape-mismatch")
      }
      let width = tensor.rank == 2 ? tensor.shape[1] : 1
      let floats = tensor.floats
      rows = (0..<tensor.shape[0]).map { row in
        (0..<width).map { floats[row * width + $0].description }
      }
    } else {
      rows = (try Sequences.listElements(value) ?? []).map { row in
        if case .list(let list) = row { list.map(field) } else { [field(row)] }
      }
    }
    let width = rows.map(\.count).max() ?? 0
    rows = rows.map { $0 + Array(repeating: "", count: width - $0.count) }
    let header = width == 1 ? ["value"] : (0..<width).map(String.init)
    return Array(CSV.write(header: header, rows: rows, delimiter: delimiter).utf8)
  }

  private static func field(_ value: Value) -> String {
    switch value {
    case .none: ""
    case .number(let number): value.integer.map(String.init) ?? number.description
    case .text(let text): text
    default: value.printed
    }
  }
}
