import Tensors

extension Catalogue {
  static let statisticsFunctions: [FunctionDefinition] = [
    reduction("sum", "The sum; 0 for nothing.", "sum([1, 2, 3])", "6", emptyValue: 0) {
      $0.reduce(0, +)
    },
    reduction("mean", "The mean.", "mean([1, 2, 3, 6])", "3") {
      $0.reduce(0, +) / Double($0.count)
    },
    reduction(
      "median", "The middle number, or the mean of the two in the middle.", "median([5, 1, 3])", "3"
    ) { numbers in
      let sorted = numbers.sorted()
      let middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    },
    reduction(
      "std", "The standard deviation of a sample (divided by n − 1; 0 for one number).",
      "std([1, 3])", "1.4142135623731"
    ) { numbers in
      guard numbers.count > 1 else { return 0 }
      let mean = numbers.reduce(0, +) / Double(numbers.count)
      let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(numbers.count - 1)).squareRoot()
    },
    extreme("max", "The largest of the values.", "max([3, 9, 4])", "9", isMaximum: true),
    extreme("min", "The smallest of the values.", "min(3, 9, 4)", "3", isMaximum: false),
    extremePlace(
      "argmax", "The index of the largest number, the first of equals.", "argmax([3, 9, 4])", "1"
    ) { $0 > $1 },
    extremePlace(
      "argmin", "The index of the smallest number, the first of equals.", "argmin([3, 9, 4])", "0"
    ) { $0 < $1 },
    FunctionDefinition(
      "dot", group: "Statistics", summary: "The sum of the products of two lists of numbers.",
      parameters: [
        ParameterDefinition("a", .numbers, "Numbers."),
        ParameterDefinition("b", .numbers, "As many numbers."),
      ],
      result: "a Number", examples: [Example("dot([1, 2], [3, 4])", gives: "11")]
    ) { arguments in
      let (a, b) = try pair(arguments)
      return .number(zip(a, b).reduce(0) { $0 + $1.0 * $1.1 })
    },
    FunctionDefinition(
      "norm", group: "Statistics", summary: "The Euclidean length of a list of numbers.",
      parameters: [ParameterDefinition("x", .numbers, "Numbers.")],
      result: "a Number", examples: [Example("norm([3, 4])", gives: "5")]
    ) { arguments in .number(norm(try arguments.numbers("x"))) },
    FunctionDefinition(
      "cosine", group: "Statistics",
      summary:
        "The cosine of the angle between two lists of numbers: 1 for one direction, 0 for a right angle.",
      parameters: [
        ParameterDefinition("a", .numbers, "Numbers, not all 0."),
        ParameterDefinition("b", .numbers, "As many numbers, not all 0."),
      ],
      result: "a Number in -1…1", examples: [Example("cosine([1, 0], [1, 0])", gives: "1")]
    ) { arguments in
      let (a, b) = try pair(arguments)
      let lengths = norm(a) * norm(b)
      guard lengths > 0 else {
        throw ArgumentError(
          norm(a) == 0 ? "a" : "b", "A vector of zeros has no direction.", code: "wrong-value")
      }
      return .number(min(1, max(-1, zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / lengths)))
    },
  ]

  private static func norm(_ numbers: [Double]) -> Double {
    numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private static func pair(_ arguments: Arguments) throws -> ([Double], [Double]) {
    let a = try arguments.numbers("a")
    let b = try arguments.numbers("b")
    guard a.count == b.count else {
      throw ArgumentError(
        "b", "`a` has \(Value.count(a.count, "number")) and `b` \(b.count): they must be as many.",
        code: "shape-mismatch")
    }
    return (a, b)
  }

  private static let axisParameter = ParameterDefinition(
    "axis", .optional(.integer()),
    "The axis of a tensor along which to reduce; none takes all numbers together.")

  private static func reduction(
    _ name: String, _ summary: String, _ example: String, _ result: String,
    emptyValue: Double? = nil, _ function: @escaping @Sendable ([Double]) -> Double
  ) -> FunctionDefinition {
    FunctionDefinition(
      name, group: "Statistics", summary: summary,
      parameters: [
        ParameterDefinition("x", .numbers, "A list of numbers or a tensor."), axisParameter,
      ],
      result: "a Number, or with `axis` a Tensor of one axis less",
      examples: [Example(example, gives: result)]
    ) { arguments, context in
      if let axis = try arguments.optionalInteger("axis") {
        return try AxisReduction.apply(arguments, axis: axis, name: name, context, function)
      }
      return try context.computing(with: arguments.values) {
        let numbers = try arguments.numbers("x")
        if numbers.isEmpty {
          if let emptyValue { return .number(emptyValue) }
          throw ArgumentError("x", "There is no \(name) of nothing.", code: "empty")
        }
        return .number(function(numbers))
      }
    }
  }

  private static func extreme(
    _ name: String, _ summary: String, _ example: String, _ result: String, isMaximum: Bool
  ) -> FunctionDefinition {
    FunctionDefinition(
      name, group: "Statistics", summary: summary,
      parameters: [
        ParameterDefinition(
          "values", .any, isVariadic: true, "Values to compare, or one list or tensor of them."),
        axisParameter,
      ],
      result: "one of the values, or with `axis` a Tensor of one axis less",
      examples: [Example(example, gives: result)]
    ) { arguments, context in
      let values = try arguments.list("values")
      if values.isEmpty {
        throw FunctionError("There is no \(name) of nothing.", code: "empty")
      }
      if let axis = try arguments.optionalInteger("axis") {
        return try AxisReduction.apply(arguments, axis: axis, name: name, context) { numbers in
          (isMaximum ? numbers.max() : numbers.min()) ?? .nan
        }
      }
      guard values.count == 1 else { return try extreme(of: values, name, isMaximum) }
      switch values[0] {
      case .tensor, .object:
        let found = try context.computing(with: values) {
          let numbers = try Sequences.numbers(values[0])
          return isMaximum ? numbers?.max() : numbers?.min()
        }
        guard let found else { break }
        return .number(found)
      case .range(let range):
        if let last = range.last {
          return .integer(isMaximum ? max(range.first, last) : min(range.first, last))
        }
      case .number: return values[0]
      default:
        if let elements = try Sequences.elements(values[0], in: context), !elements.isEmpty {
          return try extreme(of: elements, name, isMaximum)
        }
      }
      throw ArgumentError(
        "values", "There is no \(name) of \(values[0].phrase).", code: "empty")
    }
  }

  private static func extreme(of values: [Value], _ name: String, _ isMaximum: Bool) throws -> Value
  {
    var best = values[0]
    for value in values.dropFirst() {
      guard let isBetter = isMaximum ? best.precedes(value) : value.precedes(best) else {
        throw ArgumentError(
          "values",
          "\(best.typeWithArticle.sentenceStart) and \(value.typeWithArticle) have no order, "
            + "so there is no \(name).", code: "wrong-type")
      }
      if isBetter { best = value }
    }
    return best
  }

  private static func extremePlace(
    _ name: String, _ summary: String, _ example: String, _ result: String,
    _ isBetter: @escaping @Sendable (Double, Double) -> Bool
  ) -> FunctionDefinition {
    FunctionDefinition(
      name, group: "Statistics", summary: summary,
      parameters: [ParameterDefinition("x", .numbers, "A list of numbers or a tensor.")],
      result: "a Number, counted from 0 row after row", examples: [Example(example, gives: result)]
    ) { arguments in
      let numbers = try arguments.numbers("x")
      guard var best = numbers.indices.first else {
        throw ArgumentError("x", "There is no \(name) of nothing.", code: "empty")
      }
      for index in numbers.indices where isBetter(numbers[index], numbers[best]) { best = index }
      return .integer(best)
    }
  }
}

/// Reductions along one axis of a tensor.
private enum AxisReduction {
  static func apply(
    _ arguments: Arguments, axis: Int, name: String, _ context: ExecutionContext,
    _ function: ([Double]) -> Double
  ) throws -> Value {
    let parameter = arguments.definition.parameters[0]
    var value = try arguments.value(parameter.name)
    if parameter.isVariadic, case .list(let list) = value, list.count == 1 { value = list[0] }
    if case .object(let object) = value { value = try object.asTensor() ?? value }
    let tensor = try TensorAccess.tensor(value)
    guard -tensor.rank <= axis, axis < tensor.rank else {
      throw ArgumentError(
        "axis",
        tensor.rank == 0
          ? "A single number has no axis."
          : "`axis` must lie in 0…\(tensor.rank - 1) for a tensor of shape \(tensor.shape).",
        code: "out-of-range")
    }
    let place = axis < 0 ? axis + tensor.rank : axis
    let extent = tensor.shape[place]
    guard extent > 0 else {
      throw ArgumentError(parameter.name, "There is no \(name) of nothing.", code: "empty")
    }
    let inner = tensor.shape[(place + 1)...].reduce(1, *)
    let outer = tensor.shape[..<place].reduce(1, *)
    let floats = tensor.floats
    var result: [Float] = []
    result.reserveCapacity(outer * inner)
    for block in 0..<outer {
      try context.cancellation.check()
      for column in 0..<inner {
        let start = block * extent * inner + column
        result.append(
          Float(function((0..<extent).map { Double(floats[start + $0 * inner]) })))
      }
    }
    var shape = tensor.shape
    shape.remove(at: place)
    return shape.isEmpty ? .number(Double(result[0])) : .tensor(Tensor(shape: shape, result))
  }
}
