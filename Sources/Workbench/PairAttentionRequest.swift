import Figures
import Interpreter
import Models
import Tensors

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
    func weights(_ layer: AttentionChoice, _ head: AttentionChoice) throws -> Tensor {
      try kind.weights(trace.trace, layer: layer, head: head, cancellation: context.cancellation)
    }
    if AttentionTilesValue.areNeeded(
      maps: total, queries: trace.trace.targetIDs.count, keys: kind.keys(trace.trace).count)
    {
      let shown = PairAttentionShown(trace.trace, kind, special: special)
      let tiles = try AttentionFunctions.eachMap(layers, heads, context) { layer, head in
        PooledMatrix(
          shown.matrix(try weights(layer, head)), isCausal: kind == .own, count: total)
      }
      return .object(
        AttentionTilesValue(
          tiles, of: trace.model, layers: layers, heads: heads,
          face: AttentionTilesValue.Face(
            title: "\(kind.title) · \(trace.model.model.name)", rowLabels: shown.rowLabels,
            columnLabels: shown.columnLabels, isCausal: kind == .own, rowTitle: kind.rowTitle,
            columnTitle: kind.columnTitle),
          call: context.call))
    }
    let maps = try AttentionFunctions.eachMap(layers, heads, context) { layer, head in
      PairAttentionValue(
        try weights(layer, head), of: trace, kind: kind,
        place: "decoder \(layer.words("layer", of: sizes.layers)) · "
          + head.words("head", of: sizes.heads), showsSpecial: special, call: context.call)
    }
    if total == 1 { return .object(maps[0][0]) }
    return .object(
      PairAttentionGridValue(
        maps, of: trace, kind: kind, layers: layers, heads: heads, showsSpecial: special,
        call: context.call))
  }
}
