import Analysis
import Checkpoints
import Interpreter
import Models
import Tensors
import Tokenizers
import Training

/// Says the errors of the layers below in the words of the language.
enum ErrorWording {
  /// An error of a lower layer with its code and sentence, or `nil` for errors it doesn't know.
  static func explanation(of error: any Error) -> (any ExplainedError)? {
    switch error {
    case let error as ModelError: functionError(of: error)
    case let error as MissingPartError:
      FunctionError(error.description, hint: hint(of: error), code: "missing-part")
    case let error as CheckpointError:
      FunctionError(error.description, code: "broken-checkpoint")
    case let error as TokenizerError: FunctionError("\(error)", code: "broken-tokenizer")
    case let error as ChatTemplateError: FunctionError("\(error)", code: "chat-template")
    case let error as MappedFileError: FunctionError("\(error)", code: "unreadable-file")
    case let error as ProjectionError:
      FunctionError(error.description, code: "unsuitable-points")
    case let error as TensorError: FunctionError("\(error)", code: "wrong-shape")
    case let error as AttributionBaselineError:
      FunctionError(
        error.description,
        hint: "Give a text of the same number of tokens, or \"beginning\", \"mean\" or \"zero\".",
        code: "wrong-value")
    case let error as AttentionFlowError:
      FunctionError(
        error.description, hint: "Take a shorter text, or the rollout, which costs little.",
        code: "text-too-long")
    case let error as TrainingError: FunctionError(error.description, code: "training")
    case let error as TrainingRecordError:
      if case .missingFolder = error {
        FunctionError(error.description, code: "missing-file")
      } else {
        FunctionError(error.description, code: "unreadable-file")
      }
    default: nil
    }
  }

  private static func hint(of error: MissingPartError) -> String? {
    switch error {
    case .severalStreams:
      "`ablate` takes parts away, and `lens` reads the streams after each layer."
    case .attentionPastTokens:
      "`attention` shows each layer's own map, and `patch` what is passed on."
    default: nil
    }
  }

  private static func functionError(of error: ModelError) -> FunctionError {
    let (code, hint): (String, String?) =
      switch error {
      case .checkpoint: ("broken-checkpoint", nil)
      case .tokenizer: ("broken-tokenizer", nil)
      case .configurationMissing, .malformedFile, .invalidValue, .unsupported, .unknownArchitecture,
        .missingWeight, .wrongShape, .unsuitableElementType, .unsuitableTable, .expertOutOfRange:
        ("broken-model", nil)
      case .noTokenizer: ("no-tokenizer", "For example: ids: [1, 2, 3].")
      case .noChatTemplate:
        ("chat-template", "Write the text as the model expects it, and give that.")
      case .emptyInput: ("empty-text", nil)
      case .inputTooLong: ("text-too-long", nil)
      case .tokenOutOfRange: ("token-out-of-range", nil)
      case .notEnoughMemory, .tooLargeForMemory: ("not-enough-memory", nil)
      case .notDifferentiable:
        (
          "no-gradient",
          "`patch`, `ablate`, `lens` and `attention` ask it without gradients."
        )
      case .noSelectedChanges:
        ("no-gradient", "Integrated gradients follow the text's own selection.")
      case .noPairRelevance:
        ("no-gradient", "\"attn_lrp\" and \"conserving_lrp\" follow relevance through both stacks.")
      case .wrongInputShape: ("wrong-shape", nil)
      case .tokensUnknown: ("tokens-unknown", nil)
      case .layerOutOfRange, .headOutOfRange, .positionOutOfRange: ("out-of-range", nil)
      case .notKept: ("not-kept", nil)
      case .noOutputProjection:
        (
          "no-output-projection", "`attention` with kind: \"weights\" shows where the heads look."
        )
      case .noDecoder:
        ("no-decoder", "Load an encoder-decoder, such as a T5, to give a target.")
      case .notCausal: ("not-causal", "Load a decoder to continue a text.")
      case .noLanguageModelHead:
        ("no-language-model-head", "Load a decoder to ask what comes next.")
      }
    return FunctionError(error.description, hint: hint, code: code)
  }
}
