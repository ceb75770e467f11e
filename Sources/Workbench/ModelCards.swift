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
      ModelCard.Fact("files", ModelLibrary.shortened(model.folder.path)),
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

  /// How many experts there are and how many of them a token uses.
  private static func words(_ experts: ExpertSizes, of layers: Int) -> String {
    let shared = experts.shared > 0 ? ", and \(experts.shared) shared" : ""
    return
      "\(experts.chosen) of \(experts.count)\(shared), in \(experts.layers.count) of \(layers) layers"
  }

  /// A number of bytes in MiB or GiB.
  private static func bytes(_ count: Int) -> String {
    let (size, unit) = count >= 1 << 30 ? (1 << 30, "GiB") : (1 << 20, "MiB")
    let tenths = (count * 10 + size / 2) / size
    return "\(tenths / 10).\(tenths % 10) \(unit)"
  }
}
