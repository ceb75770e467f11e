import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// Points on two or three axes, with what tells how far the map can be trusted.
final class ProjectionValue: ObjectValue {
  /// How it was made.
  enum Method {
    /// The share of each axis in the variance.
    case principalComponents(ratio: [Double])
    /// What was left to gain, and with which perplexity.
    case neighborEmbedding(divergence: Double, perplexity: Double, starts: Int)
    /// How large neighbourhoods are and how near points may come; whether all neighbours are the nearest for
    /// certain, and whether the graph is in one piece.
    case manifold(neighbors: Int, minimumDistance: Double, isExact: Bool, isConnected: Bool)
  }

  let coordinates: [[Double]]
  let labels: [String]
  let method: Method
  /// `nil` where there are too few points to tell.
  let trustworthiness: Double?
  /// How many neighbours the trustworthiness looks at.
  let neighbors: Int
  private let subject: String
  private let model: ModelValue?
  private let seed: Int
  private let call: String

  init(
    coordinates: [[Double]], labels: [String], method: Method, trustworthiness: Double?,
    neighbors: Int, subject: String, model: ModelValue?, seed: Int, call: String
  ) {
    self.coordinates = coordinates
    self.labels = labels
    self.method = method
    self.trustworthiness = trustworthiness
    self.neighbors = neighbors
    self.subject = subject
    self.model = model
    self.seed = seed
    self.call = call
  }

  var axes: Int { coordinates.first?.count ?? 0 }
  var typeName: String { "Projection" }

  private var methodName: String {
    switch method {
    case .principalComponents: "PCA"
    case .neighborEmbedding: "t-SNE"
    case .manifold: "UMAP"
    }
  }

  /// As `project` calls it.
  private var methodWord: String {
    switch method {
    case .principalComponents: "pca"
    case .neighborEmbedding: "tsne"
    case .manifold: "umap"
    }
  }

  /// How good the map is, in one line.
  private var quality: String {
    var parts: [String] = []
    switch method {
    case .principalComponents(let ratio):
      parts.append("\(Self.percent(ratio.reduce(0, +))) of the variance")
    case .neighborEmbedding(let divergence, let perplexity, let starts):
      parts.append("KL divergence \(Self.short(divergence))")
      parts.append("perplexity \(Self.short(perplexity))")
      if starts > 1 { parts.append("best of \(starts) starts") }
    case .manifold(let size, let distance, let isExact, let isConnected):
      parts.append("neighbourhoods of \(size)\(isExact ? "" : ", found approximately")")
      parts.append("least distance \(Self.short(distance))")
      if !isConnected { parts.append("in several parts: how they lie to each other says nothing") }
    }
    if let trustworthiness {
      parts.append("trustworthiness \(Self.short(trustworthiness)) (\(neighbors) neighbours)")
    }
    return parts.joined(separator: " · ")
  }

  var summary: String {
    "\(methodName) of \(coordinates.count) \(coordinates.count == 1 ? "point" : "points") on \(axes)"
      + " axes, \(quality)"
  }

  var fieldNames: [String] {
    ["coordinates", "labels", "method", "explained", "kl", "trustworthiness", "seed"]
  }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "coordinates": "the places: [points, axes]"
    case "labels": "the texts"
    case "method": "how it was made"
    case "explained": "PCA: the share of each axis in the variance"
    case "kl": "t-SNE: the Kullback–Leibler divergence, in nat"
    case "trustworthiness": "1 where no strangers look like neighbours"
    case "seed": "what random numbers were drawn from"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "coordinates": return try asTensor()
    case "labels": return .texts(labels)
    case "method":
      return .text(methodWord)
    case "explained":
      if case .principalComponents(let ratio) = method { return .numbers(ratio) }
      return Value.none
    case "kl":
      if case .neighborEmbedding(let divergence, _, _) = method { return .number(divergence) }
      return Value.none
    case "trustworthiness": return trustworthiness.map { .number($0) } ?? Value.none
    case "seed": return .integer(seed)
    default: return nil
    }
  }

  var count: Int? { coordinates.count }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    if case .text(let label) = index {
      guard let place = labels.firstIndex(where: { $0.utf8.elementsEqual(label.utf8) }) else {
        return nil
      }
      return .numbers(coordinates[place])
    }
    guard let selection = Selection(index) else { return nil }
    let places = try selection.indices(count: coordinates.count, parameter: "position")
    if selection.choosesOne { return .numbers(coordinates[places[0]]) }
    return .list(places.map { .numbers(coordinates[$0]) })
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    try figure(points(labels: labels), valueTitle: "", title: nil, call: call, in: context)
  }

  /// The points as a plot takes them, without colours.
  func points(labels: [String]) -> [ScatterPlot.Point] {
    zip(coordinates, labels).map { place, label in
      ScatterPlot.Point(
        x: place[0], y: place[1], z: place.count > 2 ? place[2] : nil, label: TokenLabel(label))
    }
  }

  /// The plot of points that may have got colours.
  func figure(
    _ points: [ScatterPlot.Point], valueTitle: String, title: String?, call: String,
    in context: ExecutionContext
  ) throws -> ScatterPlot {
    let titles = (0..<3).map { axis -> String in
      switch method {
      case .principalComponents(let ratio):
        ratio.indices.contains(axis)
          ? "component \(axis + 1) (\(Self.percent(ratio[axis])))" : ""
      case .neighborEmbedding, .manifold: "\(methodName) \(axis + 1)"
      }
    }
    var provenance = try model?.provenance(of: call, in: context) ?? context.provenance()
    provenance.call = call
    provenance.seed = seed
    return ScatterPlot(
      title: title ?? "\(methodName) · \(subject)", points: points, xTitle: titles[0],
      yTitle: titles[1], zTitle: titles[2], valueTitle: valueTitle, note: quality,
      provenance: provenance)
  }

  func asTensor() throws -> Value? {
    .tensor(
      Tensor(
        shape: [coordinates.count, axes], coordinates.flatMap { $0.map { Float($0) } }))
  }

  func asTable() throws -> Table? {
    Table(
      columns: [Table.Column(name: "text", values: ValueList(labels.map { .text($0) }))]
        + (0..<axes).map { axis in
          Table.Column(
            name: ["x", "y", "z"][axis],
            values: ValueList(coordinates.map { .number($0[axis]) }))
        })
  }

  var json: JSON {
    var object: JSONObject = [
      "subject": .string(subject), "axes": .integer(axes), "method": .string(methodWord),
    ]
    switch method {
    case .principalComponents(let ratio):
      object["explained"] = .array(ratio.map { .number($0) })
    case .neighborEmbedding(let divergence, let perplexity, let starts):
      object["kl"] = .number(divergence)
      object["perplexity"] = .number(perplexity)
      object["starts"] = .integer(starts)
    case .manifold(let size, let distance, let isExact, let isConnected):
      object["neighborhood"] = .integer(size)
      object["min_dist"] = .number(distance)
      object["exact_neighbors"] = .bool(isExact)
      object["connected"] = .bool(isConnected)
    }
    object["trustworthiness"] = trustworthiness.map { .number($0) } ?? .null
    object["neighbors"] = .integer(neighbors)
    object["seed"] = .integer(seed)
    object["labels"] = .array(labels.map { .string($0) })
    object["coordinates"] = .array(
      coordinates.map { .array($0.map { .number($0) }) })
    return .object(object)
  }

  private static func percent(_ share: Double) -> String {
    let tenths = (share * 1000).rounded() / 10
    return tenths >= 10 ? "\(Int(tenths.rounded())) %" : "\(tenths) %"
  }

  private static func short(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() && abs(rounded) < 1e15
      ? "\(Int(rounded))" : "\(rounded)"
  }
}
