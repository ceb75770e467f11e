import Interpreter
import Models

/// The parameters by which every function that looks at a text is told which text and which model.
enum TraceRequest {
  /// `text`: a text, or a trace of one; may be left out where `ids` are given.
  static let text = ParameterDefinition(
    "text", .optional(.textOrObject("Trace")), "The text to look at, or a trace of it.")

  /// `ids`: token ids instead of a text.
  static let ids = ParameterDefinition(
    "ids", .optional(.list(of: .integer(in: 0...Int(Int32.max)))),
    "Token ids instead of a text, for models that come without a tokenizer.")

  /// `using`: the model.
  static let using = ParameterDefinition(
    "using", .optional(.object(["Model"])), defaultText: "the model loaded last",
    "The model to ask.")

  /// `precision`: how exactly the model computes.
  static let precision = ParameterDefinition(
    "precision", .optional(.choice(Precision.allCases.map(\.rawValue))),
    defaultText: "\"full\", or that of the model",
    "\"full\", or \"fast\": rounded to bf16 where weights are bf16 and the CPU multiplies bf16.")

  /// The precision that a call names.
  static func precision(_ arguments: Arguments) throws -> Precision? {
    try arguments.optionalText("precision").flatMap(Precision.init(rawValue:))
  }

  /// The model that a call means.
  static func model(_ arguments: Arguments, _ context: ExecutionContext) throws -> ModelValue {
    if let model: ModelValue = try arguments.object("using") { return model }
    return try ResidentModels.of(context).current(cancellation: context.cancellation)
  }

  /// The model that will answer a call: that of a trace that it gives, else the one it means.
  static func answeringModel(
    _ arguments: Arguments, _ context: ExecutionContext, parameter: String = "text"
  ) throws -> LanguageModel {
    if let trace: TraceValue = try arguments.object(parameter) { return trace.model.model }
    return try model(arguments, context).model
  }

  /// The trace that a call means, from memory or by a run.
  ///
  /// - Parameter parameter: the name of the function's parameter that takes the text.
  static func trace(
    _ arguments: Arguments, _ context: ExecutionContext, parameter: String = "text"
  ) throws -> TraceValue {
    let ids = try arguments.optionalList("ids")?.compactMap(\.integer)
    let takesPrecision = arguments.definition.parameters.contains { $0.name == "precision" }
    if let trace: TraceValue = try arguments.object(parameter) {
      guard ids == nil else { throw bothGiven }
      try check(trace, arguments)
      if takesPrecision, let precision = try precision(arguments),
        precision != trace.model.model.precision
      {
        throw ArgumentError(
          "precision", "The trace was made with precision \"\(trace.model.model.precision)\".",
          hint: "Give the text itself to run it with another one.")
      }
      return trace
    }
    var model = try model(arguments, context)
    if takesPrecision, let precision = try precision(arguments) { model = model.at(precision) }
    let cache = TraceCache.of(context)
    switch (try arguments.optionalText(parameter), ids) {
    case (let text?, nil): return try cache.trace(of: text, model: model, in: context)
    case (nil, let ids?): return try cache.trace(of: ids, model: model, in: context)
    case (nil, nil):
      throw ArgumentError(
        parameter, "`\(arguments.definition.name)` needs a text, a trace, or `ids`.",
        code: "missing-argument")
    case (.some, .some): throw bothGiven
    }
  }

  /// Refuses a trace of another model than the one that the call names.
  static func check(_ trace: TraceValue, _ arguments: Arguments) throws {
    guard let model: ModelValue = try arguments.object("using"), !model.isSameModel(as: trace.model)
    else {
      return
    }
    throw ArgumentError(
      "using",
      "The trace was made with \(trace.model.model.name), not with \(model.model.name).",
      hint: "Give the text itself to ask another model.")
  }

  /// Why a text and ids together mean nothing.
  static var bothGiven: ArgumentError {
    ArgumentError("ids", "Give either a text or `ids`, not both.", code: "wrong-value")
  }
}
