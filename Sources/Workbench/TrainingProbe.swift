import Analysis
import DataFormats
import Figures
import Interpreter
public import Models
public import Tensors
import Tokenizers
import Training

/// What a model that learns makes of one text, looked at again and again.
public struct TrainingProbe: Sendable {
  /// The text at one time.
  struct Frame: Sendable {
    /// How many steps were taken.
    let step: Int
    /// The attention map, `[queries, keys]`.
    let map: Tensor
    /// The mean entropy of every head's attention in bits, `[layers][heads]`.
    let entropies: [[Double]]
    /// What would follow, likeliest first.
    let next: [NextToken]
    /// The vector of the text's last token after the last layer, `[width]`.
    let vector: [Float]
  }

  /// The text.
  let text: String
  /// Its tokens.
  let tokens: [Token]
  /// Whose map is kept.
  let layer: Int
  let head: AttentionChoice
  private(set) var frames: [Frame] = []

  /// Makes a probe of the attention of the last layer, the mean over its heads.
  ///
  /// - Throws: `ModelError` where the model has no tokenizer or the text no tokens.
  public init(_ text: String, model: LanguageModel) throws {
    try self.init(text, model: model, layer: model.configuration.layers - 1, head: .mean)
  }

  init(_ text: String, model: LanguageModel, layer: Int, head: AttentionChoice) throws {
    self.text = text
    self.layer = layer
    self.head = head
    tokens = try model.encode(text).tokens
  }

  /// Looks at the text with a model as it is now.
  ///
  /// - Throws: `Cancelled`.
  public mutating func look(
    _ model: LanguageModel, step: Int, cancellation: Cancellation? = nil
  ) throws {
    let trace = try model.run(text, cancellation: cancellation)
    let sizes = model.configuration
    let summaries = try AttentionPatterns.summaries(
      trace, layers: Array(0..<sizes.layers), cancellation: cancellation)
    var entropies = Array(
      repeating: [Double](repeating: 0, count: sizes.heads), count: sizes.layers)
    for summary in summaries { entropies[summary.layer][summary.head] = summary.entropy }
    frames.append(
      Frame(
        step: step,
        map: try AttentionPatterns.pattern(
          trace, layer: layer, heads: head.heads, cancellation: cancellation
        ).values, entropies: entropies,
        next: try NextTokens.top(trace, count: 5, cancellation: cancellation),
        vector: try trace.hiddenStates(sizes.layers).row(tokens.count - 1)))
  }

  /// The heading of its pictures.
  func title(_ model: String, heads: Int) -> String {
    "\(model) · layer \(layer) · \(head.words("head", of: heads))"
  }

  /// The map at every time.
  func figure(title: String, provenance: Provenance?) -> MapSequence {
    let labels = tokens.map(TokenLabels.label)
    return MapSequence(
      title: title,
      frames: frames.map { frame in
        MapSequence.Frame(
          title: "step \(frame.step)", note: Self.words(frame.next),
          values: AttentionFigures.matrix(frame.map, positions: Array(tokens.indices)))
      }, rowLabels: labels, columnLabels: labels, isCausal: true, provenance: provenance)
  }

  /// The likeliest next tokens in a line.
  static func words(_ tokens: [NextToken]) -> String {
    tokens.prefix(3).map { token in
      "\(Value.text(token.text ?? "\(token.id)").description) \(NumberText.short(token.probability * 100, 3)) %"
    }.joined(separator: ", ")
  }

  /// The map as a picture whose darkest pixel looks at nothing, some pixels for each cell.
  static func image(_ map: Tensor) -> ImageSummary? {
    let (rows, columns) = (map.shape[0], map.shape[1])
    let values = map.floats
    let size = max(1, 256 / max(rows, columns, 1))
    let most = values.max() ?? 0
    var gray: [UInt8] = []
    gray.reserveCapacity(rows * columns * size * size)
    for row in 0..<rows * size {
      for column in 0..<columns * size {
        let value = values[row / size * columns + column / size]
        gray.append(most > 0 ? UInt8((value / most * 255).rounded()) : 0)
      }
    }
    guard
      let encoded = try? PNG.encode(width: columns * size, height: rows * size, gray: gray)
    else { return nil }
    return ImageSummary(width: columns * size, height: rows * size, encoded: encoded)
  }
}
