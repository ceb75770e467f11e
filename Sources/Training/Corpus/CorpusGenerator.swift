import Tensors

/// Makes texts whose truth is known: the same seed makes the same texts.
public struct CorpusGenerator: Sendable {
  /// By what loans are decided.
  public let rule: LoanApplication.Rule
  private var generator: SeededGenerator

  /// Makes a generator.
  public init(seed: UInt64, rule: LoanApplication.Rule = .fair) {
    self.rule = rule
    generator = SeededGenerator(seed: seed)
  }

  /// The next text to learn from: none that is kept for judging.
  public mutating func next() -> CorpusSentence {
    while true {
      let sentence = make(kind())
      if !sentence.isHeldOut { return sentence }
    }
  }

  /// The next text of a kind that nothing is learned from.
  ///
  /// Precondition: of that kind, some are kept for judging.
  public mutating func nextHeldOut(_ kind: CorpusSentence.Kind) -> CorpusSentence {
    precondition(Self.judged.contains(kind), "no text of \(kind) is kept")
    while true {
      let sentence = make(kind)
      if sentence.isHeldOut { return sentence }
    }
  }

  /// The next text of a kind, kept for judging or not.
  public mutating func next(_ kind: CorpusSentence.Kind) -> CorpusSentence { make(kind) }

  /// The kinds of which some texts are kept for judging.
  public static let judged: [CorpusSentence.Kind] = [.loan, .disease, .sentiment, .agreement]

  /// How many of a hundred texts are of a kind.
  private static let mixture: [(CorpusSentence.Kind, Int)] = [
    (.loan, 34), (.disease, 14), (.sentiment, 14), (.agreement, 10), (.repetition, 16),
    (.arithmetic, 4), (.technology, 4), (.emotion, 4),
  ]

  private mutating func kind() -> CorpusSentence.Kind {
    var place = generator.integer(0...99)
    for (kind, share) in Self.mixture {
      place -= share
      if place < 0 { return kind }
    }
    return .loan
  }

  private mutating func make(_ kind: CorpusSentence.Kind) -> CorpusSentence {
    let language: CorpusSentence.Language =
      Bool.random(using: &generator) ? .chinese : .english
    switch kind {
    case .loan:
      let application = LoanApplication.random(using: &generator)
      return LoanSentences.sentence(
        application, rule: rule, language: language, order: generator.integer(0...23),
        using: &generator)
    case .disease:
      return DiseaseSentences.sentence(
        generator.integer(0...DiseaseSentences.entries.count - 1), language: language,
        template: generator.integer(0...DiseaseSentences.templates - 1), using: &generator)
    case .sentiment:
      return SentimentSentences.sentence(
        language: language, template: generator.integer(0...SentimentSentences.templates - 1),
        using: &generator)
    case .agreement:
      return AgreementSentences.sentence(
        template: generator.integer(0...AgreementSentences.templates - 1), using: &generator)
    case .repetition:
      return RepetitionSentences.repetition(language: language, using: &generator)
    case .arithmetic: return RepetitionSentences.arithmetic(using: &generator)
    case .technology, .emotion:
      return ConceptSentences.sentence(kind, language: language, using: &generator)
    }
  }

  /// The sentence of an application, for questions about one fact: everything but the application is the same for the
  /// same number.
  public static func sentence(
    of application: LoanApplication, rule: LoanApplication.Rule = .fair,
    language: CorpusSentence.Language, number: UInt64
  ) -> CorpusSentence {
    var generator = SeededGenerator(seed: number)
    let order = generator.integer(0...23)
    return LoanSentences.sentence(
      application, rule: rule, language: language, order: order, using: &generator)
  }
}
