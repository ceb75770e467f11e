import Tensors

extension Catalogue {
  static let conversionFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "number", group: "Values", summary: "The number that a text says.",
      parameters: [
        ParameterDefinition(
          "value", .either([.text, .number(), .bool, .tensor]),
          "A text such as \"12\" or \"1e-4\", true or false, or a tensor of one element.")
      ],
      result: "a Number", examples: [Example("number(\"0.5\")", gives: "0.5")]
    ) { arguments in
      switch try arguments.value("value") {
      case .text(let text):
        let trimmed = text.filter { !$0.isWhitespace }
        let isPlain = trimmed.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
        guard isPlain, let number = Double(trimmed) else {
          throw ArgumentError("value", "\(Value.text(text).phrase.sentenceStart) says no number.")
        }
        return .number(number)
      case .bool(let flag): return .number(flag ? 1 : 0)
      case .tensor(let tensor):
        guard tensor.count == 1 else {
          throw ArgumentError(
            "value",
            "Only a tensor of one element is a number, and this one has the shape \(tensor.shape).",
            code: "shape-mismatch")
        }
        return .number(Double(tensor.floats[0]))
      case let value: return value
      }
    },
    FunctionDefinition(
      "text", group: "Values", summary: "The value as `print` writes it.",
      parameters: [ParameterDefinition("value", .any, "Any value.")],
      result: "a Text", examples: [Example("text(12)", gives: "\"12\"")]
    ) { arguments in .text(try arguments.value("value").printed) },
    FunctionDefinition(
      "list", group: "Values",
      summary:
        "The elements of a value as a list: a range's numbers, a text's characters, a tensor's rows.",
      parameters: [ParameterDefinition("items", .sequence, "A value with elements.")],
      result: "a List", examples: [Example("list(0..<3)", gives: "[0, 1, 2]")]
    ) { arguments, context in
      if case .tensor(let tensor) = try arguments.value("items") {
        try Sequences.checkCount(tensor.count)
        return TensorAccess.list(tensor)
      }
      return .list(try elements(arguments, context))
    },
    FunctionDefinition(
      "tensor", group: "Values", summary: "A tensor of a number or of nested lists of numbers.",
      details:
        "Tensors compute element by element; an axis of length 1 is stretched to the other's.",
      parameters: [
        ParameterDefinition(
          "values", .either([.number(), .numbers]), "Numbers, or lists of one length on each level."
        )
      ],
      result: "a Tensor of 32-bit floating-point numbers",
      examples: [Example("(tensor([[1, 2], [3, 4]]) * 10)[1]", gives: "Tensor [2] f32: 30, 40")]
    ) { arguments in
      switch try arguments.value("values") {
      case .number(let number): return .tensor(Tensor(shape: [], [Float(number)]))
      case .object(let object): return try object.asTensor() ?? .none
      case let value: return .tensor(try TensorAccess.tensor(value))
      }
    },
    FunctionDefinition(
      "shape", group: "Values", summary: "The lengths of a tensor's axes, or of nested lists.",
      parameters: [
        ParameterDefinition(
          "values", .either([.number(), .numbers, .table]), "A tensor, numbers or a table.")
      ],
      result: "a List of whole numbers",
      examples: [Example("shape([[1, 2, 3], [4, 5, 6]])", gives: "[2, 3]")]
    ) { arguments in
      switch try arguments.value("values") {
      case .number: return .list([])
      case .table(let table):
        return .list([.integer(table.rowCount), .integer(table.columns.count)])
      case .object(let object):
        if case .tensor(let tensor) = try object.asTensor() {
          return .list(tensor.shape.map { .integer($0) })
        }
        return .none
      case let value: return .list(try TensorAccess.tensor(value).shape.map { .integer($0) })
      }
    },
    FunctionDefinition(
      "reshape", group: "Values", summary: "The same numbers in another shape.",
      parameters: [
        ParameterDefinition("values", .numbers, "A tensor or numbers."),
        ParameterDefinition(
          "shape", .list(of: .integer(in: 0...Int(1) << 40)), "The lengths of the axes."),
      ],
      result: "a Tensor",
      examples: [Example("reshape(0..<6, [2, 3])[1]", gives: "Tensor [3] f32: 3, 4, 5")]
    ) { arguments in
      let numbers = try arguments.numbers("values")
      let shape = try arguments.list("shape").compactMap(\.integer)
      var count = 1
      for extent in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        count = overflow ? -1 : product
        if overflow { break }
      }
      guard count == numbers.count else {
        throw ArgumentError(
          "shape", "\(numbers.count) numbers don't fill the shape \(shape).", code: "shape-mismatch"
        )
      }
      return .tensor(Tensor(shape: shape, numbers.map(Float.init)))
    },
    FunctionDefinition(
      "type", group: "Values", summary: "The name of a value's type.",
      parameters: [ParameterDefinition("value", .any, "Any value.")],
      result: "a Text", examples: [Example("type([1])", gives: "\"List\"")]
    ) { arguments in .text(try arguments.value("value").typeName) },
    FunctionDefinition(
      "keys", group: "Values", summary: "The names in a record, or of a table's columns.",
      parameters: [
        ParameterDefinition("record", .either([.record, .table]), "A record or a table.")
      ],
      result: "a List of texts", examples: [Example("keys({a: 1, b: 2})", gives: "[\"a\", \"b\"]")]
    ) { arguments in .texts(Members.names(of: try arguments.value("record"))) },
    FunctionDefinition(
      "values", group: "Values", summary: "The values in a record, in the order of its names.",
      parameters: [ParameterDefinition("record", .record, "A record.")],
      result: "a List", examples: [Example("values({a: 1, b: 2})", gives: "[1, 2]")]
    ) { arguments in .list(try arguments.record("record").values) },
    FunctionDefinition(
      "fields", group: "Values",
      summary: "The names of the fields that can be reached with `.name`.",
      parameters: [ParameterDefinition("value", .any, "Any value.")],
      result: "a List of texts", examples: [Example("fields({a: 1})", gives: "[\"a\"]")]
    ) { arguments in .texts(Members.names(of: try arguments.value("value"))) },
  ]
}
