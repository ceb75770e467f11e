import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// Vectors with labels.
final class PointsValue: ObjectValue {
  let vectors: [[Float]]
  let labels: [String]
  let model: ModelValue
  private let layer: Int
  private let pool: String
  /// Makes the vector of another text in the same way.
  private let embed: @Sendable (String, ModelValue, ExecutionContext) throws -> [Float]
  /// The call that computed them.
  let call: String

  init(
    vectors: [[Float]], labels: [String], model: ModelValue, layer: Int, pool: String,
    call: String,
    embed: @escaping @Sendable (String, ModelValue, ExecutionContext) throws -> [Float]
  ) {
    self.embed = embed
    self.call = call
    self.vectors = vectors
    self.labels = labels
    self.model = model
    self.layer = layer
    self.pool = pool
  }

  /// How many dimensions each vector has.
  var width: Int { vectors.first?.count ?? 0 }

  var typeName: String { "Points" }

  var summary: String {
    "\(vectors.count) \(vectors.count == 1 ? "vector" : "vectors") of \(width) dimensions "
      + "(layer \(layer), pool \(pool)), \(model.model.name)"
  }

  var fieldNames: [String] { ["vectors", "labels", "layer", "pool", "model"] }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "vectors": "the vectors: [points, width]"
    case "labels": "the texts"
    case "layer": "which hidden states they come from"
    case "pool": "how the tokens' vectors were joined"
    case "model": "the model"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "vectors": try asTensor()
    case "labels": .texts(labels)
    case "layer": .integer(layer)
    case "pool": .text(pool)
    case "model": .object(model)
    default: nil
    }
  }

  var count: Int? { vectors.count }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    if case .text(let label) = index {
      guard let place = labels.firstIndex(where: { $0.utf8.elementsEqual(label.utf8) }) else {
        return nil
      }
      return .tensor(Tensor(shape: [width], vectors[place]))
    }
    guard let selection = Selection(index) else { return nil }
    let places = try selection.indices(count: vectors.count, parameter: "position")
    if selection.choosesOne { return .tensor(Tensor(shape: [width], vectors[places[0]])) }
    return .object(
      PointsValue(
        vectors: places.map { vectors[$0] }, labels: places.map { labels[$0] }, model: model,
        layer: layer, pool: pool, call: call, embed: embed))
  }

  /// The vectors as one matrix `[points, width]`.
  var matrix: Tensor { Tensor(shape: [vectors.count, width], vectors.flatMap(\.self)) }

  /// Where the vectors come from, in a few words.
  var origin: String { "\(model.model.name) · layer \(layer) · \(Self.pooling(pool))" }

  /// How the tokens' vectors were joined, in words.
  private static func pooling(_ pool: String) -> String {
    switch pool {
    case "model": "pooled as the model does"
    case "mean", "max": "\(pool) over tokens"
    case "first", "last": "\(pool) token"
    case "tokens": "each token"
    default: pool
    }
  }

  /// The vector of another text, made as these were.
  func embedding(of text: String, in context: ExecutionContext) throws -> [Float] {
    try embed(text, model, context)
  }

  /// For a handful of texts how alike they are, else the first numbers of each vector.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    if (2...64).contains(vectors.count) {
      return try SimilarityValue(self, self, context: context).defaultFigure(in: context)
    }
    let shown = min(width, 8)
    return TableFigure(
      title: summary, columns: ["text"] + (0..<shown).map { "\($0)" },
      rows: zip(labels, vectors).map { label, vector in
        [.string(label)] + vector.prefix(shown).map { .number(Double($0)) }
      }, provenance: try model.provenance(of: call, in: context))
  }

  func asTensor() throws -> Value? {
    .tensor(matrix)
  }

  func asTable() throws -> Table? {
    Table(
      columns: [Table.Column(name: "text", values: ValueList(labels.map { .text($0) }))]
        + (0..<width).map { column in
          Table.Column(
            name: "\(column)", values: ValueList(vectors.map { .number(Double($0[column])) }))
        })
  }

  var json: JSON {
    [
      "model": .string(model.model.name), "layer": .integer(layer), "pool": .string(pool),
      "labels": .array(labels.map { .string($0) }),
      "vectors": .array(vectors.map { .array($0.map { .number(Double($0)) }) }),
    ]
  }
}

/// Cosines of every point with every other.
final class SimilarityValue: ObjectValue {
  private let points: PointsValue
  private let others: PointsValue
  private let cosines: [[Float]]
  private let call: String

  init(_ points: PointsValue, _ others: PointsValue, context: ExecutionContext) throws {
    call = context.call
    self.points = points
    self.others = others
    let right = others.vectors.map { Tensor(shape: [others.width], $0) }
    cosines = try points.vectors.map { vector in
      try context.check()
      let left = Tensor(shape: [points.width], vector)
      return try right.enumerated().map { index, other in
        if index % 256 == 255 { try context.check() }
        return Float(SentenceEmbedding.cosineSimilarity(left, other))
      }
    }
  }

  var typeName: String { "Similarity" }

  var summary: String {
    "cosine similarity, \(points.vectors.count) × \(others.vectors.count), \(points.model.model.name)"
  }

  var fieldNames: [String] { ["values", "rows", "columns"] }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "values": "the cosines: [rows, columns]"
    case "rows": "the texts of the rows"
    case "columns": "the texts of the columns"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "values": try asTensor()
    case "rows": .texts(points.labels)
    case "columns": .texts(others.labels)
    default: nil
    }
  }

  var count: Int? { cosines.count }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard case .tensor(let tensor)? = try asTensor() else { return nil }
    guard let selection = Selection(index) else { return nil }
    let rows = try selection.indices(count: cosines.count, parameter: "position")
    if selection.choosesOne { return .numbers(tensor.row(rows[0]).map(Double.init)) }
    return .list(rows.map { .numbers(tensor.row($0).map(Double.init)) })
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    Heatmap(
      title: "Cosine similarity · \(points.model.model.name)", values: cosines,
      rowLabels: points.labels.map { TokenLabel($0) },
      columnLabels: others.labels.map { TokenLabel($0) },
      colorMap: cosines.joined().contains { $0 < 0 } ? .signed : .viridis, rowTitle: "text",
      columnTitle: "text", valueTitle: "cosine",
      provenance: try points.model.provenance(of: call, in: context))
  }

  func asTensor() throws -> Value? {
    .tensor(Tensor(shape: [cosines.count, others.vectors.count], cosines.flatMap { $0 }))
  }

  func asTable() throws -> Table? {
    Table(
      columns: [Table.Column(name: "text", values: ValueList(points.labels.map { .text($0) }))]
        + others.labels.indices.map { column in
          Table.Column(
            name: others.labels[column],
            values: ValueList(cosines.map { .number(Double($0[column])) }))
        })
  }

  var json: JSON {
    [
      "rows": .array(points.labels.map { .string($0) }),
      "columns": .array(others.labels.map { .string($0) }),
      "values": .array(cosines.map { .array($0.map { .number(Double($0)) }) }),
    ]
  }
}
