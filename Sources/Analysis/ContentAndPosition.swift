public import Models
public import Tensors

/// How much of a head's attention comes from what tokens are, and how much from where they stand, in latent attention.
///
/// The logits of latent attention are sums of a part without positions and a part with them (DeepSeek-AI 2024,
/// arXiv:2405.04434, section 2.1.3).
public struct ContentAndPosition: Sendable {
  /// The layer.
  public let layer: Int
  /// The head.
  public let head: Int
  /// The part of each logit that comes from content, `[queries, keys]`; NaN where the query doesn't see the key.
  public let content: Tensor
  /// The part that comes from position, likewise.
  public let position: Tensor
  /// The attention that the sums give, `[queries, keys]`.
  public let attention: Tensor
  /// The share of the logits' variance over the keys that a query sees, for each query; NaN where they don't vary.
  public let contentShares: [Double]
  /// The share over all queries: the covariance of the content part with the logits, in parts of their variance.
  ///
  /// The position part has the rest. Where the parts work against each other a share may lie below 0 or above 1; what
  /// all keys of a query have in common doesn't count, as the softmax doesn't see it.
  public let contentShare: Double

  /// Splits one head.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or queries and keys weren't kept; `MissingPartError` where
  ///   the model has no latent attention; `Cancelled`.
  public init(
    _ trace: Trace, layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws {
    let parts = try trace.attentionLogitParts(
      layer: layer, head: head, cancellation: cancellation)
    let count = trace.ids.count
    let selection =
      trace.model.configuration.selectedKeys == nil ? nil : try trace.keySelection(layer)
    var content = [Float](repeating: .nan, count: count * count)
    var position = content
    var attention = [Float](repeating: 0, count: count * count)
    var shares: [Double] = []
    var (together, variance) = (0.0, 0.0)
    for query in 0..<count {
      try cancellation?.check()
      let keys = selection?.keys(of: query) ?? Array(0...query)
      let (ofContent, ofPosition) = (parts.content.row(query), parts.position.row(query))
      let logits = keys.map { Double(ofContent[$0]) + Double(ofPosition[$0]) }
      let largest = logits.max() ?? 0
      let exponentials = logits.map { exponential($0 - largest) }
      let sum = exponentials.reduce(0, +)
      for (place, key) in keys.enumerated() {
        content[query * count + key] = ofContent[key]
        position[query * count + key] = ofPosition[key]
        attention[query * count + key] = Float(exponentials[place] / sum)
      }
      let own = keys.map { Double(ofContent[$0]) }
      let means = (
        own.reduce(0, +) / Double(keys.count), logits.reduce(0, +) / Double(keys.count)
      )
      var row = (together: 0.0, variance: 0.0)
      for (left, right) in zip(own, logits) {
        row.together += (left - means.0) * (right - means.1)
        row.variance += (right - means.1) * (right - means.1)
      }
      shares.append(row.variance > 0 ? row.together / row.variance : .nan)
      together += row.together
      variance += row.variance
    }
    self.layer = layer
    self.head = head
    self.content = Tensor(shape: [count, count], content)
    self.position = Tensor(shape: [count, count], position)
    self.attention = Tensor(shape: [count, count], attention)
    contentShares = shares
    contentShare = variance > 0 ? together / variance : .nan
  }
}
