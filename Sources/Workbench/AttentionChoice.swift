import Analysis
import Interpreter

/// One layer or head, or the mean or largest over several.
enum AttentionChoice: Sendable, Hashable {
  /// One, by its number.
  case one(Int)
  /// The mean over all.
  case mean
  /// The largest over all.
  case max

  /// The choices that a selection means, each a row or column of a grid.
  static func choices(
    _ selection: Selection, count: Int, parameter: String
  ) throws -> [AttentionChoice] {
    switch selection {
    case .mean: [.mean]
    case .max: [.max]
    default: try selection.indices(count: count, parameter: parameter).map { .one($0) }
    }
  }

  /// As a value of the language.
  var value: Value {
    switch self {
    case .one(let number): .integer(number)
    case .mean: .text("mean")
    case .max: .text("max")
    }
  }

  /// The number of one, else `nil`.
  var number: Int? { if case .one(let number) = self { number } else { nil } }

  /// In words for a title: `layer 3`, `mean over 12 heads`.
  func words(_ noun: String, of count: Int) -> String {
    switch self {
    case .one(let number): "\(noun) \(number)"
    case .mean: "mean over \(count) \(noun)s"
    case .max: "max over \(count) \(noun)s"
    }
  }

  /// In a word or two for a grid's margin.
  func short(_ noun: String) -> String {
    switch self {
    case .one(let number): "\(noun) \(number)"
    case .mean: "mean"
    case .max: "max"
    }
  }

  /// The heads of `Analysis` that this is.
  var heads: HeadSelection {
    switch self {
    case .one(let head): .head(head)
    case .mean: .mean
    case .max: .max
    }
  }
}
