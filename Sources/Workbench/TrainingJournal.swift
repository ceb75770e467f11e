import Analysis
import DataFormats
import Figures
import FoundationEssentials
import Interpreter
import Models
import Tensors
public import Tokenizers
public import Training

/// What is written of a training while it goes, for TensorBoard and for `runs`: numbers, distributions, attention maps,
/// texts, and the files of the embedding projector.
///
/// Each record is in its file at once.
public final class TrainingJournal {
  private let events: EventFileWriter
  private let folder: String
  private let tokens: [(id: Int, text: String)]
  private var projected: ContinuousClock.Instant?

  /// How many numbers of a weight or gradient are counted; of larger ones as many that lie evenly.
  static let mostCounted = 20_000
  /// How many tokens the projector gets, and how many numbers all of them may have.
  static let mostTokens = 1_000
  static let mostProjected = 500_000

  /// Begins an event file in a folder, which is made where it isn't there.
  ///
  /// - Parameters:
  ///   - corpus: the texts that are learned: the projector gets the vectors of their commonest tokens.
  ///   - tokenizer: what names the tokens; with `nil` the projector gets none.
  public init(folder: String, corpus: TrainingCorpus, tokenizer: Tokenizer?) throws {
    self.folder = folder
    events = try EventFileWriter(folder: folder, wallTime: Date().timeIntervalSince1970)
    guard let tokenizer else {
      tokens = []
      return
    }
    var counts: [Int32: Int] = [:]
    for document in corpus.documents { for id in document.ids { counts[id, default: 0] += 1 } }
    tokens = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.mostTokens)
      .map { (Int($0.key), tokenizer.decode([Int($0.key)])) }
  }

  private var now: Double { Date().timeIntervalSince1970 }

  /// Writes a number.
  public func scalar(_ tag: String, _ value: Double, step: Int) throws {
    try events.scalar(tag, value, step: step, wallTime: now)
  }

  /// Writes a step's loss, learning rate, gradient norms, and how evenly experts were chosen.
  public func note(_ record: StepRecord) throws {
    for (tag, value) in Self.numbers(record) { try scalar(tag, value, step: record.step) }
  }

  /// A step's numbers by tag.
  static func numbers(_ record: StepRecord) -> [(tag: String, value: Double)] {
    var numbers = [
      ("loss/train", record.loss), ("learning rate", record.learningRate),
      ("gradient norm/all", record.gradientNorm),
    ]
    for part in record.partNorms where part.norm.isFinite && part.norm > 0 {
      numbers.append(("gradient norm/\(part.part)", part.norm))
    }
    return numbers
  }

  /// Writes what probes found at their last look: the entropy of every head's attention, the attention map as a
  /// picture, and what would follow the text.
  public func note(_ probes: [TrainingProbe]) throws {
    for (index, probe) in probes.enumerated() {
      guard let frame = probe.frames.last else { continue }
      let name = "probe \(index)"
      for (layer, entropies) in frame.entropies.enumerated() {
        for (head, entropy) in entropies.enumerated() {
          try scalar(
            "attention entropy/\(name)/layer \(layer) head \(head)", entropy, step: frame.step)
        }
      }
      try events.text(
        "next tokens/\(name)", Self.markdown(probe.text, frame.next), step: frame.step,
        wallTime: now)
      if let image = TrainingProbe.image(frame.map) {
        try events.image("attention/\(name)", image, step: frame.step, wallTime: now)
      }
    }
  }

  /// Writes how weights, and the gradients of the last step, are distributed.
  public func distributions(of trainer: Trainer) throws {
    for (kind, tensors) in [("weights", try trainer.weights), ("gradients", trainer.gradients)] {
      for (name, tensor) in tensors {
        try events.histogram(
          "\(kind)/\(name)", Self.sample(tensor), step: trainer.step, wallTime: now)
      }
    }
  }

  private static func sample(_ tensor: Tensor) -> [Double] {
    let values = tensor.floats
    let stride = max(1, (values.count + mostCounted - 1) / mostCounted)
    return Swift.stride(from: 0, to: values.count, by: stride).map { Double(values[$0]) }
  }

  /// Renews the projector's files: the vectors of the texts' commonest tokens, and of each probe at every look.
  ///
  /// - Parameter isLast: whether they are renewed even where that was done in the last ten seconds.
  public func project(_ trainer: Trainer, _ probes: [TrainingProbe], isLast: Bool) throws {
    if !isLast, let projected, projected.duration(to: .now) < .seconds(10) { return }
    projected = .now
    var projections: [EmbeddingProjection] = []
    if let embedding = try trainer.weights.first(where: { $0.name.hasSuffix("embed_tokens.weight") }
    )?
    .tensor, embedding.shape.count == 2, !tokens.isEmpty {
      let shown = tokens.prefix(max(1, Self.mostProjected / max(1, embedding.shape[1])))
        .filter { $0.id < embedding.shape[0] }
      projections.append(
        EmbeddingProjection(
          name: "tokens", vectors: shown.map { Array(embedding.row($0.id)) },
          columns: ["token", "id"], labels: shown.map { [$0.text, "\($0.id)"] }))
    }
    let frames = probes.flatMap { probe in probe.frames.map { (probe.text, $0) } }
    if !frames.isEmpty {
      projections.append(
        EmbeddingProjection(
          name: "probes", vectors: frames.map { $0.1.vector }, columns: ["text", "step"],
          labels: frames.map { [$0.0, "\($0.1.step)"] }))
    }
    try EmbeddingProjection.write(projections, folder: folder)
  }

  /// What would follow a text, in one line of Markdown.
  private static func markdown(_ text: String, _ next: [NextToken]) -> String {
    func escaped(_ text: String) -> String {
      var escaped = ""
      for character in Value.text(text).description {
        if "\\`*_{}[]()#+-!|<>&~".contains(character) { escaped.append("\\") }
        escaped.append(character)
      }
      return escaped
    }
    let parts = next.map { token in
      "\(escaped(token.text ?? "\(token.id)")) \(NumberText.short(token.probability * 100, 3)) %"
    }
    return "\(escaped(text)) → " + parts.joined(separator: ", ")
  }
}
