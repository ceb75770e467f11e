import Analysis
import DataFormats
import Foundation
import Models
import Tensors
import Testing

/// Patching and ablation give the logit differences of hooks on transformers in double precision, within 1e-4 of the
/// clean and the corrupted text's difference.
@Suite struct PatchingTests {
  private struct Reference {
    let model: LanguageModel
    let document: JSON
    let clean: [Int]
    let corrupted: [Int]
    let question: LogitQuestion
    let values: (clean: Double, corrupted: Double)

    init() throws {
      let path =
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        + "/Fixtures/Analysis/causes.json"
      document = try JSON(parsing: [UInt8](Data(contentsOf: URL(filePath: path))))
      model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
      clean = try #require(document["clean"]?.array).compactMap(\.integer)
      corrupted = try #require(document["corrupted"]?.array).compactMap(\.integer)
      question = LogitQuestion(
        .difference(
          of: try #require(document["right"]?.integer),
          from: try #require(document["wrong"]?.integer), at: clean.count - 1))
      values = (
        try #require(document["cleanValue"]?.number),
        try #require(document["corruptedValue"]?.number)
      )
    }

    func rows(_ group: String, _ name: String) throws -> [[Double]] {
      try #require(document[group]?[name]?.array).map { ($0.array ?? []).compactMap(\.number) }
    }
  }

  @Test(arguments: ActivationPatching.Part.allCases) func everyPatchIsTheReferences(
    part: ActivationPatching.Part
  ) throws {
    let reference = try Reference()
    let result = try ActivationPatching(
      reference.model, clean: reference.clean, corrupted: reference.corrupted,
      question: reference.question, part: part)
    let gap = reference.values.clean - reference.values.corrupted
    #expect(abs(result.clean - reference.values.clean) <= 1e-4 * abs(gap))
    #expect(abs(result.corrupted - reference.values.corrupted) <= 1e-4 * abs(gap))
    let expected = try reference.rows("patch", part.rawValue)
    #expect(result.restored.shape == [expected.count, expected[0].count])
    for (layer, row) in expected.enumerated() {
      for (place, value) in row.enumerated() {
        let share = (value - reference.values.corrupted) / gap
        #expect(abs(Double(result.restored.row(layer)[place]) - share) <= 1e-4)
      }
    }
    if part == .residual {
      // Only one token differs: there the first layer's input is all of the difference.
      #expect(abs(result.restored.row(0)[3] - 1) <= 1e-5)
      #expect(result.restored.row(0)[5] == 0)
    }
  }

  @Test(arguments: Ablation.Substitute.allCases) func everyAblationIsTheReferences(
    substitute: Ablation.Substitute
  ) throws {
    let reference = try Reference()
    let result = try Ablation(
      reference.model, ids: reference.clean, question: reference.question, substitute: substitute)
    let gap = abs(reference.values.clean - reference.values.corrupted)
    for (layer, row) in try reference.rows("ablate", substitute.rawValue).enumerated() {
      let found = result.heads.row(layer) + result.parts.row(layer)
      #expect(found.count == row.count)
      for (number, value) in zip(found, row) {
        #expect(abs(Double(number) - (reference.values.clean - value)) <= 1e-4 * gap)
      }
    }
  }

  @Test func aDirectionIsAddedAndRemoved() throws {
    let reference = try Reference()
    let width = reference.model.configuration.width
    let unit = (0..<width).map { Float($0 == 3 ? 0.6 : $0 == 5 ? 0.8 : 0) }
    func stream(_ taps: [Tap]) throws -> Tensor {
      // A tap after the others sees what they leave.
      try RecordedTap(reference.model, ids: reference.clean, taps: taps, layer: 1).rows
    }
    let plain = try stream([])
    let added = try stream([Steering.adding(unit.map { 2 * $0 }, entering: 1)])
    let removed = try stream([Steering.removing(unit, entering: 1)])
    for row in 0..<plain.shape[0] {
      for column in 0..<width {
        #expect(abs(added.row(row)[column] - plain.row(row)[column] - 2 * unit[column]) < 1e-5)
      }
      let left = zip(removed.row(row), unit).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(left) < 1e-5)
      #expect(abs(removed.row(row)[0] - plain.row(row)[0]) == 0)
    }
  }
}

/// What enters a layer after other taps.
private struct RecordedTap {
  let rows: Tensor

  init(_ model: LanguageModel, ids: [Int], taps: [Tap], layer: Int) throws {
    final class Box: @unchecked Sendable {  // One run, one thread at a time.
      var rows = Tensor(zeros: [0, 0])
    }
    let box = Box()
    let last = Tap(.residual(layer)) { activation, _ in
      box.rows = activation
      return activation
    }
    _ = try model.run(ids: ids, keeping: [], taps: taps + [last])
    rows = box.rows
  }
}
