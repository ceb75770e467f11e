import Interpreter
import Models

/// What a call of `attention` asks of a decoder that looks at another text.
enum PairAttentionRequest {
  /// The map or the grid of maps that a call means, or `nil` where it asks for the attention of one text.
  static func value(_ arguments: Arguments, _ context: ExecutionContext) throws -> Value? {
    let name = try arguments.text("kind")
    guard let kind = PairAttentionKind(rawValue: name) else {
      guard try !PairRequest.hasTarget(arguments) else {
        throw ArgumentError(
          "target", "The attention of kind \"\(name)\" is that of one text, so it takes no target.",
          hint: "Give kind: \"cross\" or kind: \"decoder\".")
      }
      return nil
    }
    guard let trace = try PairRequest.trace(arguments, context) else {
      throw ArgumentError(
        "target",
        "The attention of kind \"\(name)\" is that of a text which is written: "
          + "it needs a `target`.", code: "missing-argument")
    }
    let sizes = trace.trace.configuration
    let special = try arguments.bool("special")
    let layers = try AttentionChoice.choices(
      try arguments.selection("layer") ?? .last, count: sizes.layers, parameter: "layer")
    let heads = try AttentionChoice.choices(
      try arguments.selection("head") ?? .mean, count: sizes.heads, parameter: "head")
    let total = layers.count * heads.count
    try AttentionFunctions.checkSize(
      maps: total, queries: trace.trace.targetIDs.count, keys: kind.keys(trace.trace).count)
    var done = 0
    let maps = try layers.map { layer in
      try heads.map { head in
        try context.check()
        let weights = try kind.weights(
          trace.trace, layer: layer, head: head, cancellation: context.cancellation)
        done += 1
        context.progress(
          "Attention maps", fraction: Double(done) / Double(total), detail: "\(done) of \(total)")
        return PairAttentionValue(
          weights, of: trace, kind: kind,
          place: "decoder \(layer.words("layer", of: sizes.layers)) · "
            + head.words("head", of: sizes.heads), showsSpecial: special, call: context.call)
      }
    }
    if total == 1 { return .object(maps[0][0]) }
    return .object(
      PairAttentionGridValue(
        maps, of: trace, kind: kind, layers: layers, heads: heads, showsSpecial: special,
        call: context.call))
  }
}
