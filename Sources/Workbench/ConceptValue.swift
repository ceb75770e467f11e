import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// A concept: texts that have something in common, and where it lies in each layer of a model.
final class ConceptValue: ObjectValue {
  let name: String
  let texts: [String]
  let against: [String]?
  let model: ModelValue
  let pooling: ConceptActivations.Pooling
  /// The piece of every text whose tokens are taken in place of the pooling, or `nil`.
  let at: String?
  let options: ConceptSensitivity.Options
  /// The vectors of its texts, of those it is told from, and of random ones, for every layer's input.
  let activations: ConceptActivations
  let counterparts: ConceptActivations?
  let random: ConceptBackground
  /// The unit vector, and how well held-out texts are told, layer by layer.
  let layers: [ConceptSensitivity.Layer]
  private let call: String

  init(
    _ name: String, texts: [String], against: [String]?, random: [String], model: ModelValue,
    pooling: ConceptActivations.Pooling, at: String? = nil, options: ConceptSensitivity.Options,
    in context: ExecutionContext
  ) throws {
    self.name = name
    self.texts = texts
    self.against = against
    self.model = model
    self.pooling = pooling
    self.at = at
    self.options = options
    call = context.call
    let layers = Array(0..<model.model.configuration.layers)
    func vectors(_ texts: [String], _ share: ClosedRange<Double>) throws -> ConceptActivations {
      let read = try ConceptTexts(texts, at: at, model.model, in: context)
      return try ConceptActivations.of(
        read.tokens, model.model, layers: layers, pooling: pooling, positions: read.positions,
        cancellation: context.cancellation
      ) {
        context.progress(
          "Reading texts",
          fraction: share.lowerBound + (share.upperBound - share.lowerBound) * $0)
      }
    }
    activations = try vectors(texts, 0...0.25)
    counterparts = try against.map { try vectors($0, 0.25...0.5) }
    self.random = try BackgroundStore.of(context).background(
      random, pooling: pooling, at: at, model: model, in: context
    ) { try vectors(random, 0.5...1) }
    var plain = options
    plain.randomConcepts = 0
    self.layers = try ConceptSensitivity(
      concept: activations, counterparts: counterparts, random: self.random,
      gradients: ConceptGradients(
        activations.vectors.map { Tensor(shape: [0, $0.shape[1]], []) }),
      options: plain, cancellation: context.cancellation
    ).layers
  }

  var typeName: String { "Concept" }

  private var best: ConceptSensitivity.Layer? {
    layers.max { ($0.accuracy, -$0.layer) < ($1.accuracy, -$1.layer) }
  }

  var summary: String {
    let percent = best.map {
      ", told from \(against == nil ? "random texts" : "the others") best in layer \($0.layer): "
        + NumberText.percent($0.accuracy)
    }
    return "\(name): \(texts.count) texts in \(model.model.name)\(percent ?? "")"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("name", "what it is called"),
    ("texts", "the texts that it was made from"),
    ("cav", "the unit vector in every layer's residual stream, [layers, width]"),
    ("accuracy", "for each layer the share of held-out texts that are told right"),
    ("model", "the model"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "name": .text(self.name)
    case "texts": .texts(texts)
    case "cav": .tensor(vectors)
    case "accuracy": .numbers(layers.map(\.accuracy))
    case "model": .object(model)
    default: nil
    }
  }

  private var vectors: Tensor {
    Tensor(shape: [layers.count, layers.first?.vector.count ?? 0], layers.flatMap(\.vector))
  }

  /// The vectors by their names in files.
  var tensors: [(name: String, tensor: Tensor)] {
    layers.map { ("cav.\($0.layer)", Tensor(shape: [$0.vector.count], $0.vector)) }
  }

  /// How far the concept's texts lie from random ones along the vector of a layer.
  func gap(_ layer: Int) -> Double {
    func mean(_ set: ConceptActivations) -> Double {
      let tensor = set.vectors[layer]
      let vector = layers[layer].vector
      let sum = (0..<tensor.shape[0]).reduce(0.0) { total, row in
        zip(tensor.row(row), vector).reduce(total) { $0 + Double($1.0) * Double($1.1) }
      }
      return sum / Double(max(1, tensor.shape[0]))
    }
    return mean(activations) - mean(counterparts ?? random.activations)
  }

  func asTensor() throws -> Value? { .tensor(vectors) }

  /// How well each layer tells it.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    BarChart(
      title: "Concept “\(name)” · \(model.model.name)",
      items: layers.map { BarChart.Item(TokenLabel("layer \($0.layer)"), $0.accuracy) },
      unit: .percent,
      note:
        "\(texts.count) texts; held-out texts told right, mean of \(options.runs) runs; 50 % is chance",
      labelTitle: "layer", valueTitle: "accuracy",
      provenance: try model.provenance(of: call, seed: Int(clamping: options.seed), in: context))
  }

  var json: JSON {
    [
      "name": .string(name), "texts": .array(texts.map { .string($0) }),
      "accuracy": .array(layers.map { $0.accuracy.isFinite ? .number($0.accuracy) : .null }),
    ]
  }
}
