import Analysis
import Interpreter
import Models
import Tensors

/// What is special in the attention of DeepSeek's models: content and position, and the selection of keys.
enum LatentFunctions {
  static let all: [FunctionDefinition] = [contentPosition, selection]

  private static let contentPosition = FunctionDefinition(
    "content_position", group: "Architecture",
    summary:
      "How much of attention comes from what tokens are, and how much from where they stand.",
    details: """
      For latent attention (DeepSeek-V2, V3), where each logit is the sum of a part that knows no positions and one that \
      carries them. Of one head both parts are drawn beside each other, each less its mean over the keys that a query sees, \
      which the softmax doesn't see; the softmax of their sum is the attention. The share of content is the covariance \
      of its part with the logits against their variance; position has the rest, and where the two work against each \
      other a share may leave 0…1. Of several heads the shares are drawn. Where all of a query and key is turned by \
      position, as in Llama, there are no such parts.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "layer", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which layers, counted from 0."),
      ParameterDefinition(
        "head", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which heads, counted from 0."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "AttentionSplit",
    examples: [
      Example(
        "content_position(\"The sky is\", using: load(\"specimen-moe\")).shares",
        needsResources: true),
      Example(
        "content_position(\"The sky is\", layer: 1, head: 2, using: load(\"specimen-moe\")).content",
        needsResources: true),
    ],
    source: "DeepSeek-AI 2024, arXiv:2405.04434, section 2.1.3"
  ) { arguments, context in
    let model = try TraceRequest.answeringModel(arguments, context)
    guard model.configuration.latent != nil else {
      let place =
        model.configuration.compression != nil
        ? "positions turn elements of the one key that serves all heads"
        : model.configuration.rotary == nil
          ? "positions are embedded with its tokens" : "positions turn all of its queries and keys"
      throw FunctionError(
        "\(model.name) has no latent attention: \(place), so that its logits have no part without them.",
        hint: "Models of DeepSeek-V2 and V3 have it, such as load(\"specimen-moe\").",
        code: "missing-part")
    }
    let layers = try (try arguments.selection("layer") ?? .all).indices(
      count: model.configuration.layers, parameter: "layer")
    let heads = try (try arguments.selection("head") ?? .all).indices(
      count: model.configuration.heads, parameter: "head")
    let trace = try TraceRequest.trace(arguments, context)
    if layers.count == 1, heads.count == 1 {
      return .object(
        SplitHeadValue(
          try ContentAndPosition(
            trace.trace, layer: layers[0], head: heads[0], cancellation: context.cancellation),
          of: trace, call: context.call))
    }
    var shares: [Float] = []
    for layer in layers {
      for head in heads {
        let split = try ContentAndPosition(
          trace.trace, layer: layer, head: head, cancellation: context.cancellation)
        shares.append(Float(split.contentShare))
        context.progress(
          "Content and position",
          fraction: Double(shares.count) / Double(layers.count * heads.count))
      }
    }
    return .object(
      SplitValue(
        Tensor(shape: [layers.count, heads.count], shares), layers: layers, heads: heads,
        of: trace, call: context.call))
  }

  private static let selection = FunctionDefinition(
    "selection", group: "Architecture",
    summary: "Which keys an indexer let each token see, and how much attention went past it.",
    details: """
      For sparse attention (DeepSeek-V3.2), where an indexer selects so many keys for each query. The map is the \
      attention that all keys would have had, the mean over the heads: above 0 where a key was selected, below 0 where it \
      wasn't. What is missed is the sum of the latter, of this layer's own queries and keys; beside it stands the \
      least that any selection of as many keys would miss. A text with no more tokens than that sees all. Of models that \
      look at blocks of earlier tokens (DeepSeek-V4) it tells the same of blocks, and how much attention they have.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "layer", .selection(words: ["last"]), default: .selector(.last),
        "Which layer, counted from 0."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "KeySelection, or BlockSelection of models that look at blocks",
    examples: [
      Example(
        "selection(ids: [7, 50, 3, 3, 21, 41, 10, 11, 9, 4]).mean", needsResources: true)
    ],
    source: "DeepSeek-AI 2025, DeepSeek-V3.2-Exp; DeepSeek-AI 2026, DeepSeek-V4"
  ) { arguments, context in
    let model = try TraceRequest.answeringModel(arguments, context)
    let looksAtBlocks = model.configuration.compression != nil
    guard looksAtBlocks || model.configuration.selectedKeys != nil else {
      throw model.missingKeySelection
    }
    let layers = try (try arguments.selection("layer") ?? .last).indices(
      count: model.configuration.layers, parameter: "layer")
    guard layers.count == 1 else {
      throw ArgumentError("layer", "`layer` of `selection` takes one layer.", code: "wrong-value")
    }
    let trace = try TraceRequest.trace(arguments, context)
    if looksAtBlocks {
      let result = try SeenBlocks(
        trace.trace, layer: layers[0], cancellation: context.cancellation
      ) { context.progress("What the selection misses", fraction: $0) }
      return .object(BlockSelectionValue(result, of: trace, call: context.call))
    }
    let result = try SelectedKeys(
      trace.trace, layer: layers[0], cancellation: context.cancellation
    ) { context.progress("What the selection misses", fraction: $0) }
    return .object(SelectionValue(result, of: trace, call: context.call))
  }
}
