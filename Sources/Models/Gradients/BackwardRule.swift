import Glibc
import Tensors

/// What a way back follows: the derivative, or relevance by local rules.
///
/// Relevance is followed as a gradient whose product with what it belongs to is the relevance, so that linear steps
/// go back as derivatives do, and only what isn't linear has a rule of its own.
public enum BackwardRule: String, Sendable, Hashable, CaseIterable {
  /// The derivative.
  case derivative
  /// The rules of AttnLRP (Achtibat et al. 2024, arXiv:2402.05602): norms divide by a constant, activations leave
  /// relevance as it is, both factors of a product get half, and the softmax goes back to first order.
  ///
  /// What biases and the softmax's expansion take is lost. Of experts, which are beyond the paper, the router's choice
  /// and its weights are taken as given.
  case attentionAware
  /// The rules under which the relevance that arrives is the logit that is explained, but for what biases take: like
  /// `attentionAware`, with the attention's probabilities taken as given (Ali et al. 2022, arXiv:2202.07304).
  case conserving
  /// DeepLIFT's rescale rule (Shrikumar et al. 2017, arXiv:1704.02685): multipliers of changes from a baseline, whose rows
  /// follow those of the text.
  ///
  /// A function of one number goes back as its change over its argument's, and a product with the mean of the other
  /// factor's two values. Of experts, the router's weights are taken as given, at their mean.
  case rescale

  var isDerivative: Bool { self == .derivative }

  /// An attention's derivatives under the rule.
  ///
  /// Of queries · keys and of probabilities · values each factor gets half, so that queries and keys, which stand in both,
  /// get a quarter.
  func applied(to parts: consuming AttentionGradient) -> AttentionGradient {
    switch self {
    // The multipliers of a rescaled attention are what they should be already.
    case .derivative, .rescale: return parts
    case .attentionAware:
      var result = parts
      result.queries.scale(by: 0.25)
      result.keys.scale(by: 0.25)
      result.values.scale(by: 0.5)
      return result
    case .conserving:
      return AttentionGradient(
        queries: Tensor(zeros: parts.queries.shape), keys: Tensor(zeros: parts.keys.shape),
        values: parts.values)
    }
  }

  /// Back through the product of two tensors, element by element.
  func product(
    _ gradient: Tensor, _ first: Tensor, _ second: Tensor
  ) -> (first: Tensor, second: Tensor) {
    switch self {
    case .derivative: return (multiply(gradient, second), multiply(gradient, first))
    case .rescale:
      return (
        multiply(gradient, pairMeans(second)), multiply(gradient, pairMeans(first))
      )
    case .attentionAware, .conserving:
      var half = gradient
      half.scale(by: 0.5)
      return (multiply(half, second), multiply(half, first))
    }
  }

  /// Back through `silu(gate) · up`.
  func gated(
    _ gradient: Tensor, gate: consuming Tensor, up: consuming Tensor
  ) -> (gate: Tensor, up: Tensor) {
    switch self {
    case .derivative: gatedGradient(gradient, gate: gate, up: up)
    case .rescale: gatedRescale(gradient, gate: gate, up: up)
    case .attentionAware, .conserving: gatedRelevance(gradient, gate: gate, up: up)
    }
  }
}

extension RMSNorm {
  /// The gradient with respect to the input x from that with respect to the normed rows.
  func inputGradient(_ gradient: Tensor, _ x: Tensor, _ rule: BackwardRule) -> Tensor {
    switch rule {
    case .derivative: rmsNormGradient(gradient, input: x, weight: weight, epsilon: epsilon)
    case .rescale: rmsNormRescale(gradient, input: x, weight: weight, epsilon: epsilon)
    case .attentionAware, .conserving:
      rmsNormRelevance(gradient, input: x, weight: weight, epsilon: epsilon)
    }
  }

  /// The same where each head of `[rows, heads × width]` is normed by itself.
  func inputGradient(
    _ gradient: Tensor, _ x: Tensor, heads: Int, _ rule: BackwardRule
  ) -> Tensor {
    let shape = [x.shape[0] * heads, x.shape[1] / heads]
    return inputGradient(gradient.reshaped(shape), x.reshaped(shape), rule).reshaped(x.shape)
  }
}

extension LayerNorm {
  /// The gradient with respect to the input x from that with respect to the normed rows.
  func inputGradient(
    _ gradient: Tensor, _ x: Tensor, _ rule: BackwardRule = .derivative
  ) -> Tensor {
    switch rule {
    case .derivative: layerNormGradient(gradient, input: x, weight: weight, epsilon: epsilon)
    case .rescale: layerNormRescale(gradient, input: x, weight: weight, epsilon: epsilon)
    case .attentionAware, .conserving:
      layerNormRelevance(gradient, input: x, weight: weight, epsilon: epsilon)
    }
  }
}

extension Activation {
  /// The gradient with respect to the input x from that with respect to the activation.
  func gradient(
    _ gradient: Tensor, _ x: Tensor, _ rule: BackwardRule = .derivative
  ) -> Tensor {
    if rule == .rescale { return activationRescale(gradient, input: x, value) }
    if !rule.isDerivative { return activationRelevance(gradient, input: x, output: self(x)) }
    return switch self {
    case .gelu: geluGradient(gradient, input: x)
    case .geluTanh: geluTanhGradient(gradient, input: x)
    }
  }

  /// The function of one number.
  func value(_ x: Double) -> Double {
    switch self {
    case .gelu: 0.5 * x * (1 + erf(x * 0.5.squareRoot()))
    case .geluTanh:
      0.5 * x * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
  }
}
