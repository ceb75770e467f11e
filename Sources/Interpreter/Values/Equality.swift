import Figures
import Tensors

extension Value {
  /// Whether two values are equal: numbers by value, texts byte by byte, lists element by
  /// element, records whatever the order of their names, functions and objects by identity.
  public func equals(_ other: Value) -> Bool {
    switch (self, other) {
    case (.none, .none): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
    case (.list(let left), .list(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
    case (.record(let left), .record(let right)):
      left.count == right.count
        && left.members.allSatisfy { member in
          right[member.name].map { member.value.equals($0) } ?? false
        }
    case (.range(let left), .range(let right)):
      left.count == right.count
        && (left.count == 0
          || left.first == right.first && (left.count == 1 || left.step == right.step))
    case (.table(let left), .table(let right)):
      left.names == right.names
        && zip(left.columns, right.columns).allSatisfy {
          Value.list($0.values).equals(.list($1.values))
        }
    case (.tensor(let left), .tensor(let right)):
      left.shape == right.shape && left.floats == right.floats
    case (.function(.builtin(let left)), .function(.builtin(let right))): left.name == right.name
    case (.function(.user(let left)), .function(.user(let right))): left === right
    case (.object(let left), .object(let right)): left === right
    case (.selector(let left), .selector(let right)): left == right
    case (.figure(let left), .figure(let right)): left.json == right.json
    default: false
    }
  }

  /// Whether this value comes before another, or `nil` where the two have no order.
  ///
  /// Numbers by size (nan last), texts by their code points, lists by their first difference,
  /// false before true.
  func precedes(_ other: Value) -> Bool? {
    switch (self, other) {
    case (.number(let left), .number(let right)):
      return left < right || right.isNaN && !left.isNaN
    case (.text(let left), .text(let right)):
      return left.utf8.lexicographicallyPrecedes(right.utf8)
    case (.bool(let left), .bool(let right)): return !left && right
    case (.list(let left), .list(let right)):
      for (a, b) in zip(left, right) where !a.equals(b) { return a.precedes(b) }
      return left.count < right.count
    default: return nil
    }
  }

  /// A key that two values share only if they are equal, where the value is simple.
  var simpleKey: SimpleKey? {
    switch self {
    case .none: .nothing
    case .bool(let flag): .bool(flag)
    case .number(let number): .number(number)
    case .text(let text): .text(ExactText(text))
    default: nil
    }
  }

  enum SimpleKey: Hashable {
    case nothing
    case bool(Bool)
    case number(Double)
    case text(ExactText)
  }
}
