import Analysis
import Figures
import Interpreter
import Models
import Tensors

/// Many dimensions on two or three axes.
enum ProjectionFunctions {
  static let all: [FunctionDefinition] = [project, scatter, nearest]

  private static let project = FunctionDefinition(
    "project", group: "Embeddings",
    summary: "Vectors of many dimensions on two or three axes, as a map to look at.",
    details: """
      "pca" turns the points so that the first axes hold most of their variance; distances stay \
      what they are in those directions, and each axis tells its share. "tsne" keeps near points \
      near; sizes of clusters and distances between them mean little. Few points are begun at \
      several places, and the map of the lowest divergence is kept. "umap" keeps neighbourhoods \
      too, is faster for many points, and shows more of how clusters lie to each other; distances \
      still mean little. Trustworthiness tells how \
      seldom strangers look like neighbours on the map: 1 is never.
      """,
    parameters: [
      ParameterDefinition(
        "points", .either([.object(["Points"]), .tensor]),
        "What `embed` gives, or a tensor [points, dimensions]."),
      ParameterDefinition(
        "method", .choice(["pca", "tsne", "umap"]), default: .text("pca"), "How."),
      ParameterDefinition(
        "dims", .integer(in: 2...3), default: .integer(2), unit: "axes", "Two or three axes."),
      ParameterDefinition(
        "perplexity", .optional(.number(in: 1...100_000)), defaultText: "30, fewer for few points",
        unit: "points", "t-SNE: how many neighbours a point has in effect."),
      ParameterDefinition(
        "iterations", .integer(in: 250...100_000), default: .integer(1000), unit: "steps",
        "t-SNE: how many steps at most."),
      ParameterDefinition(
        "neighbors", .optional(.integer(in: 2...10_000)), defaultText: "15, or all where fewer",
        unit: "points", "UMAP: how many points a neighbourhood has, the point itself among them."),
      ParameterDefinition(
        "min_dist", .number(in: 0...1), default: .number(0.1),
        "UMAP: how near points may come to each other on the map."),
      ParameterDefinition(
        "labels", .optional(.list(of: .any)), defaultText: "the points' texts",
        "What the points are called."),
      ParameterDefinition(
        "seed", .integer(in: 0...Int(Int32.max)), default: .integer(0),
        "Where random numbers begin."),
    ],
    result: "a Projection",
    examples: [
      Example(
        "embed([\"a cat\", \"a kitten\", \"a loan\", \"a bank\"]) |> project()",
        needsResources: true),
      Example("len(project(tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9]])))", gives: "3"),
    ],
    source:
      "Pearson 1901; van der Maaten and Hinton 2008; McInnes, Healy and Melville 2018 (UMAP); "
      + "trustworthiness: Venna and Kaski 2001"
  ) { arguments, context in
    let given: PointsValue? =
      if case .object = try arguments.value("points") {
        try arguments.object("points")
      } else { nil }
    let matrix = try given?.matrix ?? arguments.tensor("points")
    guard matrix.rank == 2 else { throw ProjectionError.notRows(matrix.shape) }
    let count = matrix.shape[0]
    let called = try names(
      arguments, "labels", count: count, instead: given?.labels ?? (0..<count).map { "\($0)" })
    let axes = try arguments.integer("dims")
    let seed = try arguments.integer("seed")
    let (coordinates, method) = try map(
      matrix, method: try arguments.text("method"), axes: axes, seed: UInt64(seed), arguments,
      context)
    let neighbors = min(5, (count - 1) / 2)
    let trust =
      neighbors >= 1
      ? try Neighbors.trustworthiness(
        of: coordinates, for: matrix, neighbors: neighbors, cancellation: context.cancellation)
      : nil
    return .object(
      ProjectionValue(
        coordinates: coordinates, labels: called, method: method, trustworthiness: trust,
        neighbors: neighbors,
        subject: given.map(\.origin) ?? "\(count) points of \(matrix.shape[1]) dimensions",
        model: given?.model, seed: seed, call: context.call))
  }

  /// The places of points, and how they were found.
  private static func map(
    _ matrix: Tensor, method: String, axes: Int, seed: UInt64, _ arguments: Arguments,
    _ context: ExecutionContext
  ) throws -> ([[Double]], ProjectionValue.Method) {
    switch method {
    case "tsne":
      var options = TSNE.Options()
      options.perplexity = try arguments.optionalNumber("perplexity")
      options.iterations = try arguments.integer("iterations")
      options.seed = seed
      let map = try TSNE(
        of: matrix, axes: axes, options: options, cancellation: context.cancellation
      ) { step, steps in
        context.progress(
          "t-SNE", fraction: Double(step) / Double(steps), detail: "step \(step) of \(steps)")
      }
      return (
        map.coordinates,
        .neighborEmbedding(
          divergence: map.divergence, perplexity: map.perplexity, starts: map.starts)
      )
    case "umap":
      var options = UMAP.Options()
      options.neighbors = try arguments.optionalInteger("neighbors")
      options.minimumDistance = try arguments.number("min_dist")
      options.seed = seed
      let map = try UMAP(
        of: matrix, axes: axes, options: options, cancellation: context.cancellation
      ) { epoch, epochs in
        context.progress(
          "UMAP", fraction: Double(epoch) / Double(epochs), detail: "epoch \(epoch) of \(epochs)")
      }
      return (
        map.coordinates,
        .manifold(
          neighbors: map.neighbors, minimumDistance: options.minimumDistance,
          isExact: map.hasExactNeighbors, isConnected: map.isConnected)
      )
    default:
      let components = try PrincipalComponents(
        of: matrix, count: axes, seed: seed, cancellation: context.cancellation)
      return (
        components.coordinates, .principalComponents(ratio: components.explainedVarianceRatio)
      )
    }
  }

  private static let scatter = FunctionDefinition(
    "scatter", group: "Embeddings",
    summary: "A projection as a picture, with colours, labels and sizes of your own.",
    details: """
      Texts as colours make groups with a legend; the twelve largest get a colour of their own. \
      Numbers as colours make a scale. In the notebook, drag turns a picture of three axes, Ctrl or \
      Shift with the wheel zooms, and Find marks points by their labels.
      """,
    parameters: [
      ParameterDefinition("projection", .object(["Projection"]), "What `project` gives."),
      ParameterDefinition(
        "color", .optional(.list(of: .any)), defaultText: "one colour",
        "A group's text or a number for each point, such as a table's column."),
      ParameterDefinition(
        "label", .optional(.list(of: .any)), defaultText: "the points' texts",
        "What each point is called."),
      ParameterDefinition(
        "size", .optional(.list(of: .number())), defaultText: "all alike",
        "A number for each point that its mark's area shows."),
      ParameterDefinition(
        "title", .optional(.text), defaultText: "what was projected", "The heading."),
    ],
    result: "a figure",
    examples: [
      Example(
        "p = project(tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9]]))\n"
          + "p |> scatter(color: [\"a\", \"b\", \"b\"])", needsResources: true)
    ]
  ) { arguments, context in
    guard let projection: ProjectionValue = try arguments.object("projection") else {
      throw ArgumentError("projection", "`scatter` takes what `project` gives.")
    }
    let count = projection.coordinates.count
    var points = projection.points(
      labels: try names(arguments, "label", count: count, instead: projection.labels))
    if let colors = try list(arguments, "color", count: count) {
      let numbers = colors.map { color -> Double? in
        if case .number(let number) = color { number } else { nil }
      }
      let areNumbers = zip(colors, numbers).allSatisfy { color, number in
        if case .none = color { true } else { number != nil }
      }
      for index in 0..<count {
        if areNumbers {
          points[index].value = numbers[index] ?? .nan
        } else if case .none = colors[index] {
          points[index].group = nil
        } else {
          points[index].group = text(colors[index])
        }
      }
    }
    if let sizes = try list(arguments, "size", count: count) {
      for index in 0..<count {
        if case .number(let number) = sizes[index] { points[index].size = number }
      }
    }
    return .figure(
      try projection.figure(
        points, valueTitle: "", title: try arguments.optionalText("title"), call: context.call,
        in: context))
  }

  private static let nearest = FunctionDefinition(
    "nearest", group: "Embeddings",
    summary: "The points most alike to one of them, or to a text, by the cosine of their angle.",
    parameters: [
      ParameterDefinition("points", .object(["Points"]), "What `embed` gives."),
      ParameterDefinition(
        "to", .either([.text, .integer()]),
        "One of the points' texts, its number from 0, or any other text, which is embedded alike."),
      ParameterDefinition(
        "k", .integer(in: 1...100_000), default: .integer(10), unit: "points", "How many."),
    ],
    result: "a table of text, cosine and index, the most alike first; the point itself is left out",
    examples: [
      Example(
        "nearest(embed([\"a cat\", \"a kitten\", \"a loan\"]), \"a dog\")", needsResources: true)
    ]
  ) { arguments, context in
    guard let points: PointsValue = try arguments.object("points") else {
      throw ArgumentError("points", "`points` of `nearest` takes what `embed` gives.")
    }
    var own: Int?
    let vector: [Float]
    if case .text(let text) = try arguments.value("to") {
      own = points.labels.firstIndex { $0.utf8.elementsEqual(text.utf8) }
      vector = try own.map { points.vectors[$0] } ?? points.embedding(of: text, in: context)
    } else {
      let wanted = try arguments.integer("to")
      let index = wanted < 0 ? wanted + points.vectors.count : wanted
      guard points.vectors.indices.contains(index) else {
        throw ArgumentError(
          "to", "There is no point \(wanted): there are \(points.vectors.count).",
          code: "out-of-range")
      }
      own = index
      vector = points.vectors[index]
    }
    let near = Neighbors.byCosine(
      of: vector, in: points.matrix, count: try arguments.integer("k"), leavingOut: own)
    return .table(
      Table(columns: [
        Table.Column(
          name: "text", values: ValueList(near.map { .text(points.labels[$0.point]) })),
        Table.Column(name: "cosine", values: ValueList(near.map { .number($0.cosine) })),
        Table.Column(name: "index", values: ValueList(near.map { .integer($0.point) })),
      ]))
  }

  /// The elements of a list that must have one for each point.
  private static func list(
    _ arguments: Arguments, _ name: String, count: Int
  ) throws -> [Value]? {
    guard let elements = try arguments.optionalList(name) else { return nil }
    guard elements.count == count else {
      throw ArgumentError(
        name, "`\(name)` has \(elements.count) elements for \(count) points.",
        code: "length-mismatch")
    }
    return elements
  }

  private static func names(
    _ arguments: Arguments, _ name: String, count: Int, instead: [String]
  ) throws -> [String] {
    try list(arguments, name, count: count)?.map(text) ?? instead
  }

  private static func text(_ value: Value) -> String {
    if case .text(let text) = value { return text }
    return value.description
  }
}
