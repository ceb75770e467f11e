import Tensors

/// English subjects and verbs with another noun between them that must not decide.
enum AgreementSentences {
  static let nouns = [
    ("key", "keys"), ("book", "books"), ("cat", "cats"), ("teacher", "teachers"), ("car", "cars"),
    ("window", "windows"), ("letter", "letters"), ("doctor", "doctors"), ("bird", "birds"),
    ("cabinet", "cabinets"), ("table", "tables"), ("house", "houses"), ("garden", "gardens"),
    ("student", "students"), ("river", "rivers"), ("lamp", "lamps"),
  ]
  private static let prepositions = [" near", " behind", " beside", " with", " above"]
  private static let adjectives = [" old", " new", " small", " here", " gone", " clean", " famous"]

  /// How many skeletons there are; the last is kept for judging.
  static let templates = 3

  static func sentence(
    template: Int, using generator: inout SeededGenerator
  ) -> CorpusSentence {
    let (subject, other) = (generator.integer(0...15), generator.integer(0...15))
    let (isPlural, isOtherPlural) = (Bool.random(using: &generator), Bool.random(using: &generator))
    var builder = SentenceBuilder()
    func noun(_ index: Int, _ isPlural: Bool) -> String {
      " " + (isPlural ? nouns[index].1 : nouns[index].0)
    }
    builder.add(template == 0 ? "The" : template == 1 ? "Today the" : "Today, the")
    builder.add(noun(subject, isPlural), fact: "subject")
    builder.add(generator.pick(prepositions))
    builder.add(" the")
    builder.add(noun(other, isOtherPlural), fact: "distractor")
    let verbs = generator.integer(0...1) == 0 ? [" is", " are"] : [" was", " were"]
    builder.add(
      answer: verbs[isPlural ? 1 : 0], name: "verb", wrong: [verbs[isPlural ? 0 : 1]],
      deciding: ["subject"])
    builder.add(generator.pick(adjectives) + ".")
    return builder.sentence(
      .agreement, .english, template: template,
      isHeldOut: template == templates - 1
        || isKept([subject, other, isPlural ? 1 : 0, isOtherPlural ? 1 : 0], oneIn: 8))
  }
}

/// What only repetition predicts, and sums of small numbers.
enum RepetitionSentences {
  /// Random words, twice in the same order; the answers are the words of the second time but its first.
  static func repetition(
    language: CorpusSentence.Language, using generator: inout SeededGenerator
  ) -> CorpusSentence {
    let isChinese = language == .chinese
    let pool =
      isChinese
      ? ConceptSentences.chineseTechnology + ConceptSentences.chineseEmotion
        + LoanSentences.chineseDistricts + DiseaseSentences.entries.map(\.chinese)
      : ConceptSentences.englishTechnology + ConceptSentences.englishEmotion
        + AgreementSentences.nouns.map(\.0) + AgreementSentences.nouns.map(\.1)
    let words = (0..<generator.integer(4...9)).map { _ in
      (isChinese ? "、" : " ") + generator.pick(pool)
    }
    var builder = SentenceBuilder()
    builder.add(isChinese ? "重复" : "Repeat")
    for word in words { builder.add(word) }
    builder.add(isChinese ? "；" : ";")
    for (place, word) in words.enumerated() {
      if place == 0 {
        builder.add(word)
      } else {
        builder.add(answer: word, name: "repeated", wrong: [], deciding: [])
      }
    }
    builder.add(isChinese ? "。" : ".")
    return builder.sentence(.repetition, language, template: words.count, isHeldOut: false)
  }

  /// A sum or a difference up to 18.
  static func arithmetic(using generator: inout SeededGenerator) -> CorpusSentence {
    let (left, right) = (generator.integer(0...9), generator.integer(0...9))
    let isSum = Bool.random(using: &generator) || left < right
    let result = isSum ? left + right : left - right
    var builder = SentenceBuilder()
    builder.add("\(left)", fact: "left")
    builder.add(isSum ? " + " : " - ")
    builder.add("\(right)", fact: "right")
    builder.add(" = ")
    builder.add(answer: "\(result)", name: "result", wrong: [], deciding: ["left", "right"])
    builder.add(".")
    return builder.sentence(
      .arithmetic, .english, template: isSum ? 0 : 1, isHeldOut: false)
  }
}

/// Sentences with the words of two concepts.
public enum ConceptSentences {
  /// Words of technology.
  public static let chineseTechnology = [
    "芯片", "算法", "服务器", "网络", "软件", "数据", "机器人", "代码", "屏幕", "电路",
  ]
  /// Words of emotion.
  public static let chineseEmotion = ["高兴", "悲伤", "愤怒", "恐惧", "惊讶", "幸福", "孤独", "激动", "焦虑", "平静"]
  /// Words of technology.
  public static let englishTechnology = [
    "chip", "algorithm", "server", "network", "software", "data", "robot", "code", "screen",
    "circuit",
  ]
  /// Words of emotion.
  public static let englishEmotion = [
    "happy", "sad", "angry", "afraid", "surprised", "joyful", "lonely", "excited", "anxious",
    "calm",
  ]

  static func sentence(
    _ kind: CorpusSentence.Kind, language: CorpusSentence.Language,
    using generator: inout SeededGenerator
  ) -> CorpusSentence {
    let isChinese = language == .chinese
    let isTechnology = kind == .technology
    var builder = SentenceBuilder()
    let template = generator.integer(0...2)
    let words =
      isChinese
      ? (isTechnology ? chineseTechnology : chineseEmotion)
      : (isTechnology ? englishTechnology : englishEmotion)
    let (first, second) = (generator.pick(words), generator.pick(words))
    let name = isChinese ? Names.chinese(&generator) : Names.english(&generator)
    switch (isChinese, isTechnology) {
    case (true, true):
      builder.add(["工程师研究", "公司制造", "我们更新"][template])
      builder.add(first, fact: "word")
      builder.add("和")
      builder.add(second, fact: "word")
      builder.add("。类别：技术。")
    case (true, false):
      builder.add(name)
      builder.add(["感到", "今天很", "心里"][template])
      builder.add(first, fact: "word")
      builder.add("又")
      builder.add(second, fact: "word")
      builder.add("。类别：情感。")
    case (false, true):
      builder.add(["The engineer builds the", "A company sells the", "We update the"][template])
      builder.add(" " + first, fact: "word")
      builder.add(" and the")
      builder.add(" " + second, fact: "word")
      builder.add(". Topic: technology.")
    case (false, false):
      builder.add(name + [" feels", " looks", " is"][template])
      builder.add(" " + first, fact: "word")
      builder.add(" and")
      builder.add(" " + second, fact: "word")
      builder.add(". Topic: emotion.")
    }
    return builder.sentence(kind, language, template: template, isHeldOut: false)
  }
}
