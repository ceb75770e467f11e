public import Checkpoints
public import Tensors
public import Tokenizers

/// Why a model can't be loaded or can't run; `description` is one sentence with the facts.
public enum ModelError: Error, Sendable, Equatable {
  // Loading.
  case checkpoint(CheckpointError)
  case tokenizer(TokenizerError)
  case configurationMissing(folder: String)
  case malformedFile(String, reason: String)
  case invalidValue(key: String, found: String, expected: String)
  case unsupported(key: String, found: String, supported: [String])
  case unknownArchitecture(String, known: [String])
  case missingWeight(String, checkpoint: String)
  case wrongShape(weight: String, found: [Int], expected: [Int])
  case unsuitableElementType(weight: String, found: ElementType)
  case unsuitableTable(String, found: ElementType)
  case tooLargeForMemory(model: String, needed: Int, total: Int)

  // Running.
  case noTokenizer(model: String)
  case noChatTemplate(model: String)
  case emptyInput
  case inputTooLong(tokens: Int, limit: Int)
  case tokenOutOfRange(id: Int, position: Int, vocabulary: Int)
  case tokensUnknown(layer: Int)
  case expertOutOfRange(String, layer: Int, token: Int, count: Int)
  case notEnoughMemory(what: String, needed: Int, available: Int)
  case notDifferentiable(architecture: String)
  case noSelectedChanges(model: String, tokens: Int, limit: Int)
  case noPairRelevance(model: String)
  case wrongInputShape(found: [Int], expected: [Int])

  // Looking into a trace.
  case layerOutOfRange(Int, count: Int)
  case headOutOfRange(Int, count: Int)
  case positionOutOfRange(Int, count: Int)
  case notKept(String)
  case noLanguageModelHead(model: String)
  case notCausal(model: String)
  case noOutputProjection(model: String)
  case noDecoder(model: String)
}

extension ModelError: CustomStringConvertible {
  /// One sentence: what is wrong, with the figures, and what would be right.
  public var description: String {
    switch self {
    case .checkpoint(let error):
      error.description
    case .tokenizer(let error):
      error.description
    case .configurationMissing(let folder):
      "The folder \(quoted(folder)) holds no config.json, which says how the model is built."
    case .malformedFile(let file, let reason):
      "\(quoted(file)) can't be used: \(reason)."
    case .invalidValue(let key, let found, let expected):
      "config.json gives \(key) as \(found), but \(expected) is expected."
    case .unsupported(let key, let found, let supported):
      "config.json gives \(key) as \(quoted(found)), which is not supported: "
        + "supported are \(supported.joined(separator: ", "))."
    case .unknownArchitecture(let name, let known):
      "The model type \(quoted(name)) is unknown: known are \(known.joined(separator: ", "))."
    case .missingWeight(let name, let checkpoint):
      "The weight \(quoted(name)), which config.json calls for, is missing from "
        + "\(quoted(checkpoint))."
    case .wrongShape(let weight, let found, let expected):
      "The weight \(quoted(weight)) has the shape \(found), but config.json says \(expected)."
    case .unsuitableElementType(let weight, let found):
      "The weight \(quoted(weight)) is stored as \(found.name): only f32, f16, bf16, f8_e4m3 and quantised "
        + "weights can be used."
    case .unsuitableTable(let name, let found):
      "The table \(quoted(name)) is stored as \(found.name): only i32 and i64 can name experts."
    case .tooLargeForMemory(let model, let needed, let total):
      "The weights of \(quoted(model)) take \(amount(needed)), but this machine has \(amount(total)) of "
        + "memory: take a smaller or a quantised version of the model."
    case .noTokenizer(let model):
      "The model \(quoted(model)) has no tokenizer.json: give token ids instead of a text."
    case .noChatTemplate(let model):
      "The model \(quoted(model)) comes without a chat template, so it has no format of its own for "
        + "conversations."
    case .emptyInput:
      "There is nothing to run: the input has no tokens."
    case .inputTooLong(let tokens, let limit):
      "The input has \(tokens) tokens, but the model takes at most \(limit)."
    case .tokenOutOfRange(let id, let position, let vocabulary):
      "The token id \(id) at position \(position) is outside the vocabulary: "
        + "ids run from 0 to \(vocabulary - 1)."
    case .tokensUnknown(let layer):
      "Layer \(layer) chooses experts by the tokens' ids, which this run doesn't know: give ids or a text."
    case .expertOutOfRange(let expert, let layer, let token, let count):
      "The table of layer \(layer) sends the token \(token) to the expert \(expert): "
        + "experts run from 0 to \(count - 1)."
    case .notEnoughMemory(let what, let needed, let available):
      "\(what) would take \(amount(needed)) of memory, "
        + "but \(amount(available)) are available: take a shorter text or ask for less."
    case .notDifferentiable(let architecture):
      "Gradients of the architecture \(quoted(architecture)) can't be computed: it runs forward alone."
    case .noSelectedChanges(let model, let tokens, let limit):
      "DeepLIFT can't follow \(tokens) tokens through \(quoted(model)): of more than \(limit) its indexer selects keys, "
        + "which would be others for the baseline."
    case .noPairRelevance(let model):
      "Attention relevance follows one stack of layers, and \(quoted(model)) has two: it reads one text and writes another."
    case .wrongInputShape(let found, let expected):
      "The given vectors have the shape \(found), but \(expected) is expected."
    case .layerOutOfRange(let layer, let count):
      "There is no layer \(layer): layers run from 0 to \(count - 1)."
    case .headOutOfRange(let head, let count):
      "There is no head \(head): heads run from 0 to \(count - 1)."
    case .positionOutOfRange(let position, let count):
      "There is no token at position \(position): positions run from 0 to \(count - 1)."
    case .notKept(let what):
      "The trace was run without keeping its \(what)."
    case .noLanguageModelHead(let model):
      "The model \(quoted(model)) has no language-model head, so it predicts no tokens."
    case .notCausal(let model):
      "The model \(quoted(model)) reads a text as a whole, so it can't continue one."
    case .noDecoder(let model):
      "The model \(quoted(model)) is one stack of layers: it doesn't read one text and write another."
    case .noOutputProjection(let model):
      "What the heads of \(quoted(model)) write can't be told apart: its attention has no single "
        + "output projection."
    }
  }

  private func amount(_ byteCount: Int) -> String {
    byteCount < 1_000_000 ? "\(byteCount) bytes" : "\(byteCount / 1_000_000) MB"
  }
}
