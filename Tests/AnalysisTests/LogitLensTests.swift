import Models
import Tensors
import Testing

@testable import Analysis

@Suite struct LogitLensTests {
  @Test(arguments: HeadReference.models)
  func theReadingsAreTheReferences(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let trace = try model.run(ids: try HeadReference.array("\(name).ids").map { Int($0) })
    var shares: [Double] = []
    let lens = try LogitLens(trace, progress: { shares.append($0) })
    #expect(lens.layers == Array(0...model.configuration.layers))
    #expect(lens.positions == Array(trace.ids.indices))
    #expect(shares.last == 1)
    for layer in lens.layers {
      let row = lens.readings[layer]
      #expect(
        try row.map { Double($0.top[0].id) } == HeadReference.array("\(name).lens-top.\(layer)"))
      #expect(
        largestDifference(
          row.map { $0.top[0].probability },
          try HeadReference.array("\(name).lens-probability.\(layer)")) < 1e-5)
      // Divergences of up to 20 nats: what counts is their relative error.
      for (reading, expected) in zip(
        row, try HeadReference.array("\(name).lens-divergence.\(layer)"))
      {
        #expect(abs(reading.divergence - expected) < 1e-5 * max(1, expected))
      }
    }
  }

  @Test func theLastLayerIsTheModelsOwnWord() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let trace = try model.run("模型看见了词，你好")
    let lens = try LogitLens(trace, layers: [1, 3], positions: [8, 2, 3], count: 3)
    #expect(lens.layers == [1, 3] && lens.positions == [8, 2, 3])
    #expect(lens.readings.map(\.count) == [3, 3])
    for (column, position) in [8, 2, 3].enumerated() {
      let reading = lens.readings[1][column]
      let expected = try NextTokens.top(trace, position: position, count: 3)
      #expect(reading.divergence == 0)
      #expect(reading.top.map(\.id) == expected.map(\.id))
      #expect(reading.top.map(\.text) == expected.map(\.text))
    }
  }

  @Test func whatIsNotThereIsRefused() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7])
    #expect(throws: ModelError.layerOutOfRange(4, count: 4)) {
      try LogitLens(trace, layers: [4])
    }
    #expect(throws: ModelError.positionOutOfRange(3, count: 3)) {
      try LogitLens(trace, positions: [3])
    }
    let encoder = try loadMiniLM()
    #expect(throws: ModelError.noLanguageModelHead(model: encoder.name)) {
      try LogitLens(try encoder.run("A cat."))
    }
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(throws: Cancelled.self) { try LogitLens(trace, cancellation: cancellation) }
  }
}
