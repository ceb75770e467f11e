import Glibc
import Tensors

/// How several residual streams meet one part of a block: what the part reads of them, what of its output each gets, and
/// how they mix.
///
/// The three come from the streams themselves: with `n` streams side by side, normed as one vector, a map gives `n`
/// shares for reading, `n` for writing and `n × n` for mixing, which are made doubly stochastic (Sinkhorn and Knopp 1967)
/// so that no layer makes the streams longer. Xie et al. 2025, “mHC”; Zhu et al. 2024, arXiv:2409.19606.
struct HyperConnections: Sendable {
  /// What all hyper-connections of a model share.
  struct Sizes: Sendable {
    let streams: Int
    let width: Int
    /// How often rows and columns are made to sum to 1.
    let rounds: Int
    /// What keeps sums from being zero.
    let epsilon: Float
    let normEpsilon: Float
  }

  private let sizes: Sizes
  private let map: Tensor
  private let base: [Float]
  private let scale: [Float]

  /// Reads `name_fn`, `name_base` and `name_scale`.
  init(
    _ name: String, _ sizes: Sizes, layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    self.sizes = sizes
    let count = sizes.streams * (2 + sizes.streams)
    map = try weights.read(
      name + "_fn", [count, sizes.streams * sizes.width], part: .hyperConnections, layer: layer)
    base = try weights.read(name + "_base", [count], part: .hyperConnections, layer: layer).floats
    scale = try weights.read(name + "_scale", [3], part: .hyperConnections, layer: layer).floats
  }

  /// What a part reads of streams `[rows, streams × width]`, `[rows, width]`, and by what its output and the streams are
  /// put together, `[rows, streams × (1 + streams)]`.
  func read(
    _ streams: Tensor, _ cancellation: Cancellation?
  ) throws -> (read: Tensor, mixing: Tensor) {
    let (count, rows) = (sizes.streams, streams.shape[0])
    let mapped = try linear(
      rmsNorm(streams, weight: nil, epsilon: sizes.normEpsilon), weight: map, bias: nil,
      cancellation: cancellation
    ).floats
    let total = count * (2 + count)
    var reading = [Float](repeating: 0, count: rows * count)
    var mixing: [Float] = []
    mixing.reserveCapacity(rows * count * (1 + count))
    for row in 0..<rows {
      func value(_ index: Int, _ kind: Int) -> Float {
        mapped[row * total + index] * scale[kind] + base[index]
      }
      for stream in 0..<count {
        reading[row * count + stream] = Self.sigmoid(value(stream, 0)) + sizes.epsilon
      }
      for stream in 0..<count { mixing.append(2 * Self.sigmoid(value(count + stream, 1))) }
      mixing += stochastic((2 * count..<total).map { value($0, 2) })
    }
    return (
      Self.weightedSum(streams, reading, count: count),
      Tensor(
        shape: [rows, count * (1 + count)], mixing)
    )
  }

  /// The streams after the part, `[rows, streams × width]`: each gets its share of the part's output and of the others.
  func write(_ output: Tensor, mixing: Tensor, to streams: Tensor) -> Tensor {
    let (count, width, rows) = (sizes.streams, sizes.width, streams.shape[0])
    let (own, written, shares) = (streams.floats, output.floats, mixing.floats)
    var result = [Float](repeating: 0, count: own.count)
    for row in 0..<rows {
      let first = row * count * (1 + count)
      let source = row * count * width
      for target in 0..<count {
        let share = shares[first + target]
        let place = source + target * width
        for column in 0..<width { result[place + column] = share * written[row * width + column] }
        for stream in 0..<count {
          let share = shares[first + count + stream * count + target]
          let from = source + stream * width
          for column in 0..<width { result[place + column] += share * own[from + column] }
        }
      }
    }
    return Tensor(shape: streams.shape, result)
  }

  /// A matrix whose rows and columns sum to 1, from the logits of its rows.
  private func stochastic(_ logits: [Float]) -> [Float] {
    let count = sizes.streams
    var matrix: [Float] = []
    for row in 0..<count {
      let line = softmax(Array(logits[row * count..<(row + 1) * count]))
      matrix += line.map { $0 + sizes.epsilon }
    }
    func normalize(_ places: (Int) -> [Int]) {
      for line in 0..<count {
        let own = places(line)
        let sum = own.reduce(sizes.epsilon) { $0 + matrix[$1] }
        for place in own { matrix[place] /= sum }
      }
    }
    let column = { (line: Int) in (0..<count).map { $0 * count + line } }
    normalize(column)
    for _ in 1..<max(1, sizes.rounds) {
      normalize { line in Array(line * count..<(line + 1) * count) }
      normalize(column)
    }
    return matrix
  }

  static func sigmoid(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

  /// The sum of streams `[rows, count × width]`, each times its factor, `[rows, width]`.
  static func weightedSum(_ streams: Tensor, _ factors: [Float], count: Int) -> Tensor {
    let (rows, width) = (streams.shape[0], streams.shape[1] / count)
    let own = streams.floats
    var result = [Float](repeating: 0, count: rows * width)
    for row in 0..<rows {
      for stream in 0..<count {
        let factor = factors[row * count + stream]
        let from = (row * count + stream) * width
        for column in 0..<width { result[row * width + column] += factor * own[from + column] }
      }
    }
    return Tensor(shape: [rows, width], result)
  }
}

/// What makes one stream of several behind the last layer.
struct StreamReadout: Sendable {
  private let sizes: HyperConnections.Sizes
  private let map: Tensor
  private let base: [Float]
  private let scale: Float

  /// Reads `name_fn`, `name_base` and `name_scale`.
  init(
    _ name: String, _ sizes: HyperConnections.Sizes, weights: inout WeightReader
  ) throws(ModelError) {
    self.sizes = sizes
    map = try weights.read(
      name + "_fn", [sizes.streams, sizes.streams * sizes.width], part: .hyperConnections)
    base = try weights.read(name + "_base", [sizes.streams], part: .hyperConnections).floats
    scale = try weights.read(name + "_scale", [1], part: .hyperConnections).floats[0]
  }

  /// `[rows, width]` of streams `[rows, streams × width]`.
  func callAsFunction(_ streams: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    let count = sizes.streams
    let mapped = try linear(
      rmsNorm(streams, weight: nil, epsilon: sizes.normEpsilon), weight: map, bias: nil,
      cancellation: cancellation
    ).floats
    let shares = mapped.enumerated().map { place, value in
      HyperConnections.sigmoid(value * scale + base[place % count]) + sizes.epsilon
    }
    return HyperConnections.weightedSum(streams, shares, count: count)
  }
}
