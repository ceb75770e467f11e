import Models
import Tensors
import Testing

@Suite struct GoldenTests {
  static let llamas = ["llama-deepseek-llm", "llama-deepseek-coder", "llama-grouped"]

  @Test(arguments: llamas)
  func aDecoderGivesTheReferencesNumbers(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let golden = try Golden(name)
    #expect(golden.texts.count == 3)
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let deviation = try deviation(of: trace, from: golden, text: text.name, hasLogits: true)
      expectWithinTolerance(deviation, "\(name) \(text.name)")
    }
  }

  @Test(arguments: ["llama-deepseek-llm", "llama-deepseek-coder"])
  func aTextIsCutIntoTheReferencesTokens(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    for text in try Golden(name).texts {
      let trace = try model.run(try #require(text.text))
      #expect(trace.ids == text.ids)
      #expect(trace.tokens.map(\.id) == text.ids)
      #expect(trace.tokens.map(\.byteRange) == text.byteSpans)
      #expect(trace.text == text.text)
    }
  }

  @Test func anEncoderWithOldNamesAndAHeadGivesTheReferencesNumbers() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/bert-masked")
    #expect(!model.configuration.isCausal)
    #expect(model.configuration.hasLanguageModelHead)
    let golden = try Golden("bert-masked")
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let deviation = try deviation(of: trace, from: golden, text: text.name, hasLogits: true)
      expectWithinTolerance(deviation, "bert-masked \(text.name)")
    }
  }

  @Test func logitsOfOnePositionAreThatRowOfAll() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7, 8])
    let all = try trace.logits()
    #expect(all.shape == [4, 200])
    // How many rows are multiplied at once decides the order of the sums, so the last bits may differ.
    let largest = all.floats.map(abs).max() ?? 0
    func expectRows(_ numbers: [Float], _ rows: [Float]) {
      #expect(numbers.count == rows.count)
      for (number, expected) in zip(numbers, rows) {
        #expect(abs(number - expected) <= 1e-6 * largest)
      }
    }
    expectRows(try trace.logits(at: 2).floats, all.row(2))
    expectRows(try trace.logits(of: 1..<3).floats, all.row(1) + all.row(2))
  }

  @Test func meanAndMaximumOverHeadsAreThoseOfTheMaps() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7, 8, 9, 150, 11])
    for layer in 0..<3 {
      let maps = try (0..<4).map { try trace.attentionMap(layer: layer, head: $0).floats }
      #expect(try trace.attentionMaps(layer: layer).floats == maps.flatMap(\.self))
      #expect(try trace.attentionMaps(layer: layer, heads: 1..<3).shape == [2, 7, 7])
      let mean = try trace.reducedAttention(layer: layer, reduction: .mean).floats
      let largest = try trace.reducedAttention(layer: layer, reduction: .max).floats
      for index in 0..<49 {
        let values = maps.map { $0[index] }
        #expect(abs(mean[index] - values.reduce(0, +) / 4) < 1e-6)
        #expect(abs(largest[index] - values.max()!) < 1e-6)
      }
    }
  }
}
