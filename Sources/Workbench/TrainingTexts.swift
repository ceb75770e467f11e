import Interpreter
import Training

/// The texts that a call gives to learn from.
enum TrainingTexts {
  /// Texts from a list, a table, or a file: lines of a text file, or the rows of a CSV, JSON or JSON-lines file with a
  /// column `text`, or columns `prompt` and `answer`.
  ///
  /// - Throws: `ArgumentError` that says what is wrong with them.
  static func texts(_ value: Value, parameter: String) throws -> [TrainingText] {
    switch value {
    case .text(let path): return try texts(ofFile: path, parameter)
    case .table(let table): return try texts(of: table, parameter)
    default:
      guard let elements = try TableFiles.elements(value) else {
        throw ArgumentError(
          parameter,
          "`\(parameter)` takes a list of texts, a table, or a file, not \(value.phrase).",
          code: "wrong-type")
      }
      let records = elements.compactMap { element -> Record? in
        if case .record(let record) = element { return record }
        return nil
      }
      if !records.isEmpty, records.count == elements.count {
        return try texts(of: Table(records: records), parameter)
      }
      return try elements.enumerated().map { index, element in
        guard case .text(let text) = element else {
          throw ArgumentError(
            parameter, "Element \(index) of `\(parameter)` is \(element.phrase), not a text.",
            code: "wrong-type")
        }
        return TrainingText(text)
      }
    }
  }

  private static func texts(ofFile path: String, _ parameter: String) throws -> [TrainingText] {
    let isTable = [".csv", ".tsv", ".json", ".jsonl", ".ndjson"].contains {
      path.lowercased().hasSuffix($0)
    }
    func located<T>(_ body: () throws -> T) throws -> T {
      do { return try body() } catch let error as FunctionError {
        throw ArgumentError(parameter, error.message, hint: error.hint, code: error.code)
      }
    }
    if isTable { return try texts(of: try located { try TableFiles.table(path) }, parameter) }
    return try located { try TableFiles.lines(path) }.filter { $0.contains { !$0.isWhitespace } }
      .map { TrainingText($0) }
  }

  private static func texts(of table: Table, _ parameter: String) throws -> [TrainingText] {
    func column(_ name: String) throws -> [String]? {
      guard let values = table[name] else { return nil }
      return try values.enumerated().map { row, value in
        switch value {
        case .text(let text): return text
        case .number, .bool: return value.description
        default:
          throw ArgumentError(
            parameter, "Row \(row) of the column `\(name)` is \(value.phrase), not a text.",
            code: "wrong-type")
        }
      }
    }
    if let prompts = try column("prompt"), let answers = try column("answer") {
      return zip(prompts, answers).map { TrainingText(prompt: $0, answer: $1) }
    }
    if let texts = try column("text") { return texts.map { TrainingText($0) } }
    throw ArgumentError(
      parameter,
      "The table has the columns \(table.names.joined(separator: ", ")); what is learned is a column `text`, or "
        + "`prompt` and `answer`.", code: "missing-column")
  }
}
