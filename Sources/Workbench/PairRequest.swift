import Interpreter
import Models

/// The parameters by which functions are told what an encoder-decoder writes.
enum PairRequest {
  /// `target`: the text that is written.
  static let target = ParameterDefinition(
    "target", .optional(.text), defaultText: "none",
    "For models that read one text and write another: what is written.")

  /// `target_ids`: token ids instead of a target.
  static let targetIDs = ParameterDefinition(
    "target_ids", .optional(.list(of: .integer(in: 0...Int(Int32.max)))), defaultText: "none",
    "Token ids instead of a target, as the decoder reads them: from its start on.")

  /// Whether a call names what is written.
  static func hasTarget(_ arguments: Arguments) throws -> Bool {
    let hasIDs = try arguments.optional("target_ids") != nil
    guard try arguments.optionalText("target") != nil else { return hasIDs }
    guard !hasIDs else {
      throw ArgumentError("target_ids", "Give either a target or `target_ids`, not both.")
    }
    return true
  }

  /// The run of both texts that a call means, or `nil` where it names no target.
  ///
  /// - Parameter targetIsNeeded: whether a call without a target means one text; else an encoder-decoder has
  ///   written nothing but its start.
  static func trace(
    _ arguments: Arguments, _ context: ExecutionContext, targetIsNeeded: Bool = true
  ) throws -> PairTraceValue? {
    let model = try TraceRequest.answeringModel(arguments, context)
    guard try hasTarget(arguments) else {
      guard !targetIsNeeded, let start = model.decoderStartID else { return nil }
      let source = try TraceRequest.trace(arguments, context)
      let trace = try model.run(
        source: source.trace, targetIDs: [start], cancellation: context.cancellation)
      return PairTraceValue(trace, source: source, target: nil)
    }
    guard model.isEncoderDecoder else { throw ModelError.noDecoder(model: model.name) }
    let source = try TraceRequest.trace(arguments, context)
    func report(_ progress: RunProgress) {
      context.progress(
        "Running \(model.name)",
        fraction: Double(progress.completedLayers) / Double(progress.layerCount),
        detail: "decoder layer \(progress.completedLayers) of \(progress.layerCount)")
    }
    let target = try arguments.optionalText("target")
    let trace: PairTrace
    if let target {
      trace = try model.run(
        source: source.trace, target: target, progress: report, cancellation: context.cancellation)
    } else {
      let ids = try arguments.list("target_ids").compactMap(\.integer)
      trace = try model.run(
        source: source.trace, targetIDs: ids, progress: report, cancellation: context.cancellation)
    }
    return PairTraceValue(trace, source: source, target: target)
  }
}
