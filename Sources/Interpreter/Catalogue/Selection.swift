/// Which layers, heads or positions an argument chooses.
public enum Selection: Sendable, Hashable {
  /// One, counted from 0, from the end where negative.
  case one(Int)
  /// Several, in the order given.
  case several([Int])
  /// All of them.
  case all
  /// The last one.
  case last
  /// The mean over all.
  case mean
  /// The largest over all.
  case max

  /// The selection that a value means, or `nil` where it means none.
  public init?(_ value: Value) {
    switch value {
    case .number:
      guard let number = value.integer else { return nil }
      self = .one(number)
    case .range(let range):
      guard range.count <= 1_000_000 else { return nil }
      self = .several((0..<range.count).map { range[$0] })
    case .list(let list):
      let numbers = list.compactMap(\.integer)
      guard numbers.count == list.count else { return nil }
      self = .several(numbers)
    case .selector(.all): self = .all
    case .selector(.last): self = .last
    case .function(.builtin(let function)) where function.name == "mean": self = .mean
    case .function(.builtin(let function)) where function.name == "max": self = .max
    case .text(let word):
      switch word {
      case "all": self = .all
      case "last": self = .last
      case "mean": self = .mean
      case "max": self = .max
      default: return nil
      }
    default: return nil
    }
  }

  /// The word that the selection is written as, or `nil` for numbers.
  public var word: String? {
    switch self {
    case .one, .several: nil
    case .all: "all"
    case .last: "last"
    case .mean: "mean"
    case .max: "max"
    }
  }

  /// The chosen indices among `count`, each in `0..<count`; `mean` and `max` choose all.
  ///
  /// - Parameters:
  ///   - count: how many layers, heads or positions there are.
  ///   - parameter: the parameter's name, for the error.
  /// - Throws: `ArgumentError` where one lies outside, or none is chosen.
  public func indices(count: Int, parameter: String) throws -> [Int] {
    switch self {
    case .one(let number): return [try index(number, count, parameter)]
    case .several(let numbers):
      guard !numbers.isEmpty else {
        throw ArgumentError(parameter, "`\(parameter)` chooses nothing.", code: "out-of-range")
      }
      return try numbers.map { try index($0, count, parameter) }
    case .all, .mean, .max: return Array(0..<count)
    case .last:
      guard count > 0 else {
        throw ArgumentError(parameter, "There is no last `\(parameter)`.", code: "out-of-range")
      }
      return [count - 1]
    }
  }

  private func index(_ number: Int, _ count: Int, _ parameter: String) throws -> Int {
    guard -count <= number, number < count else {
      throw ArgumentError(
        parameter,
        "`\(parameter)` must lie in 0…\(count - 1), or count from the end as -1…-\(count); "
          + "\(number) does not.",
        code: "out-of-range")
    }
    return number < 0 ? number + count : number
  }
}
