import Glibc
import Models
import Tensors

/// The gradients on the straight way from a baseline to a prompt's vectors, integrated by Gauss and Legendre's rule.
struct IntegratedPath {
  let scores: [Double]
  /// The mean gradient on the way, of all tokens.
  let gradient: [Float]
  let value: Double
  let baselineValue: Double
  let delta: Double
  let steps: Int

  private static let mostSteps = 512

  init(
    _ question: AttributionQuestion, _ options: Attribution.Options,
    _ cancellation: Cancellation?, _ progress: (Double) -> Void
  ) throws {
    let width = question.model.configuration.width
    let vectors = question.vectors.floats
    let absent = try options.baseline.vector(of: question.model, cancellation)
    // Tokens of the answer are given, not explained: they stay as they are.
    let baseline = vectors.indices.map {
      $0 < question.promptCount * width ? absent[$0 % width] : vectors[$0]
    }
    let shape = question.vectors.shape
    value = try question.value(question.vectors, cancellation)
    baselineValue = try question.value(Tensor(shape: shape, baseline), cancellation)
    var steps = options.steps ?? 32
    while true {
      var sums = [Double](repeating: 0, count: vectors.count)
      for (index, node) in Self.nodes(steps).enumerated() {
        let place = vectors.indices.map { index -> Float in
          let (from, to) = (Double(baseline[index]), Double(vectors[index]))
          return Float(from + node.position * (to - from))
        }
        let (_, gradient) = try question.gradient(Tensor(shape: shape, place), cancellation)
        for index in sums.indices { sums[index] += node.weight * Double(gradient[index]) }
        progress(Double(index + 1) / Double(steps))
      }
      let scores = (0..<question.promptCount).map { token -> Double in
        (token * width..<(token + 1) * width).reduce(0.0) { sum, index in
          let way = Double(vectors[index]) - Double(baseline[index])
          return sum + way * sums[index]
        }
      }
      let delta = scores.reduce(0, +) - (value - baselineValue)
      let isEnough = abs(delta) <= 0.01 * max(abs(value - baselineValue), 1e-3)
      if options.steps != nil || isEnough || 2 * steps > Self.mostSteps {
        (self.scores, self.delta, self.steps) = (scores, delta, steps)
        gradient = sums.map(Float.init)
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
