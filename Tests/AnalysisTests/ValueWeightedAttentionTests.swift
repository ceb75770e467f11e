import Models
import Tensors
import Testing

@testable import Analysis

@Suite struct ValueWeightedAttentionTests {
  @Test(arguments: HeadReference.models)
  func lengthsAndMapsAreTheReferences(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let trace = try model.run(ids: try HeadReference.array("\(name).ids").map { Int($0) })
    for layer in 0..<model.configuration.layers {
      let expected = try HeadReference.array("\(name).value-lengths.\(layer)")
      let found = try (0..<model.configuration.heads).flatMap {
        try ValueWeightedAttention.valueLengths(trace, layer: layer, head: $0)
      }
      #expect(largestDifference(found, expected) < 1e-5)
    }
    let map = try ValueWeightedAttention.map(trace, layer: 1, head: 2)
    let expected = try HeadReference.array("\(name).value-weighted.1.2")
    #expect(largestDifference(map.floats, expected) < 1e-5)
  }

  @Test func meanAndLargestAreOverTheHeads() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7, 8, 9])
    let maps = try (0..<4).map {
      try ValueWeightedAttention.map(trace, layer: 2, head: $0).floats
    }
    let mean = try ValueWeightedAttention.pattern(trace, layer: 2, heads: .mean)
    let largest = try ValueWeightedAttention.pattern(trace, layer: 2, heads: .max)
    #expect(mean.isCausal && mean.layer == 2 && mean.heads == .mean)
    for index in 0..<25 {
      let all = maps.map { Double($0[index]) }
      #expect(abs(Double(mean.values.floats[index]) - all.reduce(0, +) / 4) < 1e-6)
      #expect(Double(largest.values.floats[index]) == all.max())
    }
    #expect(throws: ModelError.headOutOfRange(4, count: 4)) {
      try ValueWeightedAttention.map(trace, layer: 0, head: 4)
    }
    let withoutValues = try model.run(ids: [5, 6], keeping: .attention)
    #expect(throws: ModelError.notKept("values")) {
      try ValueWeightedAttention.map(withoutValues, layer: 0, head: 0)
    }
  }
}
