import Checkpoints
import FoundationEssentials
import Interpreter
import Models
import Tensors
import Tokenizers
import Training

/// What a call of `train` asks for, checked before anything runs.
struct TrainingRequest {
  private let model: ModelValue
  private let learned: TrainingCorpus
  private let heldOut: TrainingCorpus?
  private let options: TrainingOptions
  private let adaptation: LowRankAdaptation?
  private let plan: TrainingWatch.Plan
  private let probes: [TrainingProbe]
  private let folder: String
  /// The training that is gone on with, or `nil` where one begins.
  private let saved: SavedTraining?

  init(_ arguments: Arguments, _ context: ExecutionContext) throws {
    guard let model: ModelValue = try arguments.object("model") else {
      throw ArgumentError("model", "`train` takes the model first: train(load(\"specimen\"), …).")
    }
    self.model = model
    let language = model.model
    try DecoderNeed.checkTraining(language)
    guard let tokenizer = language.tokenizer else {
      throw ModelError.noTokenizer(model: language.name)
    }
    let seed = UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed)
    func corpus(_ texts: [TrainingText]) -> TrainingCorpus {
      TrainingCorpus(
        texts.map { $0.document(tokenizer) }, contextLength: language.configuration.contextLength)
    }
    let texts = try TrainingTexts.texts(try arguments.value("data"), parameter: "data")
    let asked = try arguments.value("held_out")
    let (learnedTexts, heldOutTexts): ([TrainingText], [TrainingText])
    if case .number(let share) = asked {
      (learnedTexts, heldOutTexts) = TrainingCorpus.split(texts, heldOut: share, seed: seed)
    } else {
      (learnedTexts, heldOutTexts) = (texts, try TrainingTexts.texts(asked, parameter: "held_out"))
    }
    learned = corpus(learnedTexts)
    let others = corpus(heldOutTexts)
    heldOut = others.documents.isEmpty ? nil : others
    guard !learned.documents.isEmpty else { throw TrainingError.emptyCorpus }
    let isLowRank = try arguments.text("method") == "lora"
    adaptation =
      isLowRank
      ? LowRankAdaptation(
        rank: try arguments.integer("rank"), alpha: try arguments.number("alpha"),
        modules: try arguments.texts("modules")) : nil
    let batch = try arguments.integer("batch")
    let steps =
      try arguments.optionalInteger("steps")
      ?? max(
        1,
        Int(
          (try arguments.number("epochs") * Double(learned.tokenCount) / Double(batch)).rounded(.up)
        )
      )
    options = TrainingOptions(
      learningRate: try arguments.optionalNumber("learning_rate") ?? (isLowRank ? 2e-3 : 5e-4),
      warmUpSteps: try arguments.optionalInteger("warmup") ?? steps / 10, steps: steps,
      schedule: TrainingOptions.Schedule(rawValue: try arguments.text("schedule")) ?? .cosine,
      finalRateShare: 0.1, weightDecay: try arguments.number("weight_decay"),
      tokensPerBatch: batch, roundsWeights: try arguments.bool("round"), seed: seed)
    let name = try arguments.optionalText("name") ?? language.name + "-trained"
    let given = try arguments.optionalText("into")
    folder =
      given ?? ResidentModels.of(context).library.temporaryFolder + "/vitrine-\(UUID().uuidString)"
    saved = try ResumedTraining.find(
      in: given, isAsked: try arguments.bool("resume"), options: options, adaptation: adaptation,
      model: language)
    plan = TrainingWatch.Plan(
      steps: steps, interval: try arguments.optionalInteger("every") ?? max(1, steps / 20),
      name: name, records: given.map(ResumedTraining.records(in:)),
      measured: Self.measured(
        heldOut == nil ? learnedTexts : heldOutTexts, language, tokenizer: tokenizer))
    let layers = try (try arguments.selection("layer") ?? .last).indices(
      count: language.configuration.layers, parameter: "layer")
    let heads = try AttentionChoice.choices(
      try arguments.selection("head") ?? .mean, count: language.configuration.heads,
      parameter: "head")
    guard layers.count == 1, heads.count == 1 else {
      throw ArgumentError(
        layers.count == 1 ? "head" : "layer", "`train` keeps one map of each probe.")
    }
    probes = try arguments.texts("probes").map {
      try TrainingProbe($0, model: language, layer: layers[0], head: heads[0])
    }
  }

  /// A text whose attention is followed where nothing is probed: the first of a moderate length.
  private static func measured(
    _ texts: [TrainingText], _ model: LanguageModel, tokenizer: Tokenizer
  ) -> TrainingProbe? {
    let suited = texts.prefix(100).first { (2...256).contains(tokenizer.encode($0.text).ids.count) }
    return suited.flatMap { try? TrainingProbe($0.text, model: model) }
  }

  func run(in context: ExecutionContext) throws -> TrainingValue {
    let trainer =
      try saved.map { try Trainer(resuming: $0, corpus: learned) }
      ?? Trainer(
        configuration: model.model.document, weights: model.model.checkpoint, corpus: learned,
        options: options, adaptation: adaptation)
    // Those that were saved, but for the steps and the warm-up.
    trainer.options = options
    let watch = try TrainingWatch(
      trainer, learned: learned, heldOut: heldOut, probes: probes, base: model.model, plan: plan,
      in: context)
    do {
      try watch.run()
      watch.show(isLast: true)
    } catch {
      guard trainer.step > 0 else { throw error }
      // What was learned so far is kept, whatever ended the training.
      watch.show(isLast: true, note: "stopped")
      _ = try finish(watch, in: context)
      let place =
        "What was learned before is in \(folder): load(\(Value.text(folder).description)) opens it, "
        + "and training() gives it with its history."
      if let failure = error as? TrainingError {
        throw FunctionError(failure.description, hint: place, code: "training-diverged")
      }
      context.output.stream(
        .standardError,
        "Stopped after step \(trainer.step) of \(plan.steps). \(place)"
          + (plan.records == nil ? "\n" : " The same call with resume: true goes on from there.\n"))
      throw error
    }
    return try finish(watch, in: context)
  }

  /// Writes the model's folder, and where one was asked for the state to go on from; makes the model resident.
  private func finish(_ watch: TrainingWatch, in context: ExecutionContext) throws -> TrainingValue
  {
    // First the state: what was learned can be gone on with even where the model can't be written.
    try watch.save()
    try write(watch.trainer)
    let trained = ModelValue(try LanguageModel.load(path: folder, name: plan.name))
    ResidentModels.of(context).add(trained)
    let value = TrainingValue(watch, name: plan.name, planned: plan.steps, model: trained)
    LastTraining.of(context).value = value
    return value
  }

  private func write(_ trainer: Trainer) throws {
    let from = model.model.folder
    let files = ["tokenizer.json", "tokenizer_config.json", "generation_config.json"].compactMap {
      name -> (name: String, bytes: [UInt8])? in
      guard from.contains(name), let bytes = try? from.read(name) else { return nil }
      return (name, bytes)
    }
    try trainer.export(to: folder, elementType: .float32, files: files)
  }
}
