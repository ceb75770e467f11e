import Analysis
import DataFormats
import Models
import Tensors
import Testing

/// Experts, the parts of latent attention's logits and an indexer's losses are those of formulas in double precision over
/// what transformers computes.
@Suite struct DeepSeekTests {
  private func entry(_ group: String, _ name: String) throws -> (JSON, Trace) {
    let entry = try #require(try AnalysisReference("deepseek").document[group]?[name])
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    return (entry, try model.run(ids: try #require(entry["ids"]).integers))
  }

  @Test(arguments: ["deepseek-moe", "deepseek-v2", "deepseek-v3"])
  func expertsAreTheReferences(name: String) throws {
    let (entry, trace) = try entry("experts", name)
    let layer = try #require(entry["layer"]?.integer)
    let found = try ExpertUse(trace, layer: layer)
    let weights = try #require(entry["weights"]).rows
    #expect(found.weights.shape == [weights.count, weights[0].count])
    for (left, right) in zip(found.weights.floats, weights.joined()) {
      #expect(abs(Double(left) - right) <= 1e-5)
    }
    #expect(found.choices == (entry["choices"]?.array ?? []).map(\.integers))
    #expect(found.counts == entry["counts"]?.integers)
    #expect(found.groups == entry["groups"]?.array?.map(\.integers))
    if let worths = entry["worths"]?.rows {
      for (left, right) in zip(try #require(found.groupWorths).floats, worths.joined()) {
        #expect(abs(Double(left) - right) <= 1e-5)
      }
    } else {
      #expect(found.groupWorths == nil)
    }
    #expect(found.corrected == entry["corrected"]?.array?.map(\.integers))
    if let correction = entry["correction"]?.numbers {
      for (left, right) in zip(try #require(found.router.correction), correction) {
        #expect(abs(Double(left) - right) <= 1e-7)
      }
    }
    #expect(abs(found.load.reduce(0, +) - Double(weights[0].count)) < 1e-9)
    #expect(found.effectiveCount > 1 && found.effectiveCount <= Double(weights[0].count) + 1e-6)
    #expect(throws: MissingPartError.self) { try ExpertUse(trace, layer: 0) }
  }

  @Test(arguments: ["deepseek-v3", "deepseek-v2-lite", "deepseek-v32"])
  func attentionIsSplit(name: String) throws {
    let (entry, trace) = try entry("split", name)
    for (layer, line) in (entry["layers"]?.array ?? []).enumerated() {
      let shares = try #require(line["shares"]).numbers
      for (head, share) in shares.enumerated() {
        let found = try ContentAndPosition(trace, layer: layer, head: head)
        #expect(abs(found.contentShare - share) <= 1e-4, "\(layer) \(head)")
        // The sum's softmax is the head's map.
        let map = try trace.attentionMap(layer: layer, head: head)
        for (left, right) in zip(found.attention.floats, map.floats) {
          #expect(abs(left - right) <= 1e-5)
        }
        guard head < line["content"]?.array?.count ?? 0 else { continue }
        for (part, key) in [(found.content, "content"), (found.position, "position")] {
          let expected = try #require(line[key]?.array?[head]).rows
          let largest = expected.joined().reduce(0) { max($0, abs($1)) }
          for (query, row) in expected.enumerated() {
            for key in 0...query {
              #expect(abs(Double(part.row(query)[key]) - row[key]) <= 1e-5 * max(1, largest))
            }
            #expect(part.row(query).dropFirst(query + 1).allSatisfy { $0.isNaN })
          }
        }
      }
    }
  }

  @Test func modelsWithoutLatentsSaySo() throws {
    let trace = try LanguageModel.load(path: "\(fixtures)/llama-grouped").run(ids: [1, 2, 3])
    #expect(throws: MissingPartError.noLatents(model: "llama-grouped")) {
      try ContentAndPosition(trace, layer: 0, head: 0)
    }
    #expect(throws: MissingPartError.noKeySelection(model: "llama-grouped")) {
      try SelectedKeys(trace, layer: 0)
    }
  }

  @Test func whatAnIndexerMissesIsTheReferences() throws {
    let (entry, trace) = try entry("selection", "deepseek-v32")
    for (layer, line) in (entry["layers"]?.array ?? []).enumerated() {
      let found = try SelectedKeys(trace, layer: layer)
      #expect(found.limit == entry["limit"]?.integer)
      #expect(found.keys == line["keys"]?.array?.map(\.integers))
      let missed = try #require(line["missed"]).rows
      for (left, right) in zip(found.missed.floats, missed.joined()) {
        #expect(abs(Double(left) - right) <= 1e-5)
      }
      for (query, least) in try #require(line["least"]).numbers.enumerated() {
        #expect(abs(found.least[query] - least) <= 1e-5)
        #expect(found.missedByMean[query] >= found.least[query] - 1e-6)
      }
      #expect(found.limitedCount == trace.ids.count - found.limit)
      #expect(found.missed.row(0)[found.limit - 1] == 0)
    }
  }
}
