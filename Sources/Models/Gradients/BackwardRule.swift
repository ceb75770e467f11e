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

  var isDerivative: Bool { self == .derivative }

  /// An attention's derivatives under the rule.
  ///
  /// Of queries · keys and of probabilities · values each factor gets half, so that queries and keys, which stand in both,
  /// get a quarter.
  func applied(to parts: consuming AttentionGradient) -> AttentionGradient {
    switch self {
    case .derivative: return parts
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

  /// Back through `silu(gate) · up`.
  func gated(
    _ gradient: Tensor, gate: consuming Tensor, up: consuming Tensor
  ) -> (gate: Tensor, up: Tensor) {
    isDerivative
      ? gatedGradient(gradient, gate: gate, up: up) : gatedRelevance(gradient, gate: gate, up: up)
  }
}

extension RMSNorm {
  /// The gradient with respect to the input x from that with respect to the normed rows.
  func inputGradient(_ gradient: Tensor, _ x: Tensor, _ rule: BackwardRule) -> Tensor {
    rule.isDerivative
      ? rmsNormGradient(gradient, input: x, weight: weight, epsilon: epsilon)
      : rmsNormRelevance(gradient, input: x, weight: weight, epsilon: epsilon)
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
    rule.isDerivative
      ? layerNormGradient(gradient, input: x, weight: weight, epsilon: epsilon)
      : layerNormRelevance(gradient, input: x, weight: weight, epsilon: epsilon)
  }
}

extension Activation {
  /// The gradient with respect to the input x from that with respect to the activation.
  func gradient(
    _ gradient: Tensor, _ x: Tensor, _ rule: BackwardRule = .derivative
  ) -> Tensor {
    if !rule.isDerivative { return activationRelevance(gradient, input: x, output: self(x)) }
    return switch self {
    case .gelu: geluGradient(gradient, input: x)
    case .geluTanh: geluTanhGradient(gradient, input: x)
    }
  }
}
