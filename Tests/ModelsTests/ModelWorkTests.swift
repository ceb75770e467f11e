import Models
import Testing

/// What models have to do, counted by hand from the sizes in their config.json.
@Suite struct ModelWorkTests {
  @Test(arguments: [
    // 3 layers of 48·32 + 2·24·32 + 32·48 + 3·32·40 numbers, 15 pairs in 4 heads of 12 + 12, a tied head of 200·32.
    ("llama-grouped", 10 * 25_344 + 3 * 2 * 15 * 96, 10 * 6_400, 4 * (25_344 + 6_400)),
    // Attention 2,048, dense part 1,152, router 128, 3 of 8 experts of 288, shared ones 576; a head of 60·16.
    ("deepseek-moe", 10 * 4_768 + 2 * 2 * 15 * 32, 10 * 960, 4 * (4_768 + 960)),
    // Latent attention of 12·16 + 40·12 + 14·16 + 44·10 + 16·20, an indexer of 48·12 + 6·16 + 8·16.
    (
      "deepseek-v32",
      10 * (2 * (1_656 + 800) + 1_152 + 128 + 864 + 288) + 2 * 2 * 15 * 4 * 15, 10 * 960,
      4 * (2 * (1_656 + 800) + 1_152 + 128 + 864 + 288 + 960)
    ),
    // Both stacks: 6 attentions of 4·16·18 and 4 times 2·16·24; 25 pairs in the encoder and across, 15 in the decoder.
    ("t5", 10 * 9_984 + 2 * 2 * (25 + 15 + 25) * 36, 10 * 1_024, 4 * (6_144 + 1_024)),
  ])
  func fiveTokens(name: String, layers: Int, head: Int, bytes: Int) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let work = model.work(tokens: 5)
    #expect(work.forward == Double(layers + head))
    #expect(work.gradient == Double(2 * layers))
    #expect(work.bytesPerToken == Double(bytes))
  }

  /// An indexer of 5 keys, and windows of 5 tokens with all blocks of 6 tokens or 2 selected ones of 4.
  @Test func attentionThatSeesFewKeysCountsThoseAlone() throws {
    let sparse = try LanguageModel.load(path: "\(fixtures)/deepseek-v32")
    func pairs(_ model: LanguageModel, matrices: Double, perPair: Double) -> Double {
      let work = model.work(tokens: 20)
      return (work.gradient / 2 - 40 * matrices) / perPair
    }
    // 1 + 2 + 3 + 4 + 16 · 5 pairs in two layers.
    #expect(pairs(sparse, matrices: 7_344, perPair: 2 * 4 * 15) == 2 * 90)

    let blocks = try LanguageModel.load(path: "\(fixtures)/deepseek-v4")
    let perLayer = blocks.work(tokens: 1).gradient / 2 - 3 * 2 * 4 * 20
    // Windows: 90 pairs in each of three layers; blocks of 4: 0·3 + 1·4 + 2·13; blocks of 6: 0·5 + 1·6 + 2·6 + 3·3.
    #expect(
      blocks.work(tokens: 20).gradient / 2 - 20 * perLayer
        == Double((3 * 90 + 30 + 27) * 2 * 4 * 20))
  }
}
