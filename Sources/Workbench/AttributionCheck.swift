import Analysis
import DataFormats
import Figures
import Interpreter

/// How an attribution stood up to being tried.
struct AttributionCheck: Sendable {
  /// What is left when its strongest tokens are taken away.
  let faithfulness: Faithfulness
  /// The rank correlation of the scores' sizes with those for a model of random weights.
  let similarity: Double

  /// A sentence for each trial.
  var notes: [String] {
    let (left, random) = (faithfulness.deletionArea, faithfulness.randomArea)
    let order = left < random ? "better" : "no better"
    let number = NumberText.short(similarity, 2)
    let meaning =
      switch similarity {
      case ..<0.3: "what is shown comes from what the model has learned"
      case ..<0.7: "part of what is shown is the text's own shape"
      default: "what is shown comes from the text's shape, not from what the model has learned"
      }
    return [
      "Strongest tokens taken away first: deletion area \(NumberText.short(left, 2)), in random orders "
        + "\(NumberText.short(random, 2)); given back first: insertion area "
        + "\(NumberText.short(faithfulness.insertionArea, 2)); its order does \(order) than random ones.",
      "Random weights: rank correlation \(number) of the scores' sizes; \(meaning).",
    ]
  }
}

/// Deletion and insertion curves.
final class FaithfulnessValue: ObjectValue {
  private let result: Faithfulness
  private let method: Attribution.Method
  private let provenance: Provenance

  init(_ result: Faithfulness, method: Attribution.Method, provenance: Provenance) {
    self.result = result
    self.method = method
    self.provenance = provenance
  }

  var typeName: String { "Faithfulness" }

  var summary: String {
    "deletion area \(NumberText.short(result.deletionArea)) (random \(NumberText.short(result.randomArea))), "
      + "insertion area \(NumberText.short(result.insertionArea))"
  }

  var fieldNames: [String] {
    ["deletion", "insertion", "random", "deletion_area", "insertion_area", "random_area"]
  }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "deletion": "what is left after each token that was taken away, strongest first"
    case "insertion": "what is there after each token that was given back, strongest first"
    case "random": "what is left after tokens taken away in random orders, in the mean"
    case "deletion_area": "the area under the first curve: low is good"
    case "insertion_area": "the area under the second: high is good"
    case "random_area": "the area under the third"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "deletion": .numbers(result.deletion)
    case "insertion": .numbers(result.insertion)
    case "random": .numbers(result.randomDeletion)
    case "deletion_area": .number(result.deletionArea)
    case "insertion_area": .number(result.insertionArea)
    case "random_area": .number(result.randomArea)
    default: nil
    }
  }

  /// The three curves.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let xs = result.deletion.indices.map { Double($0) }
    return LineChart(
      title: "Faithfulness · \(method.words)",
      series: [
        LineSeries(name: "deletion, strongest first", xs: xs, ys: result.deletion),
        LineSeries(name: "deletion, random", xs: xs, ys: result.randomDeletion),
        LineSeries(name: "insertion, strongest first", xs: xs, ys: result.insertion),
      ], xTitle: "tokens", yTitle: "what is explained", note: summary, provenance: provenance)
  }

  var json: JSON {
    [
      "deletion": .array(result.deletion.map { .number($0) }),
      "insertion": .array(result.insertion.map { .number($0) }),
      "random": .array(result.randomDeletion.map { .number($0) }),
    ]
  }
}
