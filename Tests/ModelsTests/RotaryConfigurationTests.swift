import DataFormats
import Glibc
import Models
import Testing

@Suite struct RotaryConfigurationTests {
  private func yarn(_ others: JSONObject) throws -> RotaryConfiguration {
    var scaling: JSONObject = [
      "type": "yarn", "factor": 40, "original_max_position_embeddings": 4_096,
    ]
    for entry in others.members { scaling[entry.key] = entry.value }
    return try RotaryConfiguration(
      ConfigurationReader(["rope_theta": 10_000, "rope_scaling": .object(scaling)]))
  }

  @Test func theAttentionFactorIsGivenOrFollowsFromTheScales() throws {
    // 0.1 · ln 40 + 1
    #expect(abs(try yarn([:]).attentionFactor - 1.368_887_945) < 1e-8)
    #expect(try yarn(["mscale": 1, "mscale_all_dim": 1]).attentionFactor == 1)
    // A scale alone, or 0, says nothing.
    #expect(abs(try yarn(["mscale": 0.5]).attentionFactor - 1.368_887_945) < 1e-8)
    #expect(
      abs(try yarn(["mscale": 0.5, "mscale_all_dim": 0]).attentionFactor - 1.368_887_945) < 1e-8)
    #expect(
      abs(
        try yarn(["mscale": 0.5, "mscale_all_dim": 1]).attentionFactor
          - (0.05 * log(40) + 1) / (0.1 * log(40) + 1)) < 1e-12)
    #expect(
      try yarn(["mscale": 0.5, "mscale_all_dim": 1, "attention_factor": 1.25]).attentionFactor
        == 1.25)
    #expect(abs(try yarn(["attn_factor": 0.5]).attentionFactor - 1.368_887_945) < 1e-8)
    #expect(try yarn(["factor": 0.5]).attentionFactor == 1)
  }

  @Test func theScoreFactorIsTheSquareOfTheScaleOfAllDimensions() throws {
    func factor(_ mscale: JSON) throws -> Double? {
      guard case .yarn(let yarn) = try yarn(["mscale_all_dim": mscale]).scaling else { return nil }
      return yarn.scoreFactor
    }
    #expect(abs(try #require(try factor(1)) - 1.873_854) < 1e-6)
    #expect(abs(try #require(try factor(0.707)) - 1.589_626) < 1e-5)
    #expect(try factor(.null) == 1)
  }

  @Test func fastPairsKeepTheirFrequencyAndSlowOnesAreDivided() throws {
    let plain = RotaryConfiguration(theta: 10_000).inverseFrequencies(headDimension: 64)
    let stretched = try yarn([:]).inverseFrequencies(headDimension: 64)
    // Pairs that turn 32 times or more in 4,096 tokens: up to floor(64 · ln(4096 / 64π) / 2 ln 10⁴) = 10.
    #expect(stretched[...10].elementsEqual(plain[...10]))
    // Those that turn once or less: from ceil(64 · ln(4096 / 2π) / 2 ln 10⁴) = 23 on.
    for pair in 23..<32 { #expect(abs(stretched[pair] * 40 / plain[pair] - 1) < 1e-6) }
    for pair in 11..<23 {
      let share = Float(pair - 10) / 13
      let expected = plain[pair] / 40 * share + plain[pair] * (1 - share)
      #expect(abs(stretched[pair] / expected - 1) < 1e-5)
    }
  }

  @Test func theFactorMayFollowFromTheLengths() throws {
    let rotary = try RotaryConfiguration(
      ConfigurationReader([
        "max_position_embeddings": 8_192,
        "rope_scaling": ["type": "yarn", "original_max_position_embeddings": 4_096],
      ]))
    guard case .yarn(let yarn) = rotary.scaling else {
      Issue.record("not yarn")
      return
    }
    #expect(yarn.factor == 2)
  }
}
