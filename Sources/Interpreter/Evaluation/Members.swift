import Figures
import Language
import Tensors

extension ExecutionContext {
  /// `value.name`.
  func field(_ name: Identifier, of value: Value, scope: Scope) throws -> Value {
    if let field = try located(name.range, { try Members.field(name.name, of: value, in: self) }) {
      return field
    }
    if let function = scope.lookUp(name.name)
      ?? catalogue[name.name].map({ .function(.builtin($0)) }),
      function.functionName != nil
    {
      throw Diagnostic(
        code: "unknown-field",
        message:
          "\(value.typeWithArticle.sentenceStart) has no field `\(name.name)`, but there is a "
          + "function of that name.",
        hint: "Write `.\(name.name)()` to call it.", range: name.range)
    }
    throw located(name.range, Members.unknownField(name.name, of: value))
  }

  private func located(_ range: SourceRange, _ error: FunctionError) -> any Error {
    explained(error, range: range, arguments: nil)
  }
}

/// The fields of values.
enum Members {
  /// The value of a field, or `nil` where there is none of that name.
  static func field(_ name: String, of value: Value, in context: ExecutionContext) throws -> Value?
  {
    switch value {
    case .record(let record): return record[name]
    case .table(let table): return table[name].map { .list($0) }
    case .tensor(let tensor):
      switch name {
      case "shape": return .list(tensor.shape.map { .integer($0) })
      case "dtype": return .text(tensor.elementType.name)
      default: return nil
      }
    case .figure(let figure):
      switch name {
      case "title": return .text(figure.title)
      case "data": return Value(json: figure.json)
      default: return nil
      }
    case .object(let object): return try object.field(name, in: context)
    default: return nil
    }
  }

  /// The names of the fields that a value has.
  static func names(of value: Value) -> [String] {
    switch value {
    case .record(let record): record.names
    case .table(let table): table.names
    case .tensor: ["shape", "dtype"]
    case .figure: ["title", "data"]
    case .object(let object): object.fieldNames
    default: []
    }
  }

  static func unknownField(_ name: String, of value: Value) -> FunctionError {
    let names = names(of: value)
    var hint: String?
    if let nearest = Suggestions.nearest(name, in: names) {
      hint = "Did you mean `\(nearest)`?"
    } else if !names.isEmpty {
      let shown = names.prefix(12).map { "`\($0)`" }
      let rest = names.count > 12 ? ", …" : ""
      hint = "It has \(shown.joined(separator: ", "))\(rest)."
    }
    let what = if case .table = value { "column" } else { "field" }
    return FunctionError(
      "\(value.typeWithArticle.sentenceStart) has no \(what) `\(name)`.", hint: hint,
      code: "unknown-field")
  }
}
