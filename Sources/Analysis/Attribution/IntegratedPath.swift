import Glibc
import Models
import Tensors

/// The gradients of one scalar or several on the straight way from a baseline to a prompt's vectors, integrated by Gauss
/// and Legendre's rule.
struct IntegratedPath {
  /// Of each scalar, a number for each token that is explained.
  let scores: [[Double]]
  /// The mean gradients on the way, of all tokens.
  let gradients: [[Float]]
  let values: [Double]
  let baselineValues: [Double]
  let deltas: [Double]
  let steps: Int

  private static let mostSteps = 512

  init(
    _ question: AnswerSteps, _ options: Attribution.Options,
    _ cancellation: Cancellation?, _ progress: (Double) -> Void
  ) throws {
    let width = question.model.configuration.width
    let vectors = question.vectors.floats
    let baseline = try question.baseline(options.baseline, cancellation)
    let shape = question.vectors.shape
    let whole = try question.values(question.vectors, cancellation)
    let nothing = try question.values(Tensor(shape: shape, baseline), cancellation)
    (values, baselineValues) = (whole, nothing)
    var steps = options.steps ?? 32
    while true {
      var sums = [[Double]](
        repeating: [Double](repeating: 0, count: vectors.count), count: whole.count)
      let nodes = Self.nodes(steps)
      for start in stride(from: 0, to: steps, by: question.batchSize) {
        let some = nodes[start..<min(steps, start + question.batchSize)]
        let places = some.map { node in
          Tensor(
            shape: shape,
            zip(baseline, vectors).map { from, to in
              Float(Double(from) + node.position * (Double(to) - Double(from)))
            })
        }
        for (node, gradients) in zip(some, try question.gradients(places, cancellation)) {
          for (step, gradient) in gradients.enumerated() {
            for index in gradient.indices {
              sums[step][index] += node.weight * Double(gradient[index])
            }
          }
        }
        progress(Double(start + some.count) / Double(steps))
      }
      let scores = sums.enumerated().map { step, sums in
        (0..<question.explained(step)).map { token -> Double in
          (token * width..<(token + 1) * width).reduce(0.0) { sum, index in
            let way = Double(vectors[index]) - Double(baseline[index])
            return sum + way * sums[index]
          }
        }
      }
      let deltas = scores.indices.map {
        scores[$0].reduce(0, +) - (whole[$0] - nothing[$0])
      }
      let isEnough = deltas.indices.allSatisfy {
        abs(deltas[$0]) <= 0.01 * max(abs(whole[$0] - nothing[$0]), 1e-3)
      }
      if options.steps != nil || isEnough || 2 * steps > Self.mostSteps {
        (self.scores, self.deltas, self.steps) = (scores, deltas, steps)
        gradients = sums.map { $0.map(Float.init) }
        return
      }
      steps *= 2
    }
  }

  /// The nodes and weights of Gauss and Legendre's rule on the interval from 0 to 1.
  static func nodes(_ count: Int) -> [(position: Double, weight: Double)] {
    (1...max(1, count)).map { index in
      let n = Double(max(1, count))
      // Newton's method from Tricomi's estimate of the root of the Legendre polynomial.
      var x = cos(.pi * (Double(index) - 0.25) / (n + 0.5))
      var slope = 1.0
      for _ in 0..<100 {
        var (before, here) = (1.0, x)
        for degree in 2..<max(2, count + 1) {
          let k = Double(degree)
          (before, here) = (here, ((2 * k - 1) * x * here - (k - 1) * before) / k)
        }
        slope = count == 1 ? 1 : n * (x * here - before) / (x * x - 1)
        let step = (count == 1 ? x : here) / slope
        x -= step
        if abs(step) < 1e-15 { break }
      }
      let weight = count == 1 ? 2 : 2 / ((1 - x * x) * slope * slope)
      return ((1 - x) / 2, weight / 2)
    }
  }
}
