import Tensors
import Testing

@testable import Models

/// What a long text's trace computes again is what it would have kept.
@Suite struct AttentionAgainTests {
  @Test(arguments: [
    "llama-deepseek-coder", "llama-grouped", "qwen2", "qwen3", "deepseek-moe", "gpt2",
    "deepseek-v2",
  ]) func givesTheSameBits(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let ids = (0..<30).map { 3 + ($0 * 37) % 50 }
    let kept = try model.run(ids: ids)
    let again = try AttentionAgain.$smallest.withValue(0) {
      let trace = try model.run(ids: ids)
      #expect(trace.byteCount == model.traceByteCount(tokens: 30))
      return trace
    }
    let isComputed = model.network.canTellAttentionInputs
    #expect(isComputed == (again.byteCount < kept.byteCount))
    for layer in [0, model.configuration.layers - 1, 0] {
      #expect(
        try kept.attentionMaps(layer: layer).floats == again.attentionMaps(layer: layer).floats)
      #expect(try kept.queriesAndKeys(layer).keys.floats == again.queriesAndKeys(layer).keys.floats)
      #expect(try kept.values(layer).floats == again.values(layer).floats)
      #expect(
        try kept.reducedAttention(layer: layer, reduction: .max).floats
          == again.reducedAttention(layer: layer, reduction: .max).floats)
    }
  }

  @Test func whatWasNotAskedForIsNotGiven() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/qwen2")
    let trace = try AttentionAgain.$smallest.withValue(0) {
      try model.run(ids: [1, 2, 3], keeping: [.hiddenStates, .attention])
    }
    #expect(throws: ModelError.notKept("values")) { try trace.values(0) }
    _ = try trace.attentionMaps(layer: 0)
    // Taps change what attention sees: then everything is kept.
    let tapped = try AttentionAgain.$smallest.withValue(0) {
      try model.run(
        ids: [1, 2, 3],
        taps: [Tap(.residual(0)) { rows, _ in Tensor(repeating: 1, shape: rows.shape) }])
    }
    let plain = try model.run(ids: [1, 2, 3])
    #expect(
      try tapped.attentionMaps(layer: 0).floats != plain.attentionMaps(layer: 0).floats)
  }
}
