import Analysis
import Checkpoints
import Glibc
import Models
import Tensors
import Testing

/// Attention to blocks of tokens, against the maps of transformers.
@Suite struct SeenBlocksTests {
  private func reference() throws -> (golden: SafetensorsFile, ids: [Int], trace: Trace) {
    let golden = try SafetensorsFile(path: "\(fixtures)/golden/deepseek-v4.safetensors")
    let document = try ProjectionFixture.file("../Models/golden/deepseek-v4.json")
    let ids = try #require(document["texts"]?[1]?["ids"]).integers
    let model = try LanguageModel.load(path: "\(fixtures)/deepseek-v4")
    return (golden, ids, try model.run(ids: ids))
  }

  @Test func whatBlocksHaveIsTheReferences() throws {
    let (golden, _, trace) = try reference()
    for layer in [1, 2] {
      let maps = try golden.tensor(named: "longer.attentions.\(layer)")
      let (heads, count, width) = (maps.shape[0], maps.shape[1], maps.shape[2])
      let found = try SeenBlocks(trace, layer: layer)
      let columns = width - count
      #expect(found.tokens.count == columns && found.limit == (layer == 1 ? 2 : nil))
      for query in 0..<count {
        var share = 0.0
        var dense = [Double](repeating: 0, count: columns)
        for head in 0..<heads {
          let row = maps.rows(head..<head + 1).reshaped([count, width]).row(query)
          let own = row[count...].map { Double($0) }
          share += own.reduce(0, +) / Double(heads)
          // Without the selection the seen keys keep their ratios: each loses the share that the others get.
          let all = try trace.denseBlockAttentionMaps(layer: layer, heads: head..<head + 1)
            .reshaped([count, columns]).row(query)
          let seen = Set(found.blocks[query])
          let others = all.indices.filter { !seen.contains($0) }.reduce(0.0) {
            $0 + Double(all[$1])
          }
          for block in 0..<columns {
            if seen.contains(block) {
              #expect(abs(own[block] * (1 - others) - Double(all[block])) <= 2e-6)
            } else {
              #expect(own[block] == 0)
            }
            dense[block] += Double(all[block]) / Double(heads)
          }
        }
        #expect(abs(found.share[query] - share) <= 1e-5)
        let available = (query + 1) / (layer == 1 ? 4 : 6)
        #expect(found.available[query] == available)
        #expect(found.blocks[query].count == min(available, found.limit ?? available))
        for (block, value) in dense.enumerated() {
          #expect(abs(Double(found.dense.row(query)[block]) - value) <= 1e-6)
          #expect(block < available || value == 0)
        }
        let missed = dense.indices.reduce(0.0) {
          found.blocks[query].contains($1) ? $0 : $0 + dense[$1]
        }
        #expect(abs(found.missed[query] - missed) <= 1e-6)
        #expect(found.missed[query] >= found.least[query] - 1e-9)
      }
    }
    #expect(throws: MissingPartError.noBlocksInLayer(0)) { try SeenBlocks(trace, layer: 0) }
    #expect(throws: MissingPartError.attentionPastTokens(model: "deepseek-v4")) {
      try AttentionRollout.rollout(trace)
    }
    #expect(throws: MissingPartError.attentionPastTokens(model: "deepseek-v4")) {
      try AttentionFlow(of: trace)
    }
  }

  /// Of what goes to blocks and sinks, heads' numbers know nothing: rows of single tokens are made to sum to 1.
  @Test func headsOfAWindowAreThoseOfItsTokens() throws {
    let (golden, ids, trace) = try reference()
    for summary in try AttentionPatterns.summaries(trace) {
      let maps = try golden.tensor(named: "longer.attentions.\(summary.layer)")
      let map = maps.rows(summary.head..<summary.head + 1).reshaped(Array(maps.shape.dropFirst()))
      var (bits, shares, previous, distance) = (0.0, 0.0, 0.0, 0.0)
      for query in ids.indices {
        let row = map.row(query).prefix(ids.count).map(Double.init)
        let sum = row.reduce(0, +)
        let own = row.map { $0 / sum }
        let entropy = own.reduce(0) { $1 > 0 ? $0 - $1 * log2($1) : $0 }
        bits += entropy / Double(ids.count)
        if query > 0 {
          shares += entropy / log2(Double(min(5, query + 1))) / Double(ids.count - 1)
          previous += own[query - 1] / Double(ids.count - 1)
        }
        for (key, weight) in own.enumerated() {
          distance += weight * Double(query - key) / Double(ids.count)
        }
      }
      #expect(abs(summary.entropy - bits) <= 1e-4)
      #expect(abs(summary.normalizedEntropy - shares) <= 1e-4)
      #expect(abs((summary.previousToken.mean ?? 0) - previous) <= 1e-5)
      #expect(abs(summary.distance - distance) <= 1e-4)
    }
  }
}
