import Checkpoints
import Figures
import Models
import Tensors
import Tokenizers

/// The picture of a model.
enum ModelCards {
  /// The card of a resident model, without its provenance.
  static func card(of value: ModelValue) -> ModelCard {
    let model = value.model
    let sizes = model.configuration
    var facts = [
      ModelCard.Fact("files", files(model)),
      ModelCard.Fact("tensors", "\(model.checkpoint.names.count)"),
      ModelCard.Fact(
        "tokenizer",
        model.tokenizer.map { "\(NumberText.grouped($0.vocabularySize)) tokens" }
          ?? "none: give token ids"),
      ModelCard.Fact(
        "full trace",
        "\(bytes(model.traceByteCount(tokens: sizes.contextLength))) for "
          + "\(sizes.contextLength) tokens, every head viewable"),
    ]
    facts += elementTypeFacts(model.checkpoint.summary)
    if let decoder = model.decoderConfiguration {
      facts.append(
        ModelCard.Fact(
          "decoder",
          "\(decoder.layers) layers more, \(decoder.heads) × \(decoder.headDimension) heads on what is written, "
            + "as many on what is read"))
    }
    facts += compressionFacts(sizes)
    let unused = model.unusedWeightNames
    if !unused.isEmpty {
      let names = unused.prefix(3).joined(separator: ", ")
      facts.append(
        ModelCard.Fact(
          "weights not used", unused.count > 3 ? "\(names), … (\(unused.count))" : names))
    }
    return ModelCard(
      name: model.name, architecture: model.architecture,
      shape: ModelCard.Shape(
        layers: sizes.layers, width: sizes.width, heads: sizes.heads,
        keyValueHeads: sizes.keyValueHeads, headDimension: sizes.headDimension,
        innerWidth: sizes.innerWidth, vocabulary: sizes.vocabulary,
        contextLength: sizes.contextLength, isCausal: sizes.isCausal,
        predictsTokens: sizes.hasLanguageModelHead,
        experts: sizes.experts.map { words($0, of: sizes.layers) }),
      parts: model.parameterCounts.map { ModelCard.Part($0.part.rawValue, $0.count) },
      elementType: model.elementType.name, byteCount: model.checkpoint.byteCount, facts: facts)
  }

  /// The folder, or the one file of a model that is no folder's, and how many files hold the weights.
  private static func files(_ model: LanguageModel) -> String {
    let path = ModelLibrary.shortened(model.folder.weightsFile ?? model.folder.path)
    let count = model.weightFiles.count
    return count > 1 ? "\(path) (\(count) files of weights)" : path
  }

  /// How the bytes are divided among element types, where there are several of some size.
  private static func elementTypeFacts(_ summary: Checkpoint.Summary) -> [ModelCard.Fact] {
    let shares = summary.elementTypes.compactMap { share -> String? in
      let percent = Double(share.byteCount) / Double(max(1, summary.byteCount)) * 100
      return percent < 0.5 ? nil : "\(share.elementType.name) \(NumberText.fixed(percent, 0)) %"
    }
    guard shares.count > 1 else { return [] }
    return [ModelCard.Fact("bytes by type", shares.joined(separator: ", "))]
  }

  /// What models of several streams and blocks of tokens have besides.
  private static func compressionFacts(_ sizes: ModelConfiguration) -> [ModelCard.Fact] {
    guard let compression = sizes.compression else { return [] }
    var facts: [ModelCard.Fact] = []
    if sizes.streams > 1 {
      facts.append(ModelCard.Fact("residual streams", "\(sizes.streams), mixed in every layer"))
    }
    facts.append(
      ModelCard.Fact(
        "sees",
        "the last \(NumberText.grouped(compression.window)) tokens one by one, and a sink in each head"
      ))
    let layers = Dictionary(
      grouping: compression.rates.indices.filter { compression.rates[$0] > 0 }
    ) {
      [compression.rates[$0], compression.selects(in: $0) ? 1 : 0]
    }
    for (kind, layers) in layers.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      facts.append(
        ModelCard.Fact(
          "blocks of \(kind[0])",
          "in \(layers.count) layer\(layers.count == 1 ? "" : "s"), "
            + (kind[1] == 1 ? "\(compression.selectedBlocks) selected for each token" : "all seen"))
      )
    }
    return facts
  }

  /// How many experts there are and how many of them a token uses.
  private static func words(_ experts: ExpertSizes, of layers: Int) -> String {
    let shared = experts.shared > 0 ? ", and \(experts.shared) shared" : ""
    return
      "\(experts.chosen) of \(experts.count)\(shared), in \(experts.layers.count) of \(layers) layers"
  }

  /// A number of bytes in KiB, MiB or GiB.
  private static func bytes(_ count: Int) -> String {
    let (size, unit) =
      count >= 1 << 30 ? (1 << 30, "GiB") : count >= 1 << 20 ? (1 << 20, "MiB") : (1 << 10, "KiB")
    let tenths = (count * 10 + size / 2) / size
    return "\(tenths / 10).\(tenths % 10) \(unit)"
  }
}
