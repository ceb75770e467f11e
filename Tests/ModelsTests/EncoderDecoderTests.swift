import DataFormats
import Glibc
import Models
import Tensors
import Testing

/// T5 against transformers in f32; see make_t5.py beside the files.
@Suite struct EncoderDecoderTests {
  private struct Text {
    let name: String
    let ids: [Int]
    let targetIDs: [Int]
    let greedy: [Int]
  }

  private static func texts(_ name: String) throws -> [Text] {
    let document = try JSON(parsing: try contents("\(fixtures)/golden/\(name).json"))
    return try #require(document["texts"]?.array).map { text in
      func integers(_ key: String) -> [Int] { text[key]?.array?.compactMap(\.integer) ?? [] }
      return Text(
        name: try #require(text["name"]?.string), ids: integers("ids"),
        targetIDs: integers("targetIDs"), greedy: integers("greedy"))
    }
  }

  private static func largest(_ tensor: Tensor) -> Float {
    tensor.floats.reduce(0) { max($0, abs($1)) }
  }

  private static let names = ["t5", "t5-gated"]

  @Test(arguments: names)
  func bothStacksGiveTheReferencesNumbers(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    #expect(model.architecture == "T5" && model.isEncoderDecoder)
    #expect(model.unusedWeightNames.isEmpty)
    let golden = try Golden(name)
    for text in try Self.texts(name) where text.name != "long" {
      let source = try model.run(ids: text.ids)
      let trace = try model.run(source: source, targetIDs: text.targetIDs)
      func expect(_ tensor: Tensor, _ key: String, relative: Float? = nil) throws {
        let expected = try golden.tensor("\(text.name).\(key)")
        let tolerance = relative.map { $0 * Self.largest(expected) } ?? 1e-5
        #expect(try largestDifference(tensor, expected) <= tolerance, "\(name) \(text.name) \(key)")
      }
      for layer in 0..<model.configuration.layers {
        try expect(try source.attentionMaps(layer: layer), "encoder_attentions.\(layer)")
      }
      for layer in 0...model.configuration.layers {
        try expect(
          try source.hiddenStates(layer), "encoder_hidden_states.\(layer)", relative: 1e-4)
      }
      for layer in 0..<trace.configuration.layers {
        try expect(try trace.targetAttentionMaps(layer: layer), "decoder_attentions.\(layer)")
        try expect(try trace.crossAttentionMaps(layer: layer), "cross_attentions.\(layer)")
      }
      for layer in 0...trace.configuration.layers {
        try expect(
          try trace.targetHiddenStates(layer), "decoder_hidden_states.\(layer)", relative: 1e-4)
      }
      try expect(try trace.logits(), "logits", relative: 1e-4)
    }
  }

  @Test(arguments: names)
  func farDistancesFallIntoTheReferencesBuckets(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let golden = try Golden(name)
    let text = try #require(try Self.texts(name).first { $0.name == "long" })
    let source = try model.run(ids: text.ids)
    let trace = try model.run(source: source, targetIDs: text.targetIDs)
    let logits = try golden.tensor("long.logits")
    let last = try trace.logits().rows(text.targetIDs.count - 1..<text.targetIDs.count)
    #expect(try largestDifference(last, logits) <= 1e-4 * Self.largest(logits))
    for (maps, key, rows) in [
      (try source.attentionMaps(layer: model.configuration.layers - 1), "encoder", [0, 70, 149]),
      (
        try trace.targetAttentionMaps(layer: trace.configuration.layers - 1), "decoder",
        [0, 30, 59]
      ),
    ] {
      let expected = try golden.tensor("long.\(key)_rows")
      for head in 0..<model.configuration.heads {
        for (index, row) in rows.enumerated() {
          #expect(
            zip(maps[head].row(row), expected[head].row(index)).allSatisfy {
              abs($0 - $1) <= 1e-5
            }, "\(name) \(key) head \(head) row \(row)")
        }
      }
    }
  }

  @Test(arguments: names)
  func theLikeliestTextIsTheReferences(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    var options = GenerationOptions()
    options.tokens = 20
    for text in try Self.texts(name) {
      let source = try model.run(ids: text.ids)
      let generation = try model.generate(reading: source, options: options)
      #expect(generation.tokens.map(\.id) == text.greedy, "\(name) \(text.name)")
      #expect(generation.promptIDs == text.ids)
      #expect(generation.ending == (text.greedy.last == 1 ? .endToken : .length))
    }
  }

  /// Keys and values that are kept give what reading all that was written gives.
  @Test(arguments: names)
  func whatIsWrittenPieceByPieceIsWhatIsRunWhole(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let text = try #require(try Self.texts(name).first { $0.name == "long" })
    let source = try model.run(ids: text.ids)
    let whole = try model.run(source: source, targetIDs: text.targetIDs).logits()
    var continuation = try Continuation(of: model, reading: source, capacity: 4)
    var place = 0
    for count in [1, 1, 5, 1, 30, 1, 1] {
      let last = try continuation.read(Array(text.targetIDs[place..<place + count]))
      place += count
      let logits = try continuation.logits(last).floats
      let expected = whole.row(place - 1)
      let largest = expected.reduce(0) { max($0, abs($1)) }
      #expect(
        zip(logits, expected).allSatisfy { abs($0 - $1) <= 2e-6 * largest }, "\(name) \(place)")
    }
    #expect(continuation.ids == Array(text.targetIDs[..<place]))
  }

  @Test func theSeedDecidesWhatIsDrawnAndEachStepTellsItsProbability() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/t5-gated")
    let source = try model.run(ids: [5, 6, 7, 8, 1])
    var options = GenerationOptions()
    (options.tokens, options.temperature, options.seed) = (12, 1.2, 7)
    options.stopsAtEnd = false
    let first = try model.generate(reading: source, options: options)
    var told: [Int] = []
    let again = try model.generate(reading: source, options: options) { token, _ in
      told.append(token.id)
      return true
    }
    #expect(first.tokens == again.tokens && told == first.tokens.map(\.id))
    options.seed = 8
    #expect(try model.generate(reading: source, options: options).tokens != first.tokens)
    let trace = try model.run(source: source, targetIDs: [0] + told)
    for (step, token) in first.tokens.enumerated() {
      let row = try trace.logits(at: step).floats
      #expect(abs(token.logit - Double(row[token.id])) < 1e-5)
      #expect(abs(token.probability - exp(Double(row[token.id]) - logSumExp(row))) < 1e-6)
    }
    #expect(throws: Stopped.self) {
      try model.generate(reading: source, options: options) { _, _ in throw Stopped() }
    }
    let stopped = try model.generate(reading: source, options: options) { _, _ in false }
    #expect(stopped.tokens.count == 1 && stopped.ending == .stopped)
  }

  private struct Stopped: Error {}

  @Test func headsTakenAloneAreThoseOfAll() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/t5")
    let source = try model.run(ids: [5, 6, 7, 8, 1])
    let trace = try model.run(source: source, targetIDs: [0, 9, 10])
    let all = try trace.crossAttentionMaps(layer: 1)
    #expect(all.shape == [3, 3, 5])
    #expect(try trace.crossAttentionMaps(layer: 1, heads: 1..<2).floats == all[1].floats)
    #expect(
      try source.attentionMap(layer: 0, head: 2).floats == source.attentionMaps(layer: 0)[2].floats)
    let mean = try source.reducedAttention(layer: 0, reduction: .mean).floats
    let maps = try source.attentionMaps(layer: 0)
    for index in mean.indices {
      let sum = (0..<3).reduce(Float(0)) { $0 + maps[$1].floats[index] }
      #expect(abs(mean[index] - sum / 3) < 1e-6)
    }
  }

  @Test func whatCannotBeAskedIsSaid() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/t5")
    let source = try model.run(ids: [5, 6])
    let trace = try model.run(source: source, targetIDs: [0])
    #expect(throws: ModelError.layerOutOfRange(2, count: 2)) {
      try trace.crossAttentionMaps(layer: 2)
    }
    #expect(throws: ModelError.headOutOfRange(3, count: 3)) {
      try trace.crossAttentionMaps(layer: 0, heads: 3..<4)
    }
    #expect(throws: ModelError.emptyInput) { try model.run(source: source, targetIDs: []) }
    #expect(throws: ModelError.tokenOutOfRange(id: 64, position: 1, vocabulary: 64)) {
      try model.run(source: source, targetIDs: [0, 64])
    }
    #expect(throws: ModelError.positionOutOfRange(1, count: 1)) { try trace.logits(at: 1) }
    #expect(throws: ModelError.noLanguageModelHead(model: "t5")) { try source.logits() }
    let decoder = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    #expect(throws: ModelError.noDecoder(model: "llama-grouped")) {
      try decoder.run(source: try decoder.run(ids: [5]), targetIDs: [0])
    }
    #expect(throws: ModelError.noDecoder(model: "llama-grouped")) {
      try decoder.generate(reading: try decoder.run(ids: [5]))
    }
  }
}
