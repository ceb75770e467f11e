import Analysis
import DataFormats
import Foundation
import Models
import Tensors
import Testing

/// A file of reference numbers beside the script that made it.
struct AnalysisReference {
  let document: JSON

  init(_ name: String) throws {
    let path =
      #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
      + "/Fixtures/Analysis/\(name).json"
    document = try JSON(parsing: [UInt8](Data(contentsOf: URL(filePath: path))))
  }
}

extension JSON {
  var numbers: [Double] { (array ?? []).compactMap(\.number) }
  var integers: [Int] { (array ?? []).compactMap(\.integer) }
  var rows: [[Double]] { (array ?? []).map(\.numbers) }
}

/// What parts and neurons do is what hooks on transformers find, within 1e-5 of the largest number.
@Suite struct PartsTests {
  private struct Case {
    let model: LanguageModel
    let entry: JSON
    let ids: [Int]
    let terms: [(id: Int, weight: Double)]

    init(_ name: String) throws {
      let document = try AnalysisReference("parts").document
      entry = try #require(document["models"]?[name])
      ids = try #require(document["ids"]).integers
      terms = [
        (try #require(document["right"]?.integer), 1),
        (try #require(document["wrong"]?.integer), -1),
      ]
      model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    }
  }

  private func expect(_ found: [Double], _ expected: [Double], within tolerance: Double = 1e-5) {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    #expect(found.count == expected.count)
    for (left, right) in zip(found, expected) {
      #expect(abs(left - right) <= tolerance * max(largest, 1e-9), "\(left) \(right)")
    }
  }

  @Test(arguments: ["llama-grouped", "gpt2", "deepseek-v3"])
  func sharesAreTheReferencesAndSumToTheLogit(name: String) throws {
    let one = try Case(name)
    let found = try LogitContributions(one.model, ids: one.ids, terms: one.terms)
    let heads = try #require(one.entry["heads"]).rows
    #expect(found.heads.shape == [heads.count, heads[0].count])
    expect(found.heads.floats.map(Double.init), heads.flatMap(\.self))
    expect(found.feedForward, try #require(one.entry["feedForward"]).numbers)
    expect([found.embedding], [try #require(one.entry["embedding"]?.number)])
    if let biases = one.entry["biases"]?.numbers {
      expect(try #require(found.attentionBiases), biases)
    } else {
      #expect(found.attentionBiases == nil)
    }
    if let bias = one.entry["normBias"]?.number {
      expect([try #require(found.normBias)], [bias])
    } else {
      #expect(found.normBias == nil)
    }
    let largest = found.parts.reduce(0) { max($0, abs($1.value)) }
    #expect(abs(found.sum - found.logit) <= 1e-5 * largest)
    #expect(abs(found.logit - (try #require(one.entry["logit"]?.number))) <= 1e-5 * largest)
  }

  @Test func whatCantBeAskedIsRefused() throws {
    let one = try Case("llama-grouped")
    #expect(throws: ModelError.positionOutOfRange(8, count: 8)) {
      try LogitContributions(one.model, ids: one.ids, terms: one.terms, position: 8)
    }
    #expect(throws: ModelError.self) {
      try LogitContributions(one.model, ids: one.ids, terms: [(100_000, 1)])
    }
    let encoder = try LanguageModel.load(path: "\(fixtures)/bert-masked")
    #expect(throws: MissingPartError.noReadout(model: "bert-masked")) {
      try LogitContributions(encoder, ids: [1, 2, 3], terms: [(3, 1)])
    }
  }

  @Test(arguments: ["llama-grouped", "gpt2", "deepseek-v3"])
  func neuronsAreTheReferences(name: String) throws {
    let one = try Case(name)
    let layer = one.model.configuration.layers - 1
    let expected = try #require(one.entry["neurons"]?["activations"]).rows
    let part: NeuronPart = name == "deepseek-v3" ? .shared : .dense
    let found = try Neurons(
      one.model, texts: [[1, 2], one.ids], layer: layer, part: part, count: expected[0].count,
      peaks: 2, words: 6)
    #expect(found.neurons.count == expected[0].count)
    #expect(found.tokenCount == 2 + one.ids.count)
    var last = Float.infinity
    for neuron in found.neurons {
      let column = expected.map { $0[neuron.index] }
      let line = try #require(neuron.peaks.firstIndex { $0.text == 1 })
      // Columns differ in size; what counts is the largest of all.
      let largest = expected.joined().reduce(0) { max($0, abs($1)) }
      for (left, right) in zip(neuron.activations[line], column) {
        #expect(abs(Double(left) - right) <= 1e-5 * largest)
      }
      let peak = neuron.peaks[line]
      #expect(abs(column[peak.position]) == column.map(abs).max())
      #expect(abs(neuron.peaks[0].activation) <= last)
      last = abs(neuron.peaks[0].activation)
    }
    // A position that doesn't count is no peak.
    let some = try Neurons(
      one.model, texts: [one.ids], counting: [[2, 3]], layer: layer, part: part, count: 4)
    #expect(some.tokenCount == 2)
    for neuron in some.neurons {
      let column = expected.map { abs($0[neuron.index]) }
      #expect(neuron.peaks[0].position == (column[3] > column[2] ? 3 : 2))
      #expect(neuron.activations[0].count == one.ids.count)
    }
    // What the first three neurons write.
    let effects = try #require(one.entry["neurons"]?["effects"]).rows
    let named = try Neurons(
      one.model, texts: [one.ids], layer: layer, part: part, chosen: [0, 1, 2], words: 6)
    for (neuron, row) in zip(named.neurons, effects) {
      let sorted = row.indices.sorted { row[$0] > row[$1] }
      #expect(neuron.raises.map(\.id) == Array(sorted.prefix(6)))
      #expect(neuron.lowers.map(\.id) == Array(sorted.reversed().prefix(6)))
      expect(neuron.raises.map { Double($0.effect) }, sorted.prefix(6).map { row[$0] })
    }
  }

  @Test func anExpertsNeuronsAreExcitedByItsOwnTokens() throws {
    let one = try Case("deepseek-v3")
    let layer = one.model.configuration.layers - 1
    let expert = try #require(one.entry["expert"]?["number"]?.integer)
    let rows = try #require(one.entry["expert"]?["rows"]).integers
    let expected = try #require(one.entry["expert"]?["activations"]).rows
    let found = try Neurons(
      one.model, texts: [one.ids], layer: layer, part: .expert(expert), count: 6)
    #expect(found.tokenCount == rows.count)
    let largest = expected.joined().reduce(0) { max($0, abs($1)) }
    for neuron in found.neurons {
      for (position, value) in neuron.activations[0].enumerated() {
        guard let row = rows.firstIndex(of: position) else {
          #expect(value.isNaN)
          continue
        }
        #expect(abs(Double(value) - expected[row][neuron.index]) <= 1e-5 * largest)
      }
    }
    #expect(throws: MissingPartError.self) {
      try Neurons(one.model, texts: [one.ids], layer: layer, part: .dense)
    }
    #expect(throws: MissingPartError.self) {
      try Neurons(one.model, texts: [one.ids], layer: layer, part: .expert(99))
    }
    #expect(throws: MissingPartError.self) {
      try Neurons(one.model, texts: [one.ids], layer: 0, part: .shared)
    }
  }
}
