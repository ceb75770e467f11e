public import Tensors

/// Queries, keys and values of one layer, from which every head's map can be computed again.
public struct AttentionInputs: Sendable {
  /// The queries as they meet the keys, turned by position, `[tokens, heads × headDimension]`.
  public var queries: Tensor
  /// The keys and values.
  public var keysAndValues: KeysAndValues
  /// The keys that each query sees, or `nil` where it sees all that the model's mask allows.
  public var selection: KeySelection?
  /// How weights come of queries and keys where the model's scale and mask alone don't say it.
  var mixing: (any AttentionMixing)?

  /// Makes inputs.
  public init(queries: Tensor, keysAndValues: KeysAndValues, selection: KeySelection? = nil) {
    self.queries = queries
    self.keysAndValues = keysAndValues
    self.selection = selection
  }

  /// Makes inputs whose heads have keys `[tokens, keyValueHeads × headDimension]` and values
  /// `[tokens, keyValueHeads × valueDimension]`.
  public init(queries: Tensor, keys: Tensor, values: Tensor) {
    self.init(queries: queries, keysAndValues: .heads(keys: keys, values: values))
  }
}

/// The keys and values of one layer.
public enum KeysAndValues: Sendable {
  /// As they are: keys `[tokens, keyValueHeads × headDimension]`, turned by position, and values
  /// `[tokens, keyValueHeads × valueDimension]`.
  case heads(keys: Tensor, values: Tensor)
  /// As the latents that they come from.
  case latents(LatentKeysAndValues)
}

/// The latents of a layer's keys and values, from which any head's can be expanded.
///
/// Per token they take the latent's width and one head's position part, where the keys and values of
/// all heads would take many times as much (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1).
public struct LatentKeysAndValues: Sendable {
  /// The normed latents, `[tokens, keyValueWidth]`.
  public let latents: Tensor
  /// The part of the keys that carries the position, the same for all heads and turned by position,
  /// `[tokens, positionDimension]`.
  public let positionKeys: Tensor
  /// What expands latents: for each head the rows of its keys, then those of its values.
  let expansion: Linear
  let keyDimension: Int
  let valueDimension: Int

  /// How many elements of a head's key carry no position.
  public var contentDimension: Int { keyDimension }

  /// The keys of some heads, `[tokens, heads × (contentDimension + positionDimension)]`.
  public func keys(_ heads: Range<Int>, cancellation: Cancellation? = nil) throws -> Tensor {
    let parts = try heads.flatMap { head in
      [try expand(head, 0, keyDimension, cancellation), positionKeys]
    }
    return try Tensor.concatenated(parts, axis: 1)
  }

  /// The part of some heads' keys that carries no position, `[tokens, heads × contentDimension]`.
  public func contentKeys(_ heads: Range<Int>, cancellation: Cancellation? = nil) throws -> Tensor {
    try Tensor.concatenated(
      try heads.map { try expand($0, 0, keyDimension, cancellation) }, axis: 1)
  }

  /// The values of some heads, `[tokens, heads × valueDimension]`.
  public func values(_ heads: Range<Int>, cancellation: Cancellation? = nil) throws -> Tensor {
    try Tensor.concatenated(
      try heads.map { try expand($0, keyDimension, valueDimension, cancellation) }, axis: 1)
  }

  private func expand(
    _ head: Int, _ offset: Int, _ count: Int, _ cancellation: Cancellation?
  ) throws -> Tensor {
    let first = head * (keyDimension + valueDimension) + offset
    return try linear(
      latents, weight: expansion.weight.rows(first..<first + count), bias: nil,
      cancellation: cancellation)
  }
}
