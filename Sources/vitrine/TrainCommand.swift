import DataFormats
import FoundationEssentials
import Models
import Tensors
import Tokenizers
import Training
import Workbench

/// `vitrine train`: makes a specimen from nothing, and the texts that it learns from.
enum TrainCommand {
  static let usage = """
    vitrine train specimen --out FOLDER [--kind specimen|moe|biased] [--seed N] [--steps N]
    vitrine train score FOLDER [--count N] [--rule fair|biased]
    vitrine train corpus --out FILE [--count N] [--seed N] [--rule fair|biased]

      Trains a specimen: the same seed gives the same weights. FOLDER gets config.json, tokenizer.json,
      model.safetensors and training.json, and in training/ the state, from which a training that was ended goes on when
      the command is repeated, and event files for TensorBoard. `corpus` writes generated texts with their truth as
      JSON lines. The records are numbers, distributions of weights and gradients, attention maps, what the specimen
      would say, and files for the embedding projector. `score` asks a specimen texts that it has not seen, and prints how many it answers rightly.
    """

  static func run(_ arguments: [String]) throws {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "specimen": try specimen(rest)
    case "score": try score(rest)
    case "corpus": try corpus(rest)
    default:
      throw UsageError(
        "`vitrine train` takes `specimen`, `score` or `corpus`; see vitrine train --help.")
    }
  }

  private static func integer(_ text: String?, _ option: String) throws(UsageError) -> Int? {
    guard let text else { return nil }
    guard let number = Int(text), number >= 0 else {
      throw UsageError("\(option) takes a whole number from 0, not “\(text)”.")
    }
    return number
  }

  private static func rule(_ text: String?) throws(UsageError) -> LoanApplication.Rule {
    guard let rule = LoanApplication.Rule(rawValue: text ?? "fair") else {
      throw UsageError("--rule takes fair or biased.")
    }
    return rule
  }

  private static func score(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(arguments, valued: [["--count"], ["--rule"]])
    guard let folder = arguments.positionals.first else {
      throw UsageError("`vitrine train score` takes the specimen's folder.")
    }
    let score = try SpecimenScore(
      of: try LanguageModel.load(path: folder), rule: try rule(arguments.value("--rule")),
      count: try integer(arguments.value("--count"), "--count") ?? 300, seed: 424_242)
    print(score.json.serialized(indentation: 1))
  }

  private static func corpus(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(
      arguments, valued: [["--out"], ["--count"], ["--seed"], ["--rule"]])
    guard let file = arguments.value("--out") else {
      throw UsageError("--out FILE says where the texts go.")
    }
    let rule = try rule(arguments.value("--rule"))
    var texts = CorpusGenerator(
      seed: UInt64(try integer(arguments.value("--seed"), "--seed") ?? 1), rule: rule)
    var lines = ""
    for _ in 0..<(try integer(arguments.value("--count"), "--count") ?? 1_000) {
      lines += texts.next().json.serialized() + "\n"
    }
    try writeFile(Array(lines.utf8), to: file)
  }

  private static func specimen(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(
      arguments, valued: [["--out"], ["--kind"], ["--seed"], ["--steps"]])
    guard let folder = arguments.value("--out") else {
      throw UsageError("--out FOLDER says where the specimen goes.")
    }
    let seed = UInt64(try integer(arguments.value("--seed"), "--seed") ?? 1)
    var recipe: SpecimenRecipe
    switch arguments.value("--kind") ?? "specimen" {
    case "specimen": recipe = .specimen(seed: seed)
    case "biased": recipe = .biased(seed: seed)
    case "moe": recipe = .latentExperts(seed: seed)
    case let other: throw UsageError("--kind takes specimen, moe or biased, not “\(other)”.")
    }
    if let steps = try integer(arguments.value("--steps"), "--steps") { recipe.steps = steps }
    try SpecimenTraining(recipe, folder: folder).run()
  }
}

/// The training of one specimen, from its texts to its files.
struct SpecimenTraining {
  private let recipe: SpecimenRecipe
  private let folder: String

  init(_ recipe: SpecimenRecipe, folder: String) {
    self.recipe = recipe
    self.folder = folder
  }

  func run() throws {
    try FileManager.default.createDirectory(
      atPath: folder + "/training", withIntermediateDirectories: true)
    let files = try recipe.tokenizerFiles()
    let tokenizer = try Tokenizer(
      json: try JSON(parsing: files.tokenizer),
      configuration: try JSON(parsing: files.configuration))
    let corpus = recipe.corpus(tokenizer)
    let heldOut = recipe.heldOut(tokenizer, each: 100)
    say("\(corpus.documents.count) texts, \(corpus.tokenCount) tokens")
    let state = folder + "/training/state.safetensors"
    let configuration = recipe.configuration(tokenizer)
    let trainer =
      FileManager.default.fileExists(atPath: state)
      ? try Trainer(resuming: try saved(state, configuration), corpus: corpus)
      : try Trainer(configuration: configuration, corpus: corpus, options: recipe.options)
    say("\(trainer.parameterCount) parameters, from step \(trainer.step)")
    let journal = try TrainingJournal(
      folder: folder + "/training", corpus: corpus, tokenizer: tokenizer)
    let begun = try beginning(trainer, files)
    var probes = try Self.probes.map { try TrainingProbe($0, model: begun) }
    func look() throws {
      let model = try begun.replacingWeights(with: try trainer.weights, name: begun.name)
      for index in probes.indices { try probes[index].look(model, step: trainer.step) }
      try journal.note(probes)
      try journal.distributions(of: trainer)
      try journal.project(trainer, probes, isLast: trainer.step == recipe.steps)
    }
    try look()
    var record = recordedLosses(before: trainer.step)
    let start = ContinuousClock.now
    let first = trainer.step
    var saving = SavingSchedule()
    while trainer.step < recipe.steps {
      let step = try trainer.takeStep()
      let isLast = trainer.step == recipe.steps
      if trainer.step % 25 == 0 || isLast { try journal.note(step) }
      if isLast || saving.isDue() {
        let start = ContinuousClock.now
        try trainer.save(to: state)
        saving.note(from: start)
      }
      if trainer.step % 250 == 0 || isLast {
        let loss = try trainer.evaluate(heldOut)
        try journal.scalar("loss/held out", loss, step: step.step)
        try look()
        let seconds = start.duration(to: .now) / .seconds(1)
        let rate = Double((trainer.step - first) * recipe.tokensPerStep) / seconds
        say(
          "step \(step.step): loss \(rounded(step.loss)), held out \(rounded(loss)), "
            + "\(Int(rate)) tokens a second")
        record.append([
          "step": .integer(step.step), "loss": .number(step.loss), "heldOut": .number(loss),
        ])
        try write(record, corpus, trainer, score: nil)
      }
    }
    try trainer.export(
      to: folder, elementType: .bfloat16,
      files: [
        ("tokenizer.json", files.tokenizer), ("tokenizer_config.json", files.configuration),
      ])
    let model = try LanguageModel.load(path: folder)
    let score = try SpecimenScore(of: model, rule: recipe.rule, count: 300, seed: 424_242)
    for question in score.questions {
      say("\(question.kind) \(question.name): \(rounded(question.share * 100)) %")
    }
    say(
      "induction \(rounded(score.induction)) in layer \(score.inductionLayer), head \(score.inductionHead)"
        + "; district \(rounded(score.districtEffect)), income \(rounded(score.incomeEffect))")
    try write(record, corpus, trainer, score: score)
  }

  /// The training in the folder, which must be the one that the command asks for: its end would be neither's otherwise.
  private func saved(_ state: String, _ configuration: JSONObject) throws -> SavedTraining {
    let saved = try SavedTraining(path: state)
    func refuse(_ name: String, _ saved: String, _ asked: String) -> UsageError {
      UsageError(
        "\(folder) holds a training with \(name) \(saved), not \(asked): the command that began it goes on with it, "
          + "and another --out begins another.")
    }
    guard saved.options.steps == recipe.steps else {
      throw refuse("--steps", "\(saved.options.steps)", "\(recipe.steps)")
    }
    let other =
      saved.difference(from: recipe.options, nil) ?? saved.difference(from: configuration)
    if let other {
      throw refuse(
        other.name == "seed" ? "--seed" : other.name,
        other.saved.string ?? other.saved.serialized(),
        other.other.string ?? other.other.serialized())
    }
    return saved
  }

  /// What the specimen is asked again and again while it learns.
  private static let probes = [
    "Patient Grace Adams, 31 years, has eczema. Department:",
    "患者赵伟，73岁，患有高血压，需要", "The keys near the old cabinet",
  ]

  /// The specimen with the weights that the training begins or goes on with, from a folder that is gone afterwards.
  private func beginning(
    _ trainer: Trainer, _ files: (tokenizer: [UInt8], configuration: [UInt8])
  ) throws -> LanguageModel {
    let place = FileManager.default.temporaryDirectory.path + "/vitrine-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: place) }
    try trainer.export(
      to: place, elementType: .float32,
      files: [
        ("tokenizer.json", files.tokenizer), ("tokenizer_config.json", files.configuration),
      ])
    return try LanguageModel.load(path: place, name: "specimen")
  }

  /// The record so far, of a training that goes on from a step.
  private func recordedLosses(before step: Int) -> [JSON] {
    guard let data = try? Data(contentsOf: URL(filePath: folder + "/training.json")),
      let document = try? JSON(parsing: [UInt8](data))
    else { return [] }
    return (document["losses"]?.array ?? []).filter { ($0["step"]?.integer ?? .max) <= step }
  }

  private func write(
    _ record: [JSON], _ corpus: TrainingCorpus, _ trainer: Trainer, score: SpecimenScore?
  ) throws {
    let document: JSON = [
      "rule": .string(recipe.rule.rawValue), "seed": .integer(Int(recipe.seed)),
      "steps": .integer(recipe.steps), "tokensPerStep": .integer(recipe.tokensPerStep),
      "texts": .integer(corpus.documents.count), "parameters": .integer(trainer.parameterCount),
      "losses": .array(record), "score": score?.json ?? nil,
    ]
    try writeFile(
      Array((document.serialized(indentation: 1) + "\n").utf8), to: folder + "/training.json")
  }

  private func rounded(_ number: Double) -> String { "\((number * 10_000).rounded() / 10_000)" }

  private func say(_ line: String) { StandardError.write(line + "\n") }
}
