import Checkpoints
import Figures
import FoundationEssentials
import Interpreter
import Models
import Tensors
import Training

/// Letting a resident model learn, and looking at how it did.
enum TrainingFunctions {
  static let all: [FunctionDefinition] = [train, history, evolution]

  private static let train = FunctionDefinition(
    "train", group: "Training",
    summary: "Lets a resident model learn from texts, and shows how it does while it does.",
    details: """
      Texts are a list, a table or a file: the lines of a text file, or a CSV, JSON or JSON-lines file with a \
      column `text`, or with `prompt` and `answer`, of which the answers alone are learned. One picture is renewed \
      in place: losses, rate, gradient norms, attention entropy, and for every probe its attention map and what \
      would follow it. The trained model is another one, `run.model`, and the last one loaded stays the one that \
      is asked. An interrupt keeps what was learned up to the last step. With method: "lora" the weights stay as \
      they are, and narrow maps beside the chosen ones learn; `run.model` has them added in.
      """,
    parameters: [
      ParameterDefinition("model", .object(["Model"]), "The model to begin with."),
      ParameterDefinition(
        "data", .either([.path, .list(of: .any), .table]), "The texts, or the file that holds them."
      ),
      ParameterDefinition(
        "steps", .optional(.integer(in: 1...10_000_000)), defaultText: "by `epochs`",
        "How many steps to take."),
      ParameterDefinition(
        "epochs", .number(in: 0.001...100_000), default: .number(3),
        "How often every text is learned from, where `steps` isn't given."),
      ParameterDefinition(
        "batch", .integer(in: 1...1_000_000), default: .integer(512), unit: "tokens",
        "How many tokens a step has at most."),
      ParameterDefinition(
        "learning_rate", .optional(.number(in: 0...10)), defaultText: "0.0005, with LoRA 0.002",
        "The largest learning rate."),
      ParameterDefinition(
        "warmup", .optional(.integer(in: 0...10_000_000)), defaultText: "a tenth of the steps",
        unit: "steps", "In how many steps the rate rises to the largest."),
      ParameterDefinition(
        "schedule", .choice(TrainingOptions.Schedule.allCases.map(\.rawValue)),
        default: .text("cosine"), "How the rate falls after that."),
      ParameterDefinition(
        "weight_decay", .number(in: 0...10), default: .number(0.01),
        "The decoupled decay of maps."),
      ParameterDefinition(
        "method", .choice(["full", "lora"]), default: .text("full"),
        "What learns: all weights, or low-rank adaptations."),
      ParameterDefinition(
        "rank", .integer(in: 1...4_096), default: .integer(8), "The rank of the adaptations."),
      ParameterDefinition(
        "alpha", .number(in: 0.001...100_000), default: .number(16),
        "By what, divided by the rank, adaptations are multiplied."),
      ParameterDefinition(
        "modules", .list(of: .choice(LowRankAdaptation.knownModules)),
        default: .texts(["q_proj", "v_proj"]), "Which maps are adapted."),
      ParameterDefinition(
        "round", .bool, default: .bool(false),
        "Whether weights are computed with rounded to bf16, from f32 ones that learn."),
      ParameterDefinition(
        "held_out", .either([.number(in: 0...0.9), .list(of: .any), .table, .path]),
        default: .number(0.1),
        "Texts, or the share of the given ones, from which nothing is learned but a loss is taken."),
      ParameterDefinition(
        "probes", .either([.text, .list(of: .text)]), default: .list([]),
        "Texts to look at again and again while the model learns."),
      ParameterDefinition(
        "every", .optional(.integer(in: 1...10_000_000)), defaultText: "a twentieth of the steps",
        unit: "steps", "After how many steps the held-out loss and the probes are looked at."),
      ParameterDefinition(
        "layer", .selection(words: ["last"]), default: .selector(.last),
        "Whose attention to the probes is kept."),
      ParameterDefinition(
        "head", .selection(words: ["mean", "max"]), default: .text("mean"),
        "Whose attention to the probes is kept."),
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides the order of the texts, what is held out, and where adaptations begin."),
      ParameterDefinition(
        "into", .optional(.path), defaultText: "a temporary folder",
        "A folder for the trained model, and in `training/` the state and event files for TensorBoard."
      ),
      ParameterDefinition(
        "name", .optional(.text), defaultText: "the model's with “-trained”",
        "What to call the trained model."),
    ],
    result: "Training",
    examples: [
      Example(
        """
        run = train(load("specimen"), ["The sky is blue.", "The sea is blue."], steps: 2, held_out: 0, probes: "The sky is")
        run.loss
        """, needsResources: true)
    ],
    source:
      "AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101; LoRA: Hu et al. 2021, arXiv:2106.09685"
  ) { arguments, context in
    let request = try TrainingRequest(arguments, context)
    return .object(try request.run(in: context))
  }

  private static let run = ParameterDefinition(
    "run", .object(["Training"]), "What `train` gives.")

  private static let history = FunctionDefinition(
    "history", group: "Training",
    summary: "The curves of a training: losses, learning rate, gradient norms, attention entropy.",
    parameters: [run],
    result: "a Figure",
    examples: [
      Example(
        """
        run = train(load("specimen"), ["The sky is blue.", "The sea is blue."], steps: 2, held_out: 0)
        history(run)
        """, needsResources: true)
    ]
  ) { arguments, context in
    guard let run: TrainingValue = try arguments.object("run") else {
      throw ArgumentError("run", "`history` takes what `train` gives.")
    }
    return .figure(run.curves(provenance: try run.model.provenance(of: context.call, in: context)))
  }

  private static let evolution = FunctionDefinition(
    "evolution", group: "Training",
    summary:
      "How a probe's attention map, and what would follow it, changed while the model learned.",
    details: "Where scripts run, a slider goes through all maps that were kept.",
    parameters: [
      run,
      ParameterDefinition(
        "probe", .integer(in: 0...1_000), default: .integer(0), "Which probe, counted from 0."),
    ],
    result: "a Figure",
    examples: [
      Example(
        """
        run = train(load("specimen"), ["The sky is blue.", "The sea is blue."], steps: 2, held_out: 0, probes: "The sky is")
        evolution(run)
        """, needsResources: true)
    ]
  ) { arguments, context in
    guard let run: TrainingValue = try arguments.object("run") else {
      throw ArgumentError("run", "`evolution` takes what `train` gives.")
    }
    let number = try arguments.integer("probe")
    guard run.probes.indices.contains(number) else {
      throw ArgumentError(
        "probe",
        run.probes.isEmpty
          ? "Nothing was probed in this training."
          : "There is no probe \(number): probes run from 0 to \(run.probes.count - 1).",
        hint: run.probes.isEmpty ? "Give `train` texts as `probes`." : nil, code: "out-of-range")
    }
    let probe = run.probes[number]
    let title = probe.title(run.name, heads: run.model.model.configuration.heads)
    return .figure(
      probe.figure(
        title: title, provenance: try run.model.provenance(of: context.call, in: context)))
  }

  /// The curves of two trainings in one picture, a chart for each tag that both have.
  static func compared(
    _ first: TrainingValue, _ second: TrainingValue, _ context: ExecutionContext
  ) throws -> Value {
    let isSame = first.name == second.name
    let names = isSame ? ["\(first.name) (a)", "\(second.name) (b)"] : [first.name, second.name]
    let charts = first.series.compactMap { tag, numbers -> LineChart? in
      guard let other = second.numbers(tag) else { return nil }
      func line(_ name: String, _ numbers: ScalarSeries) -> LineSeries {
        LineSeries(
          name: name, xs: numbers.points.map { Double($0.step) }, ys: numbers.points.map(\.value))
      }
      return LineChart(
        title: tag, series: [line(names[0], numbers), line(names[1], other)],
        isLogarithmic: tag.hasPrefix("gradient norm"))
    }
    return .figure(
      LineChartGrid(
        title: "Trainings · \(names[0]) and \(names[1])", charts: charts,
        provenance: context.provenance()))
  }
}

/// What a call of `train` asks for, checked before anything runs.
private struct TrainingRequest {
  private let model: ModelValue
  private let learned: TrainingCorpus
  private let heldOut: TrainingCorpus?
  private let options: TrainingOptions
  private let adaptation: LowRankAdaptation?
  private let plan: TrainingWatch.Plan
  private let probes: [TrainingProbe]
  private let folder: String

  init(_ arguments: Arguments, _ context: ExecutionContext) throws {
    guard let model: ModelValue = try arguments.object("model") else {
      throw ArgumentError("model", "`train` takes the model first: train(load(\"specimen\"), …).")
    }
    self.model = model
    let language = model.model
    guard language.configuration.isCausal else { throw ModelError.notCausal(model: language.name) }
    guard language.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: language.name)
    }
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
    if case .number(let share) = asked {
      let parts = TrainingCorpus.split(texts, heldOut: share, seed: seed)
      learned = corpus(parts.learned)
      heldOut = parts.heldOut.isEmpty ? nil : corpus(parts.heldOut)
    } else {
      learned = corpus(texts)
      let others = corpus(try TrainingTexts.texts(asked, parameter: "held_out"))
      heldOut = others.documents.isEmpty ? nil : others
    }
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
      given ?? FileManager.default.temporaryDirectory.path + "/vitrine-\(UUID().uuidString)"
    plan = TrainingWatch.Plan(
      steps: steps, interval: try arguments.optionalInteger("every") ?? max(1, steps / 20),
      name: name, records: given.map { $0 + "/training" })
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

  func run(in context: ExecutionContext) throws -> TrainingValue {
    let trainer = try Trainer(
      configuration: model.model.document, weights: model.model.checkpoint, corpus: learned,
      options: options, adaptation: adaptation)
    let watch = try TrainingWatch(
      trainer, heldOut: heldOut, probes: probes, base: model.model, plan: plan, in: context)
    do {
      try watch.run()
      watch.show(isLast: true)
    } catch {
      guard trainer.step > 0 else { throw error }
      // What was learned so far is kept where it was asked for, whatever ended the training.
      watch.show(isLast: true, note: "stopped")
      try finish(trainer)
      let place =
        "What was learned before is in \(folder): load(\(Value.text(folder).description)) opens it."
      if let failure = error as? TrainingError {
        throw FunctionError(failure.description, hint: place, code: "training-diverged")
      }
      context.output.stream(
        .standardError, "Stopped after step \(trainer.step) of \(plan.steps). \(place)\n")
      throw error
    }
    try finish(trainer)
    let trained = try LanguageModel.load(path: folder, name: plan.name)
    let value = ModelValue(trained)
    ResidentModels.of(context).add(value)
    return TrainingValue(watch, name: plan.name, planned: plan.steps, model: value)
  }

  /// Writes the model's folder; where one was asked for, the state to go on from too.
  private func finish(_ trainer: Trainer) throws {
    let from = model.model.folder
    let files = ["tokenizer.json", "tokenizer_config.json", "generation_config.json"].compactMap {
      name -> (name: String, bytes: [UInt8])? in
      guard from.contains(name), let bytes = try? from.read(name) else { return nil }
      return (name, bytes)
    }
    try trainer.export(to: folder, elementType: .float32, files: files)
    if let records = plan.records { try trainer.save(to: records + "/state.safetensors") }
  }
}
