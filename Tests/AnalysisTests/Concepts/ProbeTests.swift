import DataFormats
import Foundation
import Tensors
import Testing

@testable import Analysis

/// Probes decide as scikit-learn's LogisticRegression does on the same folds, within 1e-5.
@Suite struct ProbeTests {
  @Test(arguments: [2, 3]) func decisionsAreScikitLearns(classes: Int) throws {
    let entry = try #require(try AnalysisReference("probes").document["\(classes)"])
    let rows = try #require(entry["vectors"]).rows
    let labels = try #require(entry["labels"]).integers
    let folds = try #require(entry["folds"]).integers
    let space = try ProbeSpace(
      Tensor(shape: [rows.count, rows[0].count], rows.joined().map { Float($0) }))
    let decisions = try #require(entry["decisions"]?.array)
    for (fold, expected) in decisions.enumerated() {
      let scores = try space.scores(
        holdingOut: folds.map { $0 == fold }, labels, classes: classes,
        penalty: try #require(entry["penalty"]?.number))
      let held = folds.indices.filter { folds[$0] == fold }
      for (place, text) in held.enumerated() {
        // Of two classes scikit-learn gives the score of the second alone.
        let found = classes == 2 ? [scores[text][1]] : scores[text]
        let value = try #require(expected.array?[place])
        let wanted = classes == 2 ? [try #require(value.number)] : value.numbers
        for (left, right) in zip(found, wanted) { #expect(abs(left - right) <= 1e-5) }
      }
      let right = held.count { text in
        let score = scores[text]
        return score.indices.max { score[$0] < score[$1] } == labels[text]
      }
      let accuracy = try #require(entry["accuracies"]).numbers[fold]
      #expect(abs(Double(right) / Double(held.count) - accuracy) < 1e-9)
    }
  }

  /// Vectors that carry the label in the second layer only.
  private func activations(_ labels: [Int]) -> ConceptActivations {
    var generator = SeededGenerator(seed: 5)
    func layer(_ strength: Float) -> Tensor {
      Tensor(
        shape: [labels.count, 6],
        labels.flatMap { label in
          (0..<6).map { column in
            Float.random(in: -1...1, using: &generator) + (column == label ? strength : 0)
          }
        })
    }
    return ConceptActivations(layers: [0, 1], vectors: [layer(0), layer(3)])
  }

  @Test func aProbeFindsWhatIsThereAndNothingElse() throws {
    let labels = (0..<60).map { $0 % 3 }
    var options = LinearProbe.Options()
    options.seed = 3
    let found = try LinearProbe(activations(labels), labels: labels, classes: 3, options: options)
    #expect(found.layers[1].accuracy > 0.95 && found.layers[1].selectivity > 0.5)
    #expect(found.layers[1].probability == 0.025)
    #expect(found.probabilities[1] == 0.025 && found.probabilities[0] > 0.05)
    #expect(found.layers[0].accuracy < 0.55 && found.layers[0].probability > 0.05)
    #expect(found.chance == 1.0 / 3)
    #expect(abs(found.layers[0].control - found.chance) < 0.1)
    #expect(found.layers[0].memorised > found.layers[0].control)
    let again = try LinearProbe(activations(labels), labels: labels, classes: 3, options: options)
    #expect(again.layers == found.layers)
  }

  @Test func aProbeCanBeStopped() throws {
    let labels = (0..<60).map { $0 % 3 }
    let cancellation = Cancellation()
    #expect(throws: Cancelled.self) {
      try LinearProbe(
        activations(labels), labels: labels, classes: 3, cancellation: cancellation
      ) { share in if share > 0.3 { cancellation.cancel() } }
    }
  }

  @Test func foldsHaveEveryLabelAndKindsShareControls() {
    let labels = (0..<40).map { $0 % 4 == 0 ? 1 : 0 }
    var generator = SeededGenerator(seed: 1)
    let folds = LinearProbe.folds(labels, classes: 2, count: 5, &generator)
    for fold in 0..<5 {
      #expect(folds.count { $0 == fold } == 8)
      #expect(labels.indices.count { folds[$0] == fold && labels[$0] == 1 } == 2)
    }
    let kinds = (0..<40).map { $0 % 7 }
    let control = LinearProbe.control(labels, kinds: kinds, folds: folds, &generator)
    for (left, kind) in kinds.enumerated() {
      #expect(control[left] == control[kind])
    }
    let dealt = LinearProbe.control(labels, kinds: nil, folds: folds, &generator)
    #expect(dealt != labels)
    for fold in 0..<5 {
      #expect(labels.indices.count { folds[$0] == fold && dealt[$0] == 1 } == 2)
    }
  }
}
