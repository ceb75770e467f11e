import Models
public import Tensors

/// How much of what a model says passes each token's place in each layer, on the way from a baseline to a prompt.
///
/// Dhamdhere et al. 2018, arXiv:1805.12233, in the form of captum's `LayerConductance`: Σ over steps of the gradient with
/// respect to what enters the layer times by how much that moves.
public struct LayerConductance: Sendable {
  /// Where a step's gradient is taken.
  public enum Rule: String, Sendable, CaseIterable {
    /// The mean of both ends, which converges with the square of the steps.
    case trapezoid
    /// The left end, as captum does.
    case left
  }

  /// `[layers][tokens]`: of what enters each layer; that of layer 0 is integrated gradients.
  public let scores: [[Double]]
  /// The scalar that is explained.
  public let value: Double
  /// The same where every token of the prompt is the baseline.
  public let baselineValue: Double
  /// By how much each layer's sum misses `value − baselineValue`.
  public let deltas: [Double]
  /// How many steps the way has.
  public let steps: Int

  /// Explains.
  ///
  /// - Parameters:
  ///   - question: what is explained; tokens of its answer are given, but what enters layers at their places moves.
  ///   - options: the baseline and the steps, 50 unless given.
  ///   - rule: where a step's gradient is taken.
  ///   - progress: called with the share that is done.
  /// - Throws: `ModelError` where the model can't be differentiated; `Cancelled`.
  public init(
    _ question: AttributionQuestion, options: Attribution.Options = Attribution.Options(),
    rule: Rule = .trapezoid, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let model = question.model
    let (width, layers) = (model.configuration.width, model.configuration.layers)
    let steps = max(1, options.steps ?? 50)
    let vectors = question.vectors.floats
    let baseline = try AnswerSteps(question).baseline(options.baseline, cancellation)
    var gradientOptions = GradientOptions()
    gradientOptions.keepsStreams = true
    var scores = [[Double]](
      repeating: [Double](repeating: 0, count: question.ids.count), count: layers)
    var (first, last) = (0.0, 0.0)
    var before: EmbeddingGradient?
    for node in 0...steps {
      let share = Double(node) / Double(steps)
      let place = vectors.indices.map { index -> Float in
        Float(Double(baseline[index]) + share * (Double(vectors[index]) - Double(baseline[index])))
      }
      let here = try model.gradient(
        of: .logits(question.target), embeddings: Tensor(shape: question.vectors.shape, place),
        at: Array(0..<layers), options: gradientOptions, cancellation: cancellation)
      if node == 0 { first = here.value }
      last = here.value
      if let before {
        for layer in 0..<layers {
          guard let from = before.streams[layer]?.floats, let to = here.streams[layer]?.floats,
            let left = before.residual[layer]?.floats, let right = here.residual[layer]?.floats
          else { continue }
          for index in from.indices {
            let slope =
              rule == .left ? Double(left[index]) : (Double(left[index]) + Double(right[index])) / 2
            scores[layer][index / width] += slope * (Double(to[index]) - Double(from[index]))
          }
        }
      }
      before = here
      progress(Double(node + 1) / Double(steps + 1))
    }
    self.scores = scores
    self.steps = steps
    (value, baselineValue) = (last, first)
    let whole = last - first
    deltas = scores.map { $0.reduce(0, +) - whole }
  }
}
