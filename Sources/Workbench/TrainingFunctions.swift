import Figures
import Interpreter
import Models
import Synchronization
import Training

/// Letting a resident model learn, and looking at how it did.
enum TrainingFunctions {
  static let all: [FunctionDefinition] = [train, training, history, evolution]

  private static let train = FunctionDefinition(
    "train", group: "Training",
    summary: "Lets a resident model learn from texts, and shows how it does while it does.",
    details: """
      Texts are a list, a table or a file: the lines of a text file, or a CSV, JSON or JSON-lines file with a \
      column `text`, or with `prompt` and `answer`, of which the answers alone are learned. One picture is renewed \
      in place: losses, rate, gradient norms, attention entropy, and for every probe its attention map and what \
      would follow it. The trained model is another one, `run.model`, and the last one loaded stays the one that \
      is asked. An interrupt keeps what was learned up to the last step, and numbers that grow without bound end \
      the training before the step at which they do: `training()` gives what there is then. With method: "lora" the weights stay as \
      they are, and narrow maps beside the chosen ones learn; `run.model` has them added in. \
      With `into`, the state is saved at the end, at an interrupt, and as it goes about once a minute, or more seldom where saving takes \
      long: the same call with \
      resume: true goes on from there after whatever ended it, to weights that are bit for bit those of a training \
      that nothing ended. `steps` may be more than it was; everything else that decides the weights stays.
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
        "A folder for the trained model, and in `training/` the state, event files and projector files for TensorBoard."
      ),
      ParameterDefinition(
        "resume", .bool, default: .bool(false),
        "Whether the training whose state is in `into` goes on to `steps`; without a state it begins."
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
    "run", .optional(.object(["Training"])), defaultText: "the last training",
    "What `train` gives.")

  /// The training that a call means.
  private static func training(
    _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> TrainingValue {
    if let run: TrainingValue = try arguments.object("run") { return run }
    return try lastTraining(context)
  }

  private static func lastTraining(_ context: ExecutionContext) throws -> TrainingValue {
    guard let last = LastTraining.of(context).value else {
      throw FunctionError(
        "Nothing was trained in this session.",
        hint: "run = train(load(\"specimen\"), [\"…\", \"…\"]) trains a model.", code: "no-training"
      )
    }
    return last
  }

  private static let training = FunctionDefinition(
    "training", group: "Training",
    summary: "The last training of the session, also one that was interrupted or diverged.",
    parameters: [],
    result: "Training",
    examples: [
      Example(
        """
        train(load("specimen"), ["The sky is blue.", "The sea is blue."], steps: 2, held_out: 0);
        training().loss
        """, needsResources: true)
    ]
  ) { _, context in
    .object(try lastTraining(context))
  }

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
    let run = try training(arguments, context)
    return .figure(run.history(provenance: try run.model.provenance(of: context.call, in: context)))
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
    let run = try training(arguments, context)
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

/// The last training of a session, whatever ended it.
final class LastTraining: Sendable {
  private let last = Mutex<TrainingValue?>(nil)

  var value: TrainingValue? {
    get { last.withLock { $0 } }
    set { last.withLock { $0 = newValue } }
  }

  static func of(_ context: ExecutionContext) -> LastTraining {
    context.storage.object(LastTraining.self) { LastTraining() }
  }
}
