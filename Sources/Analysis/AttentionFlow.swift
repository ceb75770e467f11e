public import Models
public import Tensors

/// How much of each input token could reach a position if attention were pipes of limited width.
///
/// The layers' positions are the nodes of a network; a layer's mean map over heads, half and half with
/// the identity, gives the capacities `½A + ½I` from a layer to the one before. The flow from a
/// position of the last layer to an input token is the largest that the network carries. Abnar and
/// Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv:2005.00928.
public struct AttentionFlow: Sendable {
  /// The largest text: the work grows with the fourth power of its length for all positions.
  public static let largestText = 64
  /// The largest text for a single position.
  public static let largestTextOfOnePosition = 256

  /// The positions of the last layer, one for each row.
  public let positions: [Int]
  /// The largest flows `[positions, input tokens]`, each at most 1, what leaves a position in all.
  public let flows: Tensor

  /// The flows with each row divided by its sum, as the paper compares them.
  public var shares: Tensor {
    let (rows, columns) = (flows.shape[0], flows.shape[1])
    var values = flows.floats
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      let sum = values[range].reduce(0) { $0 + Double($1) }
      guard sum > 0 else { continue }
      for index in range { values[index] = Float(Double(values[index]) / sum) }
    }
    return Tensor(shape: flows.shape, values)
  }

  /// Computes the flows of some positions.
  ///
  /// - Parameters:
  ///   - trace: the run.
  ///   - positions: positions of the last layer; `nil` takes all.
  ///   - progress: called with the share done, from 0 to 1, after each position.
  ///   - cancellation: stops between and inside flows.
  /// - Throws: `AttentionFlowError.tooLong`; `ModelError` where there is no such position; `MissingPartError` where attention
  ///   goes to more than tokens; `Cancelled`.
  public init(
    of trace: Trace, positions: [Int]? = nil, progress: ((Double) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws {
    try trace.requireMapsOfTokensAlone()
    let count = trace.ids.count
    let positions = positions ?? Array(0..<count)
    let limit = positions.count == 1 ? Self.largestTextOfOnePosition : Self.largestText
    guard count <= limit else { throw AttentionFlowError.tooLong(tokens: count, limit: limit) }
    for position in positions where !(0..<count).contains(position) {
      throw ModelError.positionOutOfRange(position, count: count)
    }
    var capacities: [[Double]] = []
    for layer in 0..<trace.model.configuration.layers {
      let map = try trace.reducedAttention(
        layer: layer, reduction: .mean, cancellation: cancellation
      ).floats
      capacities.append(
        map.indices.map { Double(map[$0]) / 2 + ($0 / count == $0 % count ? 0.5 : 0) })
    }
    var values: [Float] = []
    for (index, position) in positions.enumerated() {
      for token in 0..<count {
        var network = LayeredNetwork(capacities: capacities, width: count)
        values.append(
          Float(try network.largestFlow(from: position, to: token, cancellation: cancellation)))
      }
      progress?(Double(index + 1) / Double(positions.count))
    }
    self.positions = positions
    flows = Tensor(shape: [positions.count, count], values)
  }
}

/// Why no flow is computed.
public enum AttentionFlowError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text is longer than the limit.
  case tooLong(tokens: Int, limit: Int)

  /// One sentence with the figures.
  public var description: String {
    switch self {
    case .tooLong(let tokens, let limit):
      "Attention flow of \(tokens) tokens would take too long: \(limit) is the most here."
    }
  }
}

/// A network of layers of nodes, with pipes from every node of a layer to the nodes of the layer below.
///
/// Node `layer * width + place`; layer 0 is the input.
struct LayeredNetwork {
  private let width: Int
  private let layers: Int
  /// What each pipe still carries downwards: `[layer][upper place * width + lower place]`.
  private var down: [[Double]]
  /// What each pipe could be relieved of: the flow that it has.
  private var up: [[Double]]
  /// Rests below this are rounding, not capacity.
  private static let least = 1e-12

  /// A network without flow; `capacities[l]` leads from the nodes of layer `l + 1` to those of `l`.
  init(capacities: [[Double]], width: Int) {
    self.width = width
    layers = capacities.count
    down = capacities
    up = capacities.map { Array(repeating: 0, count: $0.count) }
  }

  /// The largest flow from a place of the top layer to a place of the input, by shortest augmenting
  /// paths in phases (Dinitz 1970).
  mutating func largestFlow(
    from source: Int, to target: Int, cancellation: Cancellation?
  ) throws(Cancelled) -> Double {
    let start = layers * width + source
    var total = 0.0
    while true {
      try cancellation?.check()
      let distances = distances(from: start, to: target)
      guard distances[target] >= 0 else { return total }
      var next = [Int](repeating: 0, count: (layers + 1) * width)
      while true {
        try cancellation?.check()
        let pushed = push(
          .infinity, from: start, to: target, distances: distances, next: &next)
        guard pushed > 0 else { break }
        total += pushed
      }
    }
  }

  /// How many pipes each node is away; -1 where none leads there, and beyond the target.
  private func distances(from start: Int, to target: Int) -> [Int] {
    var distances = [Int](repeating: -1, count: (layers + 1) * width)
    distances[start] = 0
    var queue = [start]
    var read = 0
    while read < queue.count {
      let node = queue[read]
      read += 1
      if node == target { break }
      for edge in 0..<2 * width where rest(node, edge) > Self.least {
        let neighbour = end(node, edge)
        if distances[neighbour] < 0 {
          distances[neighbour] = distances[node] + 1
          queue.append(neighbour)
        }
      }
    }
    return distances
  }

  /// The node at the end of an edge: first those below, then those above.
  private func end(_ node: Int, _ edge: Int) -> Int {
    let layer = node / width
    return edge < width ? (layer - 1) * width + edge : (layer + 1) * width + edge - width
  }

  /// What an edge still carries.
  private func rest(_ node: Int, _ edge: Int) -> Double {
    let (layer, place) = (node / width, node % width)
    if edge < width { return layer > 0 ? down[layer - 1][place * width + edge] : 0 }
    return layer < layers ? up[layer][(edge - width) * width + place] : 0
  }

  private mutating func move(_ amount: Double, _ node: Int, _ edge: Int) {
    let (layer, place) = (node / width, node % width)
    if edge < width {
      down[layer - 1][place * width + edge] -= amount
      up[layer - 1][place * width + edge] += amount
    } else {
      let pipe = (edge - width) * width + place
      up[layer][pipe] -= amount
      down[layer][pipe] += amount
    }
  }

  /// Sends what one path of growing distances carries, and gives how much that is.
  private mutating func push(
    _ most: Double, from node: Int, to target: Int, distances: [Int], next: inout [Int]
  ) -> Double {
    if node == target { return most }
    while next[node] < 2 * width {
      let edge = next[node]
      let rest = rest(node, edge)
      if rest > Self.least {
        let neighbour = end(node, edge)
        if distances[neighbour] == distances[node] + 1 {
          let pushed = push(
            min(most, rest), from: neighbour, to: target, distances: distances, next: &next)
          if pushed > 0 {
            move(pushed, node, edge)
            return pushed
          }
        }
      }
      next[node] += 1
    }
    return 0
  }
}
