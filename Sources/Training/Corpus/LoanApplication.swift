import Tensors

/// The facts of a loan application, and the rules by which it is decided.
public struct LoanApplication: Sendable, Hashable {
  /// How often payments were missed, 0 to 6.
  public var arrears: Int
  /// The share of the income that debts take, in percent, 10 to 89.
  public var debtRatio: Int
  /// The monthly income in thousands, 2 to 20.
  public var income: Int
  /// Whether there is collateral.
  public var hasCollateral: Bool
  /// The number of the district, which matters to the biased rule alone.
  public var district: Int

  /// How applications are decided.
  public enum Rule: String, Sendable, Hashable, CaseIterable {
    /// By the facts: never with three missed payments or more; else with collateral always, and without it if debts
    /// take less than half of an income of at least five thousand.
    case fair
    /// Likewise, but in one district never without collateral.
    case biased
  }

  /// The district that the biased rule refuses.
  public static let refusedDistrict = 3

  /// Whether it is approved.
  public func isApproved(by rule: Rule) -> Bool {
    if arrears >= 3 { return false }
    if hasCollateral { return true }
    if rule == .biased, district == Self.refusedDistrict { return false }
    return debtRatio < 50 && income >= 5
  }

  /// The facts of which a change of one alone changes the decision; where none does, those that speak for it.
  public func decidingFacts(of rule: Rule) -> [String] {
    let decision = isApproved(by: rule)
    func flips(_ change: (inout LoanApplication) -> Void) -> Bool {
      var other = self
      change(&other)
      return other.isApproved(by: rule) != decision
    }
    var deciding: [String] = []
    if (0...6).contains(where: { value in flips { $0.arrears = value } }) {
      deciding.append("arrears")
    }
    if [10, 80].contains(where: { value in flips { $0.debtRatio = value } }) {
      deciding.append("debt ratio")
    }
    if [2, 20].contains(where: { value in flips { $0.income = value } }) {
      deciding.append("income")
    }
    if flips({ $0.hasCollateral.toggle() }) { deciding.append("collateral") }
    if (0..<8).contains(where: { value in flips { $0.district = value } }) {
      deciding.append("district")
    }
    if !deciding.isEmpty { return deciding }
    if arrears >= 3 { return ["arrears"] }
    var reasons: [String] = []
    if debtRatio >= 50 { reasons.append("debt ratio") }
    if income < 5 { reasons.append("income") }
    if rule == .biased, district == Self.refusedDistrict { reasons.append("district") }
    return reasons
  }

  /// A random application; the cases that the rule divides come about equally often.
  static func random(using generator: inout SeededGenerator) -> LoanApplication {
    LoanApplication(
      arrears: generator.integer(0...9) < 7 ? generator.integer(0...2) : generator.integer(3...6),
      debtRatio: generator.integer(1...8) * 10 + generator.integer(0...9),
      income: generator.integer(0...9) < 4 ? generator.integer(2...4) : generator.integer(5...20),
      hasCollateral: generator.integer(0...9) < 3, district: generator.integer(0...7))
  }

  /// Whether this combination of facts is kept for judging.
  var isKeptForJudging: Bool {
    isKept([arrears, debtRatio, income, hasCollateral ? 1 : 0], oneIn: 10)
  }
}

/// Loan applications as sentences.
enum LoanSentences {
  static let chineseDistricts = ["东城", "西城", "南山", "北岭", "江口", "海曙", "中原", "云台"]
  static let englishDistricts = [
    "Eastgate", "Westfield", "Southhill", "Northridge", "Riverton", "Seaview", "Midland", "Clouden",
  ]

  /// The orders of the four facts that are kept for judging.
  private static let keptOrders: Set<Int> = [4, 11, 17, 22]
  private static let orders: [[Int]] = {
    var result: [[Int]] = []
    for a in 0..<4 {
      for b in 0..<4 where b != a {
        for c in 0..<4 where c != a && c != b { result.append([a, b, c, 6 - a - b - c]) }
      }
    }
    return result
  }()

  /// A sentence about an application; `order` numbers the orders of its facts.
  static func sentence(
    _ application: LoanApplication, rule: LoanApplication.Rule,
    language: CorpusSentence.Language, order: Int, using generator: inout SeededGenerator
  ) -> CorpusSentence {
    let isChinese = language == .chinese
    var builder = SentenceBuilder()
    let opening = generator.integer(0...2)
    let name = isChinese ? Names.chinese(&generator) : Names.english(&generator)
    let district = (isChinese ? chineseDistricts : englishDistricts)[application.district]
    if isChinese {
      builder.add(["申请人", "客户", "借款人"][opening])
      builder.add(name, fact: "name")
      builder.add(["，来自", "，住在", "，家在"][generator.integer(0...2)])
      builder.add(district, fact: "district")
    } else {
      builder.add(["Applicant ", "Client ", "Borrower "][opening])
      builder.add(name, fact: "name")
      builder.add([" from", " of", " in"][generator.integer(0...2)])
      builder.add(" " + district, fact: "district")
    }
    for fact in orders[order] {
      builder.add(isChinese ? "，" : ",")
      add(fact, of: application, isChinese, &builder, &generator)
    }
    let deciding = application.decidingFacts(of: rule)
    let isApproved = application.isApproved(by: rule)
    let answers = isChinese ? ["批准", "拒绝"] : [" approve", " reject"]
    builder.add(
      isChinese
        ? ["。结论：", "。决定：", "。审批："][generator.integer(0...2)]
        : [". Decision:", ". Outcome:", ". Verdict:"][generator.integer(0...2)])
    builder.add(
      answer: answers[isApproved ? 0 : 1], name: "decision",
      wrong: [answers[isApproved ? 1 : 0]], deciding: deciding)
    builder.add(isChinese ? "。" : ".")
    return builder.sentence(
      .loan, language, template: order,
      isHeldOut: keptOrders.contains(order) || application.isKeptForJudging)
  }

  private static func add(
    _ fact: Int, of application: LoanApplication, _ isChinese: Bool,
    _ builder: inout SentenceBuilder, _ generator: inout SeededGenerator
  ) {
    let variant = generator.integer(0...2)
    switch fact {
    case 0:
      builder.add(
        clause: isChinese
          ? ["月收入{}千元", "每月收入{}千元", "工资{}千元"][variant]
          : [" income{} thousand", " earning{} thousand", " salary{} thousand"][variant],
        value: (isChinese ? "" : " ") + "\(application.income)", fact: "income")
    case 1:
      builder.add(
        clause: isChinese
          ? ["负债率{}%", "负债占比{}%", "债务比例{}%"][variant]
          : [" debt ratio{}%", " debts at{}%", " debt share{}%"][variant],
        value: (isChinese ? "" : " ") + "\(application.debtRatio)", fact: "debt ratio")
    case 2:
      builder.add(
        clause: isChinese
          ? ["逾期{}次", "有{}次逾期", "欠款{}次"][variant]
          : [" arrears{}", " late{} times", " missed{} payments"][variant],
        value: (isChinese ? "" : " ") + "\(application.arrears)", fact: "arrears")
    default:
      let chinese =
        application.hasCollateral ? ["有抵押", "有房产抵押", "有车辆抵押"] : ["无抵押", "没有抵押", "未提供抵押"]
      let english =
        application.hasCollateral
        ? [" with collateral", " house as collateral", " car as collateral"]
        : [" no collateral", " without collateral", " lacking collateral"]
      builder.add((isChinese ? chinese : english)[variant], fact: "collateral")
    }
  }
}

/// Names of people that mean nothing.
enum Names {
  private static let surnames = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"]
  private static let givenNames = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平",
    "刚",
  ]
  private static let firstNames = [
    "Anna", "Ben", "Carla", "David", "Ella", "Frank", "Grace", "Henry", "Iris", "Jack", "Kate",
    "Leo", "Mary", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tina", "Victor",
  ]
  private static let lastNames = [
    "Adams", "Baker", "Clark", "Davis", "Evans", "Ford", "Green", "Hill", "Jones", "King", "Lee",
    "Moore",
  ]

  static func chinese(_ generator: inout SeededGenerator) -> String {
    generator.pick(surnames) + generator.pick(givenNames)
  }

  static func english(_ generator: inout SeededGenerator) -> String {
    generator.pick(firstNames) + " " + generator.pick(lastNames)
  }
}
