import Glibc
import Tensors

extension Catalogue {
  static let numberFunctions: [FunctionDefinition] = [
    elementwise("abs", "The size of a number without its sign.", "abs(-3)", "3") { $0.magnitude },
    elementwise(
      "sqrt", "The square root.", "sqrt(9)", "3",
      check: { $0 >= 0 ? nil : "The square root of a negative number is no real number." }
    ) { $0.squareRoot() },
    elementwise("exp", "e to the power of a number.", "exp(0)", "1") { Glibc.exp($0) },
    elementwise(
      "log", "The natural logarithm.", "log(1)", "0",
      check: { $0 > 0 ? nil : "Only numbers above 0 have a logarithm." }
    ) { Glibc.log($0) },
    elementwise("floor", "The nearest whole number below.", "floor(2.7)", "2") {
      $0.rounded(.down)
    },
    elementwise("ceil", "The nearest whole number above.", "ceil(2.1)", "3") { $0.rounded(.up) },
    FunctionDefinition(
      "round", group: "Numbers",
      summary: "Rounds to a count of decimals, halves to the even digit.",
      parameters: [
        ParameterDefinition("x", numberOrNumbers, "A number, a list of them or a tensor."),
        ParameterDefinition(
          "digits", .integer(in: -300...300), default: .number(0), unit: "decimals",
          "How many decimals stay."),
      ],
      result: "the like of `x`",
      examples: [Example("round(3.14159, 2)", gives: "3.14"), Example("round(2.5)", gives: "2")]
    ) { arguments, context in
      let digits = try arguments.integer("digits")
      return try Elementwise.apply(arguments.value("x"), "x", context) { number in
        rounded(number, digits)
      }
    },
    FunctionDefinition(
      "seed", group: "Numbers",
      summary: "Sets the seed of the functions that draw at random and are given none.",
      details: "A session begins with the seed 0, so that the same cells give the same numbers.",
      parameters: [ParameterDefinition("value", .integer(in: 0...Int(1) << 53), "The seed.")],
      result: "none", examples: [Example("seed(7)")]
    ) { arguments, context in
      context.seed = try arguments.integer("value")
      return .none
    },
  ]

  static let numberOrNumbers = ParameterType.either([.number(), .numbers])

  private static func elementwise(
    _ name: String, _ summary: String, _ example: String, _ result: String,
    check: @escaping @Sendable (Double) -> String? = { _ in nil },
    _ function: @escaping @Sendable (Double) -> Double
  ) -> FunctionDefinition {
    FunctionDefinition(
      name, group: "Numbers", summary: summary,
      parameters: [
        ParameterDefinition("x", numberOrNumbers, "A number, a list of them or a tensor.")
      ],
      result: "the like of `x`", examples: [Example(example, gives: result)]
    ) { arguments, context in
      try Elementwise.apply(arguments.value("x"), "x", context) { number in
        if let problem = check(number) { throw ArgumentError("x", problem) }
        return function(number)
      } onTensors: {
        Float(function(Double($0)))
      }
    }
  }

  /// Rounds in decimal: 2.675 is the double below it, and so gives 2.67.
  private static func rounded(_ number: Double, _ digits: Int) -> Double {
    guard number.isFinite else { return number }
    if digits == 0 { return number.rounded(.toNearestOrEven) }
    let power = pow(10, Double(abs(digits)))
    guard power.isFinite else { return digits > 0 ? number : 0 }
    let scaled = digits > 0 ? number * power : number / power
    guard scaled.magnitude < 1e15 else { return number }
    let whole = scaled.rounded(.toNearestOrEven)
    return digits > 0 ? whole / power : whole * power
  }
}

/// A function of one number on numbers, lists and tensors.
enum Elementwise {
  static func apply(
    _ value: Value, _ parameter: String, _ context: ExecutionContext,
    _ function: (Double) throws -> Double, onTensors: ((Float) -> Float)? = nil
  ) throws -> Value {
    switch value {
    case .number(let number): return .number(try function(number))
    case .bool(let flag): return .number(try function(flag ? 1 : 0))
    case .list(let list):
      return .list(
        try list.map { element in
          try context.cancellation.check()
          return try apply(element, parameter, context, function, onTensors: onTensors)
        })
    case .range(let range):
      try Sequences.checkCount(range.count)
      return .list(try (0..<range.count).map { .number(try function(Double(range[$0]))) })
    case .tensor(let tensor):
      let floats = tensor.floats
      if let onTensors { return .tensor(Tensor(shape: tensor.shape, floats.map(onTensors))) }
      return .tensor(
        Tensor(shape: tensor.shape, try floats.map { Float(try function(Double($0))) }))
    case .object(let object):
      if let tensor = try object.asTensor() {
        return try apply(tensor, parameter, context, function, onTensors: onTensors)
      }
    default: break
    }
    throw ArgumentError(
      parameter, "\(value.phrase.sentenceStart) is no number.", code: "wrong-type")
  }
}
