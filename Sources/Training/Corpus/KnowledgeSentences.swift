import Tensors

/// Diseases as sentences: the term decides treatment and department, the patient's name and age don't.
enum DiseaseSentences {
  /// A disease with its treatment and department, in both languages.
  struct Entry: Sendable {
    let chinese: String
    let chineseTreatment: String
    let chineseDepartment: String
    let english: String
    let englishTreatment: String
    let englishDepartment: String
  }

  static let entries: [Entry] = [
    ("高血压", "降压", "心内", "hypertension", "antihypertensives", "cardiology"),
    ("冠心病", "扩冠", "心内", "angina", "nitrates", "cardiology"),
    ("糖尿病", "降糖", "内分泌", "diabetes", "insulin", "endocrinology"),
    ("甲亢", "抗甲状腺", "内分泌", "hyperthyroidism", "thiamazole", "endocrinology"),
    ("肺炎", "抗菌", "呼吸", "pneumonia", "antibiotics", "pulmonology"),
    ("哮喘", "平喘", "呼吸", "asthma", "inhalers", "pulmonology"),
    ("胃炎", "抑酸", "消化", "gastritis", "antacids", "gastroenterology"),
    ("肠炎", "止泻", "消化", "enteritis", "rehydration", "gastroenterology"),
    ("癫痫", "抗癫痫", "神经", "epilepsy", "anticonvulsants", "neurology"),
    ("偏头痛", "止痛", "神经", "migraine", "triptans", "neurology"),
    ("骨折", "固定", "骨", "fracture", "splinting", "orthopedics"),
    ("湿疹", "抗敏", "皮肤", "eczema", "ointments", "dermatology"),
    ("白内障", "手术", "眼", "cataract", "surgery", "ophthalmology"),
    ("鼻炎", "喷鼻", "耳鼻喉", "rhinitis", "sprays", "otolaryngology"),
  ].map {
    Entry(
      chinese: $0.0, chineseTreatment: $0.1, chineseDepartment: $0.2, english: $0.3,
      englishTreatment: $0.4, englishDepartment: $0.5)
  }

  /// How many skeletons there are; the last two are kept for judging.
  static let templates = 8

  static func sentence(
    _ index: Int, language: CorpusSentence.Language, template: Int,
    using generator: inout SeededGenerator
  ) -> CorpusSentence {
    let entry = entries[index]
    let isChinese = language == .chinese
    var builder = SentenceBuilder()
    let age = generator.integer(20...79)
    let name = isChinese ? Names.chinese(&generator) : Names.english(&generator)
    let asksTreatmentFirst = template % 2 == 0
    func addPatient(_ builder: inout SentenceBuilder) {
      builder.add(isChinese ? "患者" : "Patient ")
      builder.add(name, fact: "name")
      builder.add(isChinese ? "，" : ",")
      builder.add((isChinese ? "" : " ") + "\(age)", fact: "age")
      builder.add(isChinese ? "岁" : " years")
    }
    func addDisease(_ builder: inout SentenceBuilder) {
      builder.add(isChinese ? "患有" : " has")
      builder.add(
        (isChinese ? "" : " ") + (isChinese ? entry.chinese : entry.english), fact: "disease")
    }
    func addTreatment(_ builder: inout SentenceBuilder) {
      let answer = isChinese ? entry.chineseTreatment : " " + entry.englishTreatment
      let all = entries.map { isChinese ? $0.chineseTreatment : " " + $0.englishTreatment }
      builder.add(isChinese ? "治疗：" : " Treatment:")
      builder.add(
        answer: answer, name: "treatment", wrong: all.filter { $0 != answer }, deciding: ["disease"]
      )
    }
    func addDepartment(_ builder: inout SentenceBuilder) {
      let answer = isChinese ? entry.chineseDepartment : " " + entry.englishDepartment
      let all = Set(entries.map { isChinese ? $0.chineseDepartment : " " + $0.englishDepartment })
      builder.add(isChinese ? "科室：" : " Department:")
      builder.add(
        answer: answer, name: "department", wrong: all.filter { $0 != answer }.sorted(),
        deciding: ["disease"])
    }
    let stop = isChinese ? "。" : "."
    // Four ways to begin, each with either question first.
    switch template / 2 {
    case 0:
      addPatient(&builder)
      builder.add(isChinese ? "，" : ",")
      addDisease(&builder)
    case 1:
      builder.add(isChinese ? "诊断：" : "Diagnosis:")
      builder.add(isChinese ? entry.chinese : " " + entry.english, fact: "disease")
      builder.add(isChinese ? "，" : ", ")
      addPatient(&builder)
    case 2:
      builder.add(isChinese ? "一位" : "A person of ")
      builder.add("\(age)", fact: "age")
      builder.add(isChinese ? "岁的病人" : " years")
      addDisease(&builder)
    default:
      // Kept: the words are known, their arrangement isn't.
      builder.add(isChinese ? "病人" : "A person, ")
      builder.add(name, fact: "name")
      addDisease(&builder)
      builder.add(isChinese ? "，" : ", ")
      builder.add("\(age)", fact: "age")
      builder.add(isChinese ? "岁" : " years")
    }
    builder.add(stop)
    if asksTreatmentFirst {
      addTreatment(&builder)
      builder.add(stop)
      addDepartment(&builder)
    } else {
      addDepartment(&builder)
      builder.add(stop)
      addTreatment(&builder)
    }
    builder.add(stop)
    return builder.sentence(
      .disease, language, template: template,
      isHeldOut: template >= templates - 2 || isKept([index, age, template], oneIn: 12))
  }
}

/// Opinions: a word decides, and a negation turns it round.
enum SentimentSentences {
  static let chinesePositive = ["精彩", "出色", "优秀", "动人", "有趣", "美好", "温暖", "完美", "舒适", "可靠"]
  static let chineseNegative = ["糟糕", "无聊", "粗糙", "失望", "难看", "乏味", "混乱", "拙劣", "沉闷", "劣质"]
  static let englishPositive = [
    "good", "great", "brilliant", "charming", "lovely", "superb", "pleasant", "splendid", "fine",
    "wonderful",
  ]
  static let englishNegative = [
    "bad", "awful", "boring", "poor", "dull", "terrible", "clumsy", "dreadful", "weak", "horrible",
  ]
  private static let chineseSubjects = [
    "这部电影", "这本书", "这家酒店", "这道菜", "这场演出", "这款手机", "这首歌", "这次服务",
  ]
  private static let englishSubjects = [
    "film", "book", "hotel", "meal", "show", "phone", "song", "service",
  ]

  /// How many skeletons there are; the last is kept for judging.
  static let templates = 4

  static func sentence(
    language: CorpusSentence.Language, template: Int, using generator: inout SeededGenerator
  ) -> CorpusSentence {
    let isChinese = language == .chinese
    let (subject, word) = (generator.integer(0...7), generator.integer(0...9))
    let (isPositiveWord, isNegated) = (Bool.random(using: &generator), generator.integer(0...9) < 4)
    let isPositive = isPositiveWord != isNegated
    var builder = SentenceBuilder()
    let words =
      isChinese
      ? (isPositiveWord ? chinesePositive : chineseNegative)
      : (isPositiveWord ? englishPositive : englishNegative)
    let answers = isChinese ? ["正面", "负面"] : [" positive", " negative"]
    let name = isChinese ? Names.chinese(&generator) : Names.english(&generator)
    // The kept skeleton joins the beginnings of two others.
    if template == 2 || template == 3 { builder.add(isChinese ? "评论：" : "Review: ") }
    if template == 1 || template == 3 {
      builder.add(name, fact: "name")
      builder.add(isChinese ? "觉得" : " thinks that ")
    }
    if !isChinese { builder.add(template == 0 ? "The " : "the ") }
    builder.add((isChinese ? chineseSubjects : englishSubjects)[subject], fact: "subject")
    builder.add(isChinese ? "" : " was")
    if isNegated { builder.add(isChinese ? "并不" : " not", fact: "negation") }
    if !isChinese { builder.add(template == 0 ? " so" : "") }
    if isChinese, !isNegated { builder.add("很") }
    builder.add((isChinese ? "" : " ") + words[word], fact: "word")
    builder.add(isChinese ? "。态度：" : ". Sentiment:")
    builder.add(
      answer: answers[isPositive ? 0 : 1], name: "sentiment", wrong: [answers[isPositive ? 1 : 0]],
      deciding: isNegated ? ["word", "negation"] : ["word"])
    builder.add(isChinese ? "。" : ".")
    return builder.sentence(
      .sentiment, language, template: template,
      isHeldOut: template == templates - 1
        || isKept([subject, word, isPositiveWord ? 1 : 0, isNegated ? 1 : 0], oneIn: 8))
  }
}
