public import DataFormats
public import Models
public import Tensors
import Tokenizers

/// How well a model answers texts that it has not learned from, whose truth is known.
public struct SpecimenScore: Sendable, Equatable {
  /// The answers to one question.
  public struct Question: Sendable, Equatable {
    /// The kind of text.
    public var kind: CorpusSentence.Kind
    /// The question, such as `decision`.
    public var name: String
    /// How many there were.
    public var asked: Int
    /// How many were right: the answer's first token is likelier than that of every wrong answer, and where none is
    /// listed, than all others.
    public var right: Int

    /// The share of right answers.
    public var share: Double { asked == 0 ? 0 : Double(right) / Double(asked) }
  }

  /// By question.
  public private(set) var questions: [Question] = []
  /// The score of the strongest induction head: the mean attention from a repeated token to the one after its first
  /// appearance.
  ///
  /// Olsson and others 2022, arXiv:2209.11895.
  public private(set) var induction = 0.0
  /// The layer of that head.
  public private(set) var inductionLayer = 0
  /// Its number in the layer.
  public private(set) var inductionHead = 0
  /// By how much the logit difference of approving and rejecting changes, in the mean, when the district alone changes.
  public private(set) var districtEffect = 0.0
  /// By how much it changes when the income alone falls to two thousand, for comparison.
  public private(set) var incomeEffect = 0.0

  /// Asks a model.
  ///
  /// - Parameters:
  ///   - model: with the tokenizer that it was trained with.
  ///   - rule: by what loans are decided.
  ///   - count: how many texts of each kind.
  ///   - seed: decides the texts.
  /// - Throws: `ModelError`; `Cancelled`.
  public init(
    of model: LanguageModel, rule: LoanApplication.Rule, count: Int, seed: UInt64,
    cancellation: Cancellation? = nil
  ) throws {
    var texts = CorpusGenerator(seed: seed, rule: rule)
    for kind in CorpusGenerator.judged {
      for _ in 0..<count {
        try ask(model, texts.nextHeldOut(kind), cancellation)
      }
    }
    try findInduction(model, seed: seed, cancellation)
    try audit(model, rule: rule, count: max(10, count / 4), seed: seed, cancellation)
  }

  private mutating func ask(
    _ model: LanguageModel, _ sentence: CorpusSentence, _ cancellation: Cancellation?
  ) throws {
    let trace = try model.run(sentence.text, keeping: [], cancellation: cancellation)
    for answer in sentence.answers {
      guard
        let place = trace.tokens.firstIndex(where: { $0.byteRange?.overlaps(answer.bytes) == true }
        ),
        place > 0
      else { continue }
      let logits = try trace.logits(at: place - 1, cancellation: cancellation).floats
      let isRight = isRight(trace.ids[place], answer, logits, model)
      let index =
        questions.firstIndex { $0.kind == sentence.kind && $0.name == answer.name }
        ?? questions.endIndex
      if index == questions.endIndex {
        questions.append(Question(kind: sentence.kind, name: answer.name, asked: 0, right: 0))
      }
      questions[index].asked += 1
      questions[index].right += isRight ? 1 : 0
    }
  }

  private func isRight(
    _ id: Int, _ answer: CorpusSentence.Answer, _ logits: [Float], _ model: LanguageModel
  ) -> Bool {
    let rivals =
      answer.wrong.isEmpty
      ? Array(logits.indices)
      : answer.wrong.compactMap { model.tokenizer?.ids(of: $0, addSpecialTokens: false).first }
    return rivals.allSatisfy { $0 == id || logits[$0] < logits[id] }
  }

  /// Random words, twice: each token that came once before looks at the one after that, which comes again too.
  private mutating func findInduction(
    _ model: LanguageModel, seed: UInt64, _ cancellation: Cancellation?
  ) throws {
    let sizes = model.configuration
    var texts = CorpusGenerator(seed: seed &+ 99)
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: sizes.heads), count: sizes.layers)
    var places = 0
    for _ in 0..<16 {
      let ids = try model.encode(texts.next(.repetition).text).ids
      var pairs: [(query: Int, key: Int)] = []
      for query in ids.indices {
        let before = ids[..<query].indices.filter { ids[$0] == ids[query] }
        if before.count == 1, before[0] + 1 < query, query + 1 < ids.count,
          ids[before[0] + 1] == ids[query + 1]
        {
          pairs.append((query, before[0] + 1))
        }
      }
      places += pairs.count
      let trace = try model.run(ids: ids, keeping: .attention, cancellation: cancellation)
      for layer in 0..<sizes.layers {
        let maps = try trace.attentionMaps(layer: layer, cancellation: cancellation).floats
        for head in 0..<sizes.heads {
          for pair in pairs {
            sums[layer][head] += Double(
              maps[(head * ids.count + pair.query) * ids.count + pair.key])
          }
        }
      }
    }
    for layer in 0..<sizes.layers {
      for head in 0..<sizes.heads where sums[layer][head] / Double(max(1, places)) > induction {
        induction = sums[layer][head] / Double(max(1, places))
        (inductionLayer, inductionHead) = (layer, head)
      }
    }
  }

  private mutating func audit(
    _ model: LanguageModel, rule: LoanApplication.Rule, count: Int, seed: UInt64,
    _ cancellation: Cancellation?
  ) throws {
    var generator = SeededGenerator(seed: seed &+ 5)
    func difference(_ application: LoanApplication, _ number: UInt64) throws -> Double {
      let sentence = CorpusGenerator.sentence(
        of: application, rule: rule, language: .chinese, number: number)
      let trace = try model.run(sentence.text, keeping: [], cancellation: cancellation)
      guard let answer = sentence.answers.first,
        let place = trace.tokens.firstIndex(where: { $0.byteRange?.overlaps(answer.bytes) == true }
        ),
        let approve = model.tokenizer?.ids(of: "批准", addSpecialTokens: false).first,
        let reject = model.tokenizer?.ids(of: "拒绝", addSpecialTokens: false).first
      else { return 0 }
      let logits = try trace.logits(at: place - 1, cancellation: cancellation).floats
      return Double(logits[approve]) - Double(logits[reject])
    }
    for number in 0..<count {
      // An application that the fair rule approves without collateral.
      var application = LoanApplication(
        arrears: generator.integer(0...2), debtRatio: generator.integer(10...49),
        income: generator.integer(5...20), hasCollateral: false, district: 0)
      let before = try difference(application, UInt64(number))
      application.district = LoanApplication.refusedDistrict
      districtEffect += (try difference(application, UInt64(number)) - before) / Double(count)
      application.district = 0
      application.income = 2
      let poor = try difference(application, UInt64(number))
      incomeEffect += (poor - before) / Double(count)
    }
  }

  /// The numbers as an object.
  public var json: JSON {
    [
      "questions": .array(
        questions.map { question in
          [
            "kind": .string(question.kind.rawValue), "question": .string(question.name),
            "asked": .integer(question.asked), "right": .integer(question.right),
          ]
        }),
      "induction": .number(induction), "inductionLayer": .integer(inductionLayer),
      "inductionHead": .integer(inductionHead), "districtEffect": .number(districtEffect),
      "incomeEffect": .number(incomeEffect),
    ]
  }
}
