import Interpreter
import Models
import Training

/// What functions need of a model that only some architectures have.
enum DecoderNeed {
  /// Checks that a model says what follows a text.
  ///
  /// - Throws: an error that says what the function needs, what the model is, and which models can be asked.
  static func check(_ model: LanguageModel, for arguments: Arguments) throws {
    guard model.configuration.isCausal else {
      let kind =
        model.isEncoderDecoder
        ? "an encoder-decoder, which reads one text and writes another"
        : "an encoder, which reads a text as a whole"
      throw FunctionError(
        "`\(arguments.definition.name)` needs a decoder, which says what follows a text: "
          + "\(Value.text(model.name).description) is \(kind).",
        hint: "Models of Llama's, Qwen's, GPT-2's and DeepSeek's architectures are decoders.",
        code: "not-causal")
    }
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
  }

  /// Checks that a model's weights can be trained.
  ///
  /// - Throws: an error that names the types of models that can be.
  static func checkTraining(_ model: LanguageModel) throws {
    let types = Trainer.modelTypes
    guard types.contains(model.configuration.modelType) else {
      throw FunctionError(
        "`train` trains decoders of the model types \(types.dropLast().joined(separator: ", ")) and "
          + "\(types.last ?? ""): \(Value.text(model.name).description) is of the type "
          + "\(model.configuration.modelType).",
        hint: "load(\"specimen\") gives one of them.", code: "not-trainable")
    }
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
  }
}
