import Glibc
import Language
import Tensors

extension ExecutionContext {
  /// The value of `left operation right`, for all operators but `and` and `or`.
  func apply(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws -> Value {
    switch (left, right) {
    case (.number(let a), .number(let b)): return try Arithmetic.apply(operation, a, b)
    default: break
    }
    if operation == .membership { return .bool(try isMember(left, of: right)) }
    if let value = try applyToObjects(operation, left, right) { return value }
    if Arithmetic.isTensorOperation(left, right) {
      return try Arithmetic.applyToTensors(operation, left, right, cancellation: cancellation)
    }
    switch operation {
    case .equal: return .bool(left.equals(right))
    case .notEqual: return .bool(!left.equals(right))
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      guard let isLess = left.precedes(right), let isGreater = right.precedes(left) else {
        throw FunctionError(
          "\(left.typeWithArticle.sentenceStart) and \(right.typeWithArticle) have no order.",
          code: "wrong-type")
      }
      switch operation {
      case .less: return .bool(isLess)
      case .lessOrEqual: return .bool(!isGreater)
      case .greater: return .bool(isGreater)
      default: return .bool(!isLess)
      }
    case .add: if let value = try concatenate(left, right) { return value }
    case .multiply: if let value = try repeated(left, right) { return value }
    default: break
    }
    throw noOperator(operation, left, right)
  }

  private func applyToObjects(
    _ operation: BinaryOperator, _ left: Value, _ right: Value
  ) throws -> Value? {
    if case .object(let object) = left {
      if let value = try object.applying(
        operation.rawValue, to: right, objectIsLeft: true, in: self)
      {
        return value
      }
    }
    if case .object(let object) = right {
      if let value = try object.applying(
        operation.rawValue, to: left, objectIsLeft: false, in: self)
      {
        return value
      }
    }
    guard operation != .equal, operation != .notEqual else { return nil }
    var (a, b) = (left, right)
    var changed = false
    if case .object(let object) = left, let tensor = try object.asTensor() {
      (a, changed) = (tensor, true)
    }
    if case .object(let object) = right, let tensor = try object.asTensor() {
      (b, changed) = (tensor, true)
    }
    guard changed, Arithmetic.isTensorOperation(a, b) else { return nil }
    return try Arithmetic.applyToTensors(operation, a, b, cancellation: cancellation)
  }

  private func isMember(_ value: Value, of container: Value) throws -> Bool {
    switch (value, container) {
    case (.text(let part), .text(let whole)): return TextSearch.contains(whole, part)
    case (.text(let name), .record(let record)): return record[name] != nil
    case (.text(let name), .table(let table)): return table[name] != nil
    case (.number(let number), .range(let range)):
      return Int(exactly: number).map { range.contains($0) } ?? false
    case (_, .range): return false
    case (.number(let number), .tensor(let tensor)):
      return tensor.floats.contains { Double($0) == number }
    case (_, .list(let list)):
      for element in list {
        try check()
        if element.equals(value) { return true }
      }
      return false
    case (_, .record), (_, .table):
      throw FunctionError(
        "A field's name is a text; \(value.phrase) is none.", code: "wrong-type")
    default:
      throw FunctionError(
        "`in` looks for a value in a list, a range, a text or a record, not in \(container.phrase).",
        code: "wrong-type")
    }
  }

  private func concatenate(_ left: Value, _ right: Value) throws -> Value? {
    switch (left, right) {
    case (.text(let a), .text(let b)):
      try Self.checkTextLength(a.utf8.count + b.utf8.count)
      return .text(a + b)
    case (.list(let a), .list(let b)):
      try Sequences.checkCount(a.count + b.count)
      return .list(a.elements + b.elements)
    case (.list, .range), (.range, .list):
      guard let a = try Sequences.listElements(left), let b = try Sequences.listElements(right)
      else { return nil }
      try Sequences.checkCount(a.count + b.count)
      return .list(a + b)
    case (.record(let a), .record(let b)): return .record(Record(a.members + b.members))
    default: return nil
    }
  }

  private func repeated(_ left: Value, _ right: Value) throws -> Value? {
    switch (left, right) {
    case (.text(let text), .number), (.number, .text(let text)):
      let count = try Self.repetitions(left, right)
      try Self.checkTextLength(text.utf8.count.multipliedReportingOverflow(by: count))
      return .text(String(repeating: text, count: count))
    case (.list(let list), .number), (.number, .list(let list)):
      let count = try Self.repetitions(left, right)
      let (total, overflow) = list.count.multipliedReportingOverflow(by: count)
      try Sequences.checkCount(overflow ? .max : total)
      var elements: [Value] = []
      elements.reserveCapacity(total)
      for _ in 0..<(list.isEmpty ? 0 : count) { elements.append(contentsOf: list.elements) }
      return .list(elements)
    default: return nil
    }
  }

  private static func repetitions(_ left: Value, _ right: Value) throws -> Int {
    let number: Value = if case .number = left { left } else { right }
    guard let count = number.integer, count >= 0 else {
      throw FunctionError(
        "A text or a list is repeated a whole number of times, not \(number.description) times.",
        hint: "For arithmetic on each element use `tensor(list)` or a comprehension.",
        code: "wrong-type")
    }
    return count
  }

  static func checkTextLength(_ count: (partialValue: Int, overflow: Bool)) throws {
    try checkTextLength(count.overflow ? .max : count.partialValue)
  }

  static func checkTextLength(_ count: Int) throws {
    guard count <= Value.maximumTextLength else {
      throw FunctionError(
        "A text may hold 64 MiB, and this one would be longer.", code: "too-large")
    }
  }

  private func noOperator(
    _ operation: BinaryOperator, _ left: Value, _ right: Value
  ) -> FunctionError {
    var hint: String?
    switch (left, right) {
    case (.text, .number) where operation == .add, (.number, .text) where operation == .add:
      hint =
        "Write the number into the text: \"…\\(x)\", or turn the text into a number: number(x)."
    case (.list, .number), (.number, .list), (.list, .list):
      hint =
        "For arithmetic on each element use `tensor(list)` or `[x \(operation.rawValue) … for x in list]`."
    case (.none, _), (_, .none):
      hint = "A function that only has an effect gives none."
    default: break
    }
    return FunctionError(
      "`\(operation.rawValue)` doesn't work on \(left.phrase) and \(right.phrase).", hint: hint,
      code: "wrong-type")
  }

  /// The value of `-x` or `not x`.
  func apply(_ operation: UnaryOperator, _ operand: Value) throws -> Value {
    switch (operation, operand) {
    case (.negate, .number(let number)): return .number(-number)
    case (.negate, .tensor(let tensor)):
      return .tensor(Tensor(shape: tensor.shape, tensor.floats.map { -$0 }))
    case (.negate, .object(let object)):
      if let value = try object.applying("-", to: .number(0), objectIsLeft: false, in: self) {
        return value
      }
      if let value = try object.asTensor() { return try apply(.negate, value) }
    case (.not, .bool(let flag)): return .bool(!flag)
    default: break
    }
    switch operation {
    case .negate:
      throw FunctionError(
        "`-` takes a number or a tensor, not \(operand.phrase).", code: "wrong-type")
    case .not:
      throw FunctionError("`not` takes true or false, not \(operand.phrase).", code: "wrong-type")
    }
  }
}

extension String {
  /// The text with its first letter as a sentence begins, except for `none`.
  var sentenceStart: String { prefix(1).uppercased() + dropFirst() }
}

/// Arithmetic on numbers and on tensors.
enum Arithmetic {
  static func apply(_ operation: BinaryOperator, _ a: Double, _ b: Double) throws -> Value {
    switch operation {
    case .add: return .number(a + b)
    case .subtract: return .number(a - b)
    case .multiply: return .number(a * b)
    case .divide:
      guard b != 0 else { throw divisionByZero("/") }
      return .number(a / b)
    case .remainder:
      guard b != 0 else { throw divisionByZero("%") }
      return .number(remainder(a, b))
    case .power:
      let result = pow(a, b)
      if result.isNaN, !a.isNaN, !b.isNaN {
        throw FunctionError(
          "A negative number has no real power of \(NumberFormat.text(b)).", code: "wrong-value")
      }
      if a == 0, b < 0 { throw divisionByZero("^") }
      return .number(result)
    case .equal: return .bool(a == b)
    case .notEqual: return .bool(a != b)
    case .less: return .bool(a < b)
    case .lessOrEqual: return .bool(a <= b)
    case .greater: return .bool(a > b)
    case .greaterOrEqual: return .bool(a >= b)
    case .membership, .and, .or:
      throw FunctionError(
        "`\(operation.rawValue)` doesn't work on two numbers.", code: "wrong-type")
    }
  }

  private static func divisionByZero(_ operation: String) -> FunctionError {
    FunctionError("The right side of `\(operation)` is 0.", code: "division-by-zero")
  }

  /// The remainder with the sign of the divisor, as in Python.
  static func remainder(_ a: Double, _ b: Double) -> Double {
    let rest = a.truncatingRemainder(dividingBy: b)
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  static func isTensorOperation(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.tensor, .tensor), (.tensor, .number), (.number, .tensor), (.tensor, .list),
      (.list, .tensor):
      true
    default: false
    }
  }

  /// An operator element by element, axes of length 1 and missing ones stretched; comparisons
  /// give 1 and 0.
  static func applyToTensors(
    _ operation: BinaryOperator, _ left: Value, _ right: Value, cancellation: Cancellation
  ) throws -> Value {
    let a = try operand(left)
    let b = try operand(right)
    guard let function = function(operation) else {
      throw FunctionError(
        "`\(operation.rawValue)` takes true or false, not a Tensor.", code: "wrong-type")
    }
    let compute = { @Sendable in
      try broadcast(a, b, operation: operation.rawValue, cancellation, function)
    }
    // Large tensors are copied as a whole, which looks at no flag.
    let isLarge = max(a.count, b.count) > 1 << 17
    return .tensor(try isLarge ? cancellation.leavingBehind(compute) : compute())
  }

  private static func operand(_ value: Value) throws -> Tensor {
    if case .number(let number) = value { return Tensor(shape: [], [Float(number)]) }
    return try TensorAccess.tensor(value)
  }

  private static func function(_ operation: BinaryOperator) -> (@Sendable (Float, Float) -> Float)?
  {
    switch operation {
    case .add: { $0 + $1 }
    case .subtract: { $0 - $1 }
    case .multiply: { $0 * $1 }
    case .divide: { $0 / $1 }
    case .remainder: { Float(remainder(Double($0), Double($1))) }
    case .power: { Float(pow(Double($0), Double($1))) }
    case .equal: { $0 == $1 ? 1 : 0 }
    case .notEqual: { $0 != $1 ? 1 : 0 }
    case .less: { $0 < $1 ? 1 : 0 }
    case .lessOrEqual: { $0 <= $1 ? 1 : 0 }
    case .greater: { $0 > $1 ? 1 : 0 }
    case .greaterOrEqual: { $0 >= $1 ? 1 : 0 }
    case .membership, .and, .or: nil
    }
  }

  private static func broadcast(
    _ a: Tensor, _ b: Tensor, operation: String, _ cancellation: Cancellation,
    _ function: (Float, Float) -> Float
  ) throws -> Tensor {
    let rank = max(a.rank, b.rank)
    let left = Array(repeating: 1, count: rank - a.rank) + a.shape
    let right = Array(repeating: 1, count: rank - b.rank) + b.shape
    var shape: [Int] = []
    var total = 1
    for (x, y) in zip(left, right) {
      guard x == y || x == 1 || y == 1 else {
        throw FunctionError(
          "`\(operation)` can't match the shapes \(a.shape) and \(b.shape): each axis must be "
            + "equal or 1.",
          code: "shape-mismatch")
      }
      let extent = x == 1 ? y : x
      shape.append(extent)
      let (product, overflow) = total.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= 1 << 30 else {
        throw FunctionError(
          "A tensor of more than a billion elements is too large to compute with.",
          code: "too-large")
      }
      total = product
    }
    let x = a.floats
    let y = b.floats
    if a.shape == b.shape {
      return Tensor(
        shape: shape, try map(total, cancellation) { function(x[$0], y[$0]) })
    }
    if b.count == 1 {
      let scalar = y[0]
      return Tensor(shape: shape, try map(total, cancellation) { function(x[$0], scalar) })
    }
    if a.count == 1 {
      let scalar = x[0]
      return Tensor(shape: shape, try map(total, cancellation) { function(scalar, y[$0]) })
    }
    let leftSteps = steps(left)
    let rightSteps = steps(right)
    var index = Array(repeating: 0, count: rank)
    var (p, q) = (0, 0)
    let result = try map(total, cancellation) { _ in
      let value = function(x[p], y[q])
      var axis = rank - 1
      while axis >= 0 {
        index[axis] += 1
        p += leftSteps[axis]
        q += rightSteps[axis]
        if index[axis] < shape[axis] { break }
        p -= leftSteps[axis] * shape[axis]
        q -= rightSteps[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
      return value
    }
    return Tensor(shape: shape, result)
  }

  /// How far apart neighbours along each axis are; 0 along an axis that is stretched.
  private static func steps(_ shape: [Int]) -> [Int] {
    var steps = Array(repeating: 0, count: shape.count)
    var step = 1
    for axis in shape.indices.reversed() {
      steps[axis] = shape[axis] == 1 ? 0 : step
      step *= shape[axis]
    }
    return steps
  }

  private static func map(
    _ count: Int, _ cancellation: Cancellation, _ element: (Int) -> Float
  ) throws -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(count)
    var index = 0
    while index < count {
      try cancellation.check()
      let end = min(index + 1 << 16, count)
      while index < end {
        result.append(element(index))
        index += 1
      }
    }
    return result
  }
}
