import Tensors

extension Catalogue {
  private static let items = ParameterDefinition(
    "items", .sequence, "A list, or another value with elements.")

  static let listFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "len", group: "Lists", summary: "How many elements a value has.",
      parameters: [
        ParameterDefinition(
          "items", .sequence,
          "A list, range, table, tensor, record, or a text, whose characters are counted.")
      ],
      result: "a Number",
      examples: [Example("len([4, 5, 6])", gives: "3"), Example("len(\"高血压\")", gives: "3")]
    ) { arguments in
      let value = try arguments.value("items")
      guard let count = Sequences.count(value) else {
        throw ArgumentError(
          "items", "\(value.phrase.sentenceStart) has no elements to count.", code: "wrong-type")
      }
      return .integer(count)
    },
    FunctionDefinition(
      "range", group: "Lists", summary: "Whole numbers from a start to before an end.",
      parameters: [
        ParameterDefinition(
          "start", wholeNumber, "The first number; the end, where it is the only one given."),
        ParameterDefinition("end", .optional(wholeNumber), "The number before which to stop."),
        ParameterDefinition(
          "step", wholeNumber, default: .number(1), "The difference of neighbours, not 0."),
      ],
      result: "a Range",
      examples: [
        Example("list(range(3))", gives: "[0, 1, 2]"),
        Example("list(range(10, 0, step: -4))", gives: "[10, 6, 2]"),
      ]
    ) { arguments in
      let step = try arguments.integer("step")
      guard step != 0 else {
        throw ArgumentError("step", "`step` must not be 0.", code: "out-of-range")
      }
      var start = try arguments.integer("start")
      let end = try arguments.optionalInteger("end") ?? start
      if try arguments.optionalInteger("end") == nil { start = 0 }
      let distance = end - start
      let count =
        (distance > 0) == (step > 0) && distance != 0
        ? (distance.magnitude + step.magnitude - 1) / step.magnitude : 0
      return .range(RangeValue(first: start, count: Int(count), step: step))
    },
    FunctionDefinition(
      "first", group: "Lists", summary: "The first element, or the first few as a list.",
      parameters: [
        items,
        ParameterDefinition(
          "count", .optional(.integer(in: 0...Int.max)),
          "How many; none gives the one element itself."),
      ],
      result: "an element, or the like of `items`",
      examples: [
        Example("first([4, 5, 6])", gives: "4"), Example("first([4, 5, 6], 2)", gives: "[4, 5]"),
      ]
    ) { arguments, context in try part(arguments, context, fromEnd: false) },
    FunctionDefinition(
      "last", group: "Lists", summary: "The last element, or the last few as a list.",
      parameters: [
        items,
        ParameterDefinition(
          "count", .optional(.integer(in: 0...Int.max)),
          "How many; none gives the one element itself."),
      ],
      result: "an element, or the like of `items`",
      examples: [
        Example("last([4, 5, 6])", gives: "6"), Example("[4, 5, 6] |> last(2)", gives: "[5, 6]"),
      ]
    ) { arguments, context in try part(arguments, context, fromEnd: true) },
    FunctionDefinition(
      "sort", group: "Lists", summary: "The elements in order; equal ones keep theirs.",
      parameters: [
        items,
        ParameterDefinition(
          "by", .optional(.either([.function, .text])),
          "A function that gives what to compare, or the name of a field."),
        ParameterDefinition(
          "descending", .bool, default: .bool(false), "Whether the largest comes first."),
      ],
      result: "a List, or a Table of a table",
      examples: [
        Example("sort([3, 1, 2])", gives: "[1, 2, 3]"),
        Example("sort([\"bb\", \"a\"], by: len)", gives: "[\"a\", \"bb\"]"),
        Example("sort([3, 1, 2], descending: true)", gives: "[3, 2, 1]"),
      ]
    ) { arguments, context in try sort(arguments, context) },
    FunctionDefinition(
      "reverse", group: "Lists", summary: "The elements from the last to the first.",
      parameters: [items], result: "a List, or a Text of a text",
      examples: [Example("reverse([1, 2, 3])", gives: "[3, 2, 1]")]
    ) { arguments, context in
      switch try arguments.value("items") {
      case .text(let text): return .text(String(text.reversed()))
      case .table(let table): return .table(table.rows((0..<table.rowCount).reversed()))
      default: return .list(try elements(arguments, context).reversed())
      }
    },
    FunctionDefinition(
      "zip", group: "Lists",
      summary: "Lists of the elements that stand at one place; the shortest list decides how many.",
      parameters: [
        ParameterDefinition(
          "lists", .sequence, isVariadic: true, "Lists, or other values with elements.")
      ],
      result: "a List of lists",
      examples: [Example("zip([1, 2], [\"a\", \"b\"])", gives: "[[1, \"a\"], [2, \"b\"]]")]
    ) { arguments, context in
      let lists = try arguments.list("lists").map { try Sequences.elements($0, in: context) ?? [] }
      let count = lists.map(\.count).min() ?? 0
      return .list(
        try (0..<count).map { index in
          try context.cancellation.check()
          return .list(lists.map { $0[index] })
        })
    },
    FunctionDefinition(
      "enumerate", group: "Lists",
      summary: "Lists of a number, counted from a start, and an element.",
      parameters: [
        items, ParameterDefinition("start", .integer(), default: .number(0), "The first number."),
      ],
      result: "a List of lists",
      examples: [Example("enumerate([\"a\", \"b\"])", gives: "[[0, \"a\"], [1, \"b\"]]")]
    ) { arguments, context in
      let start = try arguments.number("start")
      return .list(
        try elements(arguments, context).enumerated().map {
          .list([.number(start + Double($0)), $1])
        })
    },
    FunctionDefinition(
      "map", group: "Lists", summary: "What a function gives for each element.",
      parameters: [
        items, ParameterDefinition("function", .function, "A function of one element."),
      ],
      result: "a List", examples: [Example("map([1, 2, 3], x -> x * 10)", gives: "[10, 20, 30]")]
    ) { arguments, context in
      let function = try arguments.value("function")
      var weight = 0
      return .list(
        try elements(arguments, context).map { element in
          let value = try context.call(function, [element])
          weight += value.weight
          if weight > Value.maximumWeight {
            throw FunctionError("The list would be too large.", code: "too-large")
          }
          return value
        })
    },
    FunctionDefinition(
      "filter", group: "Lists", summary: "The elements for which a function gives true.",
      parameters: [
        items,
        ParameterDefinition(
          "function", .function, "A function of one element that gives true or false."),
      ],
      result: "a List, or a Table of a table",
      examples: [Example("filter([1, 2, 3], x -> x > 1)", gives: "[2, 3]")]
    ) { arguments, context in
      let function = try arguments.value("function")
      let elements = try elements(arguments, context)
      let places = try elements.indices.filter { index in
        let value = try context.call(function, [elements[index]])
        guard case .bool(let flag) = value else {
          throw ArgumentError(
            "function", "The function must give true or false, not \(value.phrase).",
            code: "wrong-type")
        }
        return flag
      }
      if case .table(let table) = try arguments.value("items") { return .table(table.rows(places)) }
      return .list(places.map { elements[$0] })
    },
    FunctionDefinition(
      "unique", group: "Lists",
      summary: "The elements without repetitions, in the order of their first.",
      parameters: [items], result: "a List",
      examples: [Example("unique([1, 2, 1])", gives: "[1, 2]")]
    ) { arguments, context in
      var seen: Set<Value.SimpleKey> = []
      var others: [Value] = []
      return .list(
        try elements(arguments, context).filter { element in
          try context.check()
          if let key = element.simpleKey { return seen.insert(key).inserted }
          if others.contains(where: { $0.equals(element) }) { return false }
          others.append(element)
          return true
        })
    },
    FunctionDefinition(
      "any", group: "Lists", summary: "Whether one of the truth values is true.",
      parameters: [ParameterDefinition("items", .list(of: .bool), "Truth values.")],
      result: "true or false", examples: [Example("any([false, true])", gives: "true")]
    ) { arguments in
      .bool(
        try arguments.list("items").contains { if case .bool(true) = $0 { true } else { false } })
    },
    FunctionDefinition(
      "all", group: "Lists",
      summary:
        "Whether all truth values are true; without a call, `all` chooses every layer or head.",
      parameters: [ParameterDefinition("items", .list(of: .bool), "Truth values.")],
      result: "true or false", examples: [Example("all([true, false])", gives: "false")]
    ) { arguments in
      .bool(
        try arguments.list("items").allSatisfy { if case .bool(true) = $0 { true } else { false } })
    },
  ]

  static let wholeNumber = ParameterType.integer(in: -(1 << 53)...(1 << 53))

  static func elements(_ arguments: Arguments, _ context: ExecutionContext) throws -> [Value] {
    let value = try arguments.value("items")
    guard let elements = try Sequences.elements(value, in: context) else {
      throw ArgumentError(
        "items", "\(value.phrase.sentenceStart) has no elements.", code: "wrong-type")
    }
    return elements
  }

  private static func part(
    _ arguments: Arguments, _ context: ExecutionContext, fromEnd: Bool
  ) throws -> Value {
    let value = try arguments.value("items")
    let count = Sequences.count(value) ?? 0
    guard let wanted = try arguments.optionalInteger("count") else {
      guard count > 0 else {
        throw ArgumentError("items", "\(value.phrase.sentenceStart) has no element.", code: "empty")
      }
      if case .record(let record) = value { return .text(record.names[fromEnd ? count - 1 : 0]) }
      return try context.element(of: value, at: .integer(fromEnd ? count - 1 : 0))
    }
    let taken = min(wanted, count)
    if case .record(let record) = value {
      return .texts(fromEnd ? record.names.suffix(taken) : record.names.prefix(taken))
    }
    return try context.element(
      of: value, at: .range(RangeValue(first: fromEnd ? count - taken : 0, count: taken)))
  }

  private static func sort(_ arguments: Arguments, _ context: ExecutionContext) throws -> Value {
    let elements = try elements(arguments, context)
    let keys: [Value]
    switch try arguments.optional("by") {
    case nil: keys = elements
    case .text(let name):
      keys = try elements.map { element in
        guard let key = try Members.field(name, of: element, in: context) else {
          throw explainedField(Members.unknownField(name, of: element))
        }
        return key
      }
    case .some(let function): keys = try elements.map { try context.call(function, [$0]) }
    }
    let descending = try arguments.bool("descending")
    let order = try keys.indices.sorted { left, right in
      try context.check()
      let (first, second) = descending ? (right, left) : (left, right)
      guard let precedes = keys[first].precedes(keys[second]),
        let follows = keys[second].precedes(keys[first])
      else {
        throw ArgumentError(
          "items",
          "\(keys[left].typeWithArticle.sentenceStart) and \(keys[right].typeWithArticle) have no order, "
            + "so this can't be sorted.", code: "wrong-type")
      }
      return precedes || !follows && left < right
    }
    if case .table(let table) = try arguments.value("items") { return .table(table.rows(order)) }
    return .list(order.map { elements[$0] })
  }

  private static func explainedField(_ error: FunctionError) -> ArgumentError {
    ArgumentError("by", error.message, hint: error.hint, code: error.code)
  }
}
