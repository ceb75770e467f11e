public import Models
public import Tensors

/// Which activations carry the difference between two texts: one after another is taken from the clean run into the
/// corrupted one, and what that restores of the answer is measured.
///
/// Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262.
public struct ActivationPatching: Sendable {
  /// What is taken over.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// The residual stream that enters a layer, at one position.
    case residual
    /// What a layer's attention adds, at one position.
    case attention
    /// What a layer's feed-forward part adds, at one position.
    case feedForward = "feed_forward"
    /// What one head gathered, at all positions.
    case heads
  }

  /// What is taken over.
  public let part: Part
  /// The share of the difference that each restores, `[layers, positions]` or `[layers, heads]`: 1 gives the clean text's
  /// answer, 0 changes nothing.
  public let restored: Tensor
  /// The scalar of the clean text.
  public let clean: Double
  /// That of the corrupted one.
  public let corrupted: Double

  /// Patches every place.
  ///
  /// - Parameters:
  ///   - clean: the tokens of the clean text.
  ///   - corrupted: as many tokens.
  ///   - progress: called with the share that is done.
  /// - Throws: `ModelError`; `Cancelled`.
  ///
  /// Precondition: as many tokens in both.
  public init(
    _ model: LanguageModel, clean: [Int], corrupted: [Int], question: LogitQuestion, part: Part,
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    precondition(clean.count == corrupted.count, "texts of one length")
    self.part = part
    let sizes = model.configuration
    let sites = (0..<sizes.layers).map { part.site($0) }
    let recorded = try RecordedActivations(
      model, ids: clean, at: sites, cancellation: cancellation)
    self.clean = try question.value(model, ids: clean, cancellation: cancellation)
    let base = try question.value(model, ids: corrupted, cancellation: cancellation)
    self.corrupted = base
    let difference = self.clean - base
    let columns = part == .heads ? sizes.heads : clean.count
    var numbers: [Float] = []
    for (layer, site) in sites.enumerated() {
      guard let source = recorded[site] else { continue }
      for column in 0..<columns {
        let tap =
          part == .heads
          ? Self.head(column, width: sizes.valueDimension, from: source, at: site)
          : Self.position(column, from: source, at: site)
        let value = try question.value(
          model, ids: corrupted, taps: [tap], cancellation: cancellation)
        numbers.append(difference == 0 ? .nan : Float((value - base) / difference))
        progress(Double(layer * columns + column + 1) / Double(sites.count * columns))
      }
    }
    restored = Tensor(shape: [sites.count, columns], numbers)
  }

  /// Takes one position's row from another run.
  static func position(_ position: Int, from source: Tensor, at site: TapSite) -> Tap {
    Tap(site) { activation, first in
      guard (first..<first + activation.shape[0]).contains(position) else { return activation }
      var result = activation
      try result.replaceRows(
        startingAt: position - first, with: source.rows(position..<position + 1))
      return result
    }
  }

  /// Takes one head's columns from another run.
  static func head(_ head: Int, width: Int, from source: Tensor, at site: TapSite) -> Tap {
    Tap(site) { activation, first in
      let rows = activation.shape[0]
      let total = activation.shape[1]
      var parts: [Tensor] = []
      let columns = head * width..<(head + 1) * width
      if columns.lowerBound > 0 {
        parts.append(activation.slice(axis: 1, 0..<columns.lowerBound))
      }
      parts.append(source.rows(first..<first + rows).slice(axis: 1, columns))
      if columns.upperBound < total {
        parts.append(activation.slice(axis: 1, columns.upperBound..<total))
      }
      return try Tensor.concatenated(parts, axis: 1)
    }
  }
}

extension ActivationPatching.Part {
  /// Where it is in a layer.
  func site(_ layer: Int) -> TapSite {
    switch self {
    case .residual: .residual(layer)
    case .attention: .attention(layer)
    case .feedForward: .feedForward(layer)
    case .heads: .heads(layer)
    }
  }
}

/// What a model's answer loses without a part: each head, attention or feed-forward part in turn gives its mean over
/// the text's positions, or nothing.
///
/// Zeros may lie where no activation ever is; means keep what all positions share (Wang et al. 2022, arXiv:2211.00593).
public struct Ablation: Sendable {
  /// What takes a part's place.
  public enum Substitute: String, Sendable, Hashable, CaseIterable {
    /// Its mean over the positions of the text.
    case mean
    /// Zeros.
    case zero
  }

  /// By how much the scalar falls without each head, `[layers, heads]`.
  public let heads: Tensor
  /// Without each layer's attention and each layer's feed-forward part, `[layers, 2]`.
  public let parts: Tensor
  /// The scalar of the whole model.
  public let value: Double

  /// Ablates every head, attention and feed-forward part.
  ///
  /// - Throws: `ModelError`; `Cancelled`.
  public init(
    _ model: LanguageModel, ids: [Int], question: LogitQuestion, substitute: Substitute,
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    let sizes = model.configuration
    let layers = 0..<sizes.layers
    let sites = layers.flatMap { [TapSite.heads($0), .attention($0), .feedForward($0)] }
    let recorded = try RecordedActivations(model, ids: ids, at: sites, cancellation: cancellation)
    let base = try question.value(model, ids: ids, cancellation: cancellation)
    value = base
    let total = Double(layers.count * (sizes.heads + 2))
    var done = 0.0
    func loss(_ tap: Tap) throws -> Float {
      let value = try question.value(model, ids: ids, taps: [tap], cancellation: cancellation)
      done += 1
      progress(done / total)
      return Float(base - value)
    }
    var heads: [Float] = []
    var parts: [Float] = []
    for layer in layers {
      if let gathered = recorded[.heads(layer)] {
        let source = Self.source(gathered, substitute)
        for head in 0..<sizes.heads {
          heads.append(
            try loss(
              ActivationPatching.head(
                head, width: sizes.valueDimension, from: source, at: .heads(layer))))
        }
      }
      for site in [TapSite.attention(layer), .feedForward(layer)] {
        guard let activation = recorded[site] else { continue }
        let source = Self.source(activation, substitute)
        parts.append(
          try loss(
            Tap(site) { current, first in source.rows(first..<first + current.shape[0]) }))
      }
    }
    self.heads = Tensor(shape: [layers.count, sizes.heads], heads)
    self.parts = Tensor(shape: [layers.count, 2], parts)
  }

  /// What stands in every row: the mean of all rows, or zeros.
  private static func source(_ activation: Tensor, _ substitute: Substitute) -> Tensor {
    let (rows, width) = (activation.shape[0], activation.shape[1])
    var mean = [Float](repeating: 0, count: width)
    if substitute == .mean {
      var sums = [Double](repeating: 0, count: width)
      for (index, value) in activation.floats.enumerated() { sums[index % width] += Double(value) }
      mean = sums.map { Float($0 / Double(rows)) }
    }
    return Tensor(shape: [rows, width], (0..<rows).flatMap { _ in mean })
  }
}
