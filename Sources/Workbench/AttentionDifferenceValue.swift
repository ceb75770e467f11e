import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers

/// The difference of two attention maps as a value of the language.
final class AttentionDifferenceValue: ObjectValue {
  /// The second map's numbers minus the first's, `[queries, keys]`.
  let differences: Tensor
  private let first: AttentionMapValue
  private let second: AttentionMapValue
  private let call: String

  /// Makes the value of two maps of one size.
  init(_ first: AttentionMapValue, _ second: AttentionMapValue, call: String) throws {
    differences = try Tensor.broadcast(second.weights, first.weights, .subtract)
    self.first = first
    self.second = second
    self.call = call
  }

  var typeName: String { "AttentionDifference" }

  var summary: String {
    let mean = Value.number((meanMagnitude * 10_000).rounded() / 10_000).description
    return "\(second.describedBriefly) − \(first.describedBriefly), mean magnitude \(mean)"
  }

  private var meanMagnitude: Double {
    let sum = differences.floats.reduce(0.0) { $0 + Double(abs($1)) }
    return sum / Double(max(1, differences.count))
  }

  private static let fields: [(name: String, summary: String)] = [
    ("differences", "the second map minus the first: [queries, keys]"),
    ("mean_magnitude", "the mean of the differences' magnitudes"),
    ("a", "the first map"),
    ("b", "the second map"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "differences": .tensor(differences)
    case "mean_magnitude": .number(meanMagnitude)
    case "a": .object(first)
    case "b": .object(second)
    default: nil
    }
  }

  /// The difference in a diverging map, zero in its middle.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try second.owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let (left, right) = (first.owner.trace.tokens, second.owner.trace.tokens)
      // A mark of the model's own in one text may be a word in the other.
      let shown = AttentionFigures.shownPositions(
        right, special: first.showsSpecial || second.showsSpecial)
      let labels = shown.map { position -> TokenLabel in
        let (before, now) = (TokenLabels.label(left[position]), TokenLabels.label(right[position]))
        guard !before.text.utf8.elementsEqual(now.text.utf8) else { return now }
        return TokenLabel(
          "\(before.axisText) → \(now.axisText)",
          detail: [before.detail, now.detail].compactMap { $0 }.joined(separator: " → "))
      }
      return Heatmap(
        title: "Difference of attention · \(second.owner.model.model.name)",
        values: AttentionFigures.matrix(differences, positions: shown), rowLabels: labels,
        columnLabels: labels,
        isCausal: [first, second].allSatisfy { $0.owner.model.model.configuration.isCausal },
        colorMap: .signed, rowTitle: "query", columnTitle: "key",
        valueTitle: "Δ \(second.kind.valueTitle)",
        note: "\(second.describedBriefly) minus \(first.describedBriefly)"
          + " · blue: more in the former, orange: more in the latter", provenance: provenance)
    }
  }

  var json: JSON {
    let columns = differences.shape[1]
    let values = differences.floats
    return [
      "a": first.json, "b": second.json,
      "differences": .array(
        (0..<differences.shape[0]).map { row in
          .array((0..<columns).map { .number(Double(values[row * columns + $0])) })
        }),
    ]
  }

  func asTensor() throws -> Value? { .tensor(differences) }
}

extension AttentionMapValue {
  /// Text, model and place in a few words.
  fileprivate var describedBriefly: String {
    let text = owner.trace.text.map { text in
      let start = String(String.UnicodeScalarView(text.unicodeScalars.prefix(40)))
      return "“\(start)\(start.unicodeScalars.count < text.unicodeScalars.count ? "…" : "")” "
    }
    return "\(text ?? "")(\(owner.model.model.name), \(place))"
  }
}
