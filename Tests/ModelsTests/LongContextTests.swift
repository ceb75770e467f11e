import Models
import Synchronization
import Tensors
import Testing

@Suite struct LongContextTests {
  /// The ids of the reference's long run: see `long_ids` in make_models.py.
  static func ids(_ count: Int, vocabulary: Int) -> [Int] {
    (0..<count).map { (7 * $0 * $0 + 3 * $0 + $0 / 5) % vocabulary }
  }

  @Test func a4096TokenTextRunsInTheMemoryOfItsTrace() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let ids = Self.ids(4_096, vocabulary: model.configuration.vocabulary)
    let trace = try model.run(ids: ids)
    // 4 hidden states, 3 layers of queries, keys and values, each 4,096 × 24 floats.
    #expect(trace.byteCount == (4 + 3 * 3) * 4_096 * 24 * 4)
    #expect(trace.byteCount == model.traceByteCount(tokens: 4_096))

    let golden = try Golden("llama-deepseek-llm")
    let logits = try golden.tensor("long.logits.last")
    let difference = try largestDifference(try trace.logits(at: 4_095), logits)
    #expect(difference / largestMagnitude(logits) <= 1e-4)

    let lastRows = try golden.tensor("long.attentions.2.last")
    var largest: Float = 0
    for head in 0..<3 {
      let map = try trace.attentionMap(layer: 2, head: head)
      #expect(map.shape == [4_096, 4_096])
      for query in stride(from: 0, to: 4_096, by: 195) {
        let row = map.row(query)
        #expect(abs(row.reduce(0) { $0 + Double($1) } - 1) < 1e-5)
        #expect(row[(query + 1)...].allSatisfy { $0 == 0 })
      }
      for (value, expected) in zip(map.row(4_095), lastRows.row(head)) {
        largest = max(largest, abs(value - expected))
      }
    }
    #expect(largest <= 1e-5)
    expectWithinTolerance(
      Deviation(attention: largest, logits: difference / largestMagnitude(logits)), "long")
  }

  @Test func laterTokensDoNotReachEarlierOnes() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-coder")
    let ids = Self.ids(1_111, vocabulary: 300)
    let whole = try model.run(ids: ids)
    let start = try model.run(ids: Array(ids[..<481]))
    for layer in 0...3 {
      let expected = try start.hiddenStates(layer)
      let difference = try largestDifference(
        try whole.hiddenStates(layer).rows(0..<481), expected)
      #expect(difference <= 1e-5 * largestMagnitude(expected))
    }
    let other = try model.run(ids: ids[..<480] + [7])
    #expect(
      try largestDifference(try other.hiddenStates(3), try start.hiddenStates(3)) > 0.1)
  }

  @Test func whatIsNotKeptTakesNoMemoryAndIsNamed() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let ids = Self.ids(100, vocabulary: 200)
    let lean = try model.run(ids: ids, keeping: [])
    #expect(lean.byteCount == 100 * 32 * 4)
    #expect(lean.byteCount == model.traceByteCount(tokens: 100, keeping: []))
    let whole = try model.run(ids: ids)
    #expect(try lean.logits().floats == whole.logits().floats)
    #expect(try lean.hiddenStates(3).floats == whole.hiddenStates(3).floats)
    #expect(
      failure { _ = try lean.hiddenStates(0) }
        == "The trace was run without keeping its hidden states.")
    #expect(
      failure { _ = try lean.attentionMap(layer: 0, head: 0) }
        == "The trace was run without keeping its queries and keys.")
    #expect(failure { _ = try lean.values(0) } == "The trace was run without keeping its values.")
    #expect(try whole.values(2).shape == [100, 24])
    // 4 hidden states of 32, and per layer 48 of queries, 24 of keys, 24 of values.
    #expect(whole.byteCount == 100 * (4 * 32 + 3 * (48 + 24 + 24)) * 4)
  }

  @Test func tooMuchForTheMemoryIsRefusedWithFigures() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let ids = Self.ids(4_096, vocabulary: 300)
    let sentence = failure { _ = try model.run(ids: ids, memoryLimit: 2_000_000) }
    let needed = model.runByteCount(tokens: 4_096) / 1_000_000
    #expect(needed > 5)
    #expect(
      sentence
        == "A trace of 4096 tokens would take \(needed) MB of memory, but 2 MB are available: take a shorter text or ask for less."
    )
  }

  @Test func progressCountsLayers() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    var seen: [RunProgress] = []
    _ = try model.run(ids: [1, 2, 3], progress: { seen.append($0) })
    #expect(seen.map(\.completedLayers) == [1, 2, 3])
    #expect(seen.allSatisfy { $0.layerCount == 3 })
  }

  @Test func aCancelledRunStopsBeforeTheNextLayerAndLeavesTheModelUsable() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let cancellation = Cancellation()
    var layers = 0
    #expect(throws: Cancelled.self) {
      try model.run(
        ids: [1, 2, 3],
        progress: { _ in
          layers += 1
          cancellation.cancel()
        }, cancellation: cancellation)
    }
    #expect(layers == 1)
    cancellation.reset()
    let again = try model.run(ids: [1, 2, 3], cancellation: cancellation)
    #expect(try again.logits().floats == model.run(ids: [1, 2, 3]).logits().floats)
    cancellation.cancel()
    #expect(throws: Cancelled.self) {
      try again.attentionMap(layer: 0, head: 0, cancellation: cancellation)
    }
    #expect(throws: Cancelled.self) { try again.logits(cancellation: cancellation) }
  }
}
