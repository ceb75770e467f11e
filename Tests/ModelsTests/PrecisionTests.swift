import Checkpoints
import Models
import Tensors
import Testing

/// Runs of the tiny models with weights stored in bfloat16, fast against full.
@Suite struct PrecisionTests {
  private func rounded(_ name: String) throws -> LanguageModel {
    try ModelCopy(of: name).load(tensors: { tensors in
      tensors = tensors.map { ($0.name, $0.tensor.converted(to: .bfloat16)) }
    })
  }

  // Not with experts: rounding may choose others where two are nearly equally wanted.
  @Test(arguments: ["llama-deepseek-llm", "llama-grouped", "qwen2", "qwen3"])
  func fastStaysCloseToFull(name: String) throws {
    let full = try rounded(name)
    let fast = full.with(precision: .fast)
    #expect(full.precision == .full && full.arithmetic == .float32)
    #expect(fast.precision == .fast && fast.with(precision: .full).arithmetic == .float32)
    let ids = (0..<70).map { ($0 * 37 + 5) % full.configuration.vocabulary }
    let (wanted, found) = (try full.run(ids: ids).logits(), try fast.run(ids: ids).logits())
    let largest = wanted.floats.reduce(0) { max($0, abs($1)) }
    let difference = try largestDifference(found, wanted)
    guard InstructionSet.best.multipliesBFloat16 else {
      #expect(difference == 0)
      return
    }
    #expect(fast.arithmetic == .bfloat16)
    // Eight bits of each activation, a few layers deep.
    #expect(difference > 0)
    #expect(difference <= 0.05 * largest)
  }

  @Test func gradientsAreCloseToo() throws {
    let full = try rounded("llama-deepseek-llm")
    let ids = (0..<70).map { ($0 * 37 + 5) % full.configuration.vocabulary }
    let target = GradientTarget.logits(.logit(of: 7, at: 69))
    let wanted = try full.gradient(of: target, ids: ids).embeddings.floats
    let found = try full.with(precision: .fast).gradient(of: target, ids: ids).embeddings.floats
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let norms = (dot(wanted, wanted) * dot(found, found)).squareRoot()
    #expect(dot(wanted, found) / norms > 0.999)
  }

  @Test func weightsInSinglePrecisionAreNeverRounded() throws {
    let full = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let fast = full.with(precision: .fast)
    #expect(fast.arithmetic == .float32)
    #expect(
      try fast.run(ids: [1, 2, 3]).logits().floats == full.run(ids: [1, 2, 3]).logits().floats)
  }
}
