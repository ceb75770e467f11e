import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers
import Training

/// Texts whose truth is known, and how well methods find it.
enum GradingFunctions {
  static let all: [FunctionDefinition] = [corpus, grade]

  private static let rule = ParameterDefinition(
    "rule", .choice(LoanApplication.Rule.allCases.map(\.rawValue)), default: .text("fair"),
    "By what loans are decided: stated facts, or for some the district too.")

  private static let corpus = FunctionDefinition(
    "corpus", group: "Grading",
    summary:
      "Texts of the specimens' kind, generated with their truth: what follows, and which words decide it.",
    parameters: [
      ParameterDefinition(
        "kind", .choice(CorpusSentence.Kind.allCases.map(\.rawValue)), default: .text("loan"),
        "What they are about."),
      ParameterDefinition(
        "count", .integer(in: 1...100_000), default: .integer(10), "How many."),
      ParameterDefinition(
        "language", .optional(.choice(CorpusSentence.Language.allCases.map(\.rawValue))),
        defaultText: "both", "Which language they are in."),
      rule,
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides the texts."),
    ],
    result: "a Table: text, language, and of the first answer prompt, answer, wrong and deciding",
    examples: [Example("corpus(kind: \"disease\", count: 2, seed: 1).answer")],
    source: "the generator of `vitrine train corpus`"
  ) { arguments, context in
    let kind = CorpusSentence.Kind(rawValue: try arguments.text("kind")) ?? .loan
    let language = try arguments.optionalText("language").flatMap(
      CorpusSentence.Language.init(rawValue:))
    var texts = CorpusGenerator(
      seed: UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed),
      rule: LoanApplication.Rule(rawValue: try arguments.text("rule")) ?? .fair)
    guard !(kind == .agreement && language == .chinese) else {
      throw ArgumentError(
        "language", "Agreement of subject and verb is an English matter.", code: "wrong-value")
    }
    var records: [Record] = []
    let count = try arguments.integer("count")
    while records.count < count {
      try context.check()
      let sentence = texts.next(kind)
      if let language, sentence.language != language { continue }
      let bytes = Array(sentence.text.utf8)
      let answer = sentence.answers.first
      let deciding = answer.map { answer in
        sentence.facts.filter { answer.deciding.contains($0.name) }.map {
          String(decoding: bytes[$0.bytes], as: UTF8.self)
        }
      }
      records.append(
        Record([
          ("text", .text(sentence.text)), ("language", .text(sentence.language.rawValue)),
          (
            "prompt",
            answer.map {
              .text(String(decoding: bytes[..<$0.bytes.lowerBound], as: UTF8.self))
            } ?? Value.none
          ),
          ("answer", answer.map { .text(sentence.text(of: $0)) } ?? Value.none),
          ("wrong", .texts(answer?.wrong ?? [])), ("deciding", .texts(deciding ?? [])),
        ]))
    }
    return .table(Table(records: records))
  }

  private static let grade = FunctionDefinition(
    "grade", group: "Grading",
    summary:
      "How well attribution methods find the words that truly decide, on texts whose truth is known.",
    details: """
      For held-out texts each method explains why the right answer and not a wrong one follows. A hit is where the token \
      of the largest score is one that states a deciding fact, top_3 where one of the three largest is; chance is what a \
      random token would hit. The deletion area is that of `faithfulness`, less is better, beside that of random orders. \
      random_weights is the rank correlation of the scores' sizes with those for a model of random weights: near 1 means \
      that the method looks at the text and not at the model.
      """,
    parameters: [
      ParameterDefinition(
        "methods", .optional(.list(of: .choice(Attribution.Method.allCases.map(\.rawValue)))),
        defaultText: "all", "Which methods."),
      ParameterDefinition(
        "kind", .choice(CorpusGenerator.judged.map(\.rawValue)), default: .text("loan"),
        "Which texts."),
      ParameterDefinition(
        "count", .integer(in: 1...10_000), default: .integer(20), "How many texts."),
      AttributionFunctions.steps, AttributionFunctions.samples,
      ParameterDefinition(
        "deletion", .bool, default: .bool(true),
        "Whether deletion areas are computed, which takes most of the time."),
      ParameterDefinition(
        "time", .bool, default: .bool(false),
        "Whether the time of an explanation is measured too; it is another each time."),
      rule,
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides the texts, and what methods draw."),
      TraceRequest.using,
    ],
    result:
      "a Table: method, hits, top_3, chance, deletion_area, random_area, random_weights, and milliseconds where asked",
    examples: [
      Example(
        "grade(methods: [\"input_x_gradient\"], count: 2, deletion: false, using: load(\"specimen\"))",
        needsResources: true)
    ],
    source: "Adebayo et al. 2018, arXiv:1810.03292; Petsiuk et al. 2018, arXiv:1806.07421"
  ) { arguments, context in
    let model = try TraceRequest.model(arguments, context).model
    let methods =
      try arguments.optional("methods") == nil
      ? Attribution.Method.allCases
      : try arguments.texts("methods").compactMap(Attribution.Method.init(rawValue:))
    let seed = UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed)
    let kind = CorpusSentence.Kind(rawValue: try arguments.text("kind")) ?? .loan
    let exercises = try GradingExercise.exercises(
      for: model, kind: kind, count: try arguments.integer("count"),
      rule: LoanApplication.Rule(rawValue: try arguments.text("rule")) ?? .fair, seed: seed,
      context)
    let random = try RandomisedWeights.model(like: model, seed: seed)
    let areas = try arguments.bool("deletion")
    let isTimed = try arguments.bool("time")
    var options = Attribution.Options()
    options.seed = seed
    options.steps = try arguments.optionalInteger("steps")
    options.samples = try arguments.integer("samples")
    let total = Double(methods.count * exercises.count)
    var done = 0.0
    let records = try methods.map { method -> Record in
      var (hits, nearHits) = (0, 0)
      var (deletion, orders, correlation, time) = (0.0, 0.0, 0.0, 0.0)
      for exercise in exercises {
        let question = try exercise.question(model, context)
        let start = ContinuousClock.now
        let attribution = try Attribution(
          question, method: method, options: options, cancellation: context.cancellation)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        time += 1_000 * seconds / Double(exercises.count)
        if exercise.isHit(attribution.scores, among: 1) { hits += 1 }
        if exercise.isHit(attribution.scores, among: 3) { nearHits += 1 }
        if areas {
          let result = try Faithfulness(
            of: attribution, question, options: options, orders: 2,
            cancellation: context.cancellation)
          deletion += result.deletionArea / Double(exercises.count)
          orders += result.randomArea / Double(exercises.count)
        }
        correlation +=
          try RandomisedWeights.similarity(
            of: attribution, question, options: options, random: random,
            cancellation: context.cancellation) / Double(exercises.count)
        done += 1
        context.progress("Grading", fraction: done / total, detail: method.rawValue)
      }
      let chance = exercises.reduce(0.0) { $0 + $1.chance } / Double(exercises.count)
      let record: [(String, Value)] = [
        ("method", .text(method.rawValue)),
        ("hits", .number(Double(hits) / Double(exercises.count))),
        ("top_3", .number(Double(nearHits) / Double(exercises.count))),
        ("chance", .number(chance)),
        ("deletion_area", areas ? .number(deletion) : Value.none),
        ("random_area", areas ? .number(orders) : Value.none),
        ("random_weights", .number(correlation)),
      ]
      return Record(isTimed ? record + [("milliseconds", .number(time))] : record)
    }
    return .table(Table(records: records))
  }
}

/// A text with a known answer and the tokens that decide it.
private struct GradingExercise {
  let prompt: [Int]
  let answer: Int
  let wrong: Int
  /// The positions of tokens that state a deciding fact.
  let deciding: Set<Int>

  var chance: Double { Double(deciding.count) / Double(prompt.count) }

  /// Whether a deciding token is among so many of the largest scores.
  func isHit(_ scores: [Double], among count: Int) -> Bool {
    let order = scores.indices.sorted { (-abs(scores[$0]), $0) < (-abs(scores[$1]), $1) }
    return order.prefix(count).contains(where: deciding.contains)
  }

  func question(
    _ model: LanguageModel, _ context: ExecutionContext
  ) throws -> AttributionQuestion {
    try AttributionQuestion(
      model, prompt: prompt, answer: [answer], against: wrong, cancellation: context.cancellation)
  }

  /// Exercises of held-out texts.
  static func exercises(
    for model: LanguageModel, kind: CorpusSentence.Kind, count: Int, rule: LoanApplication.Rule,
    seed: UInt64, _ context: ExecutionContext
  ) throws -> [GradingExercise] {
    guard let tokenizer = model.tokenizer else { throw ModelError.noTokenizer(model: model.name) }
    var texts = CorpusGenerator(seed: seed, rule: rule)
    var result: [GradingExercise] = []
    while result.count < count {
      try context.check()
      let sentence = texts.nextHeldOut(kind)
      guard let answer = sentence.answers.first, let wrong = answer.wrong.first else { continue }
      let encoding = tokenizer.encode(sentence.text)
      guard
        let place = encoding.tokens.firstIndex(where: {
          $0.byteRange?.overlaps(answer.bytes) == true
        }), place > 0,
        let other = tokenizer.ids(of: wrong, addSpecialTokens: false).first,
        other != encoding.ids[place]
      else { continue }
      let facts = sentence.facts.filter { answer.deciding.contains($0.name) }
      let deciding = encoding.tokens[..<place].indices.filter { position in
        facts.contains { encoding.tokens[position].byteRange?.overlaps($0.bytes) == true }
      }
      guard !deciding.isEmpty else { continue }
      result.append(
        GradingExercise(
          prompt: Array(encoding.ids[..<place]), answer: encoding.ids[place], wrong: other,
          deciding: Set(deciding)))
    }
    return result
  }
}
