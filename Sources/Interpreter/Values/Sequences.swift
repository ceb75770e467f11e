import Tensors

/// The elements of values that have some.
enum Sequences {
  /// How many values a list may be made of.
  static let maximumCount = 10_000_000

  /// The elements of a list, a range or a column; `nil` for other values.
  ///
  /// - Throws: `FunctionError` where a range is too long for a list.
  static func listElements(_ value: Value) throws -> [Value]? {
    switch value {
    case .list(let list): return list.elements
    case .range(let range):
      try checkCount(range.count)
      return (0..<range.count).map { .integer(range[$0]) }
    default: return nil
    }
  }

  static func checkCount(_ count: Int) throws {
    guard count <= maximumCount else {
      throw FunctionError(
        "A list of \(NumberFormat.text(Double(count))) values is too large; it may hold "
          + "10 million.",
        code: "too-large")
    }
  }

  /// How many elements a value has, or `nil` where it has none to count.
  static func count(_ value: Value) -> Int? {
    switch value {
    case .list(let list): list.count
    case .range(let range): range.count
    case .record(let record): record.count
    case .table(let table): table.rowCount
    case .text(let text): text.count
    case .tensor(let tensor): tensor.shape.first
    case .object(let object): object.count
    default: nil
    }
  }

  /// Gives each element of a value to a body: a list's values, a range's numbers, a table's
  /// rows, a text's characters, a tensor's rows, a record's names.
  ///
  /// - Returns: whether the value has elements at all.
  static func forEach(
    _ value: Value, in context: ExecutionContext, _ body: (Value) throws -> Void
  ) throws -> Bool {
    switch value {
    case .list(let list): for element in list { try body(element) }
    case .range(let range): for index in 0..<range.count { try body(.integer(range[index])) }
    case .record(let record): for name in record.names { try body(.text(name)) }
    case .table(let table):
      for index in 0..<table.rowCount { try body(.record(table.row(index))) }
    case .text(let text): for character in text { try body(.text(String(character))) }
    case .tensor(let tensor):
      guard let rows = tensor.shape.first else { return false }
      for row in 0..<rows { try body(TensorAccess.row(tensor, row)) }
    case .object(let object):
      guard let count = object.count else { return false }
      for index in 0..<count {
        guard let element = try object.element(at: .integer(index), in: context) else {
          return false
        }
        try body(element)
      }
    default: return false
    }
    return true
  }

  /// All elements of a value as a list; `nil` where it has none.
  static func elements(_ value: Value, in context: ExecutionContext) throws -> [Value]? {
    if case .list(let list) = value { return list.elements }
    try checkCount(count(value) ?? 0)
    var elements: [Value] = []
    let hasElements = try forEach(value, in: context) { element in
      try context.cancellation.check()
      elements.append(element)
    }
    return hasElements ? elements : nil
  }

  /// The numbers of a list (nested ones row after row), a range or a tensor; `true` counts as 1.
  static func numbers(_ value: Value) throws -> [Double]? {
    var numbers: [Double] = []
    return try collect(value, into: &numbers) ? numbers : nil
  }

  private static func collect(_ value: Value, into numbers: inout [Double]) throws -> Bool {
    switch value {
    case .list(let list):
      numbers.reserveCapacity(numbers.count + list.count)
      for element in list {
        switch element {
        case .number(let number): numbers.append(number)
        case .bool(let flag): numbers.append(flag ? 1 : 0)
        default: guard try collect(element, into: &numbers) else { return false }
        }
      }
    case .range(let range):
      try checkCount(range.count)
      for index in 0..<range.count { numbers.append(Double(range[index])) }
    case .tensor(let tensor):
      numbers.append(contentsOf: tensor.floats.lazy.map(Double.init))
    case .object(let object):
      guard let value = try object.asTensor(), case .tensor(let tensor) = value else {
        return false
      }
      numbers.append(contentsOf: tensor.floats.lazy.map(Double.init))
    default: return false
    }
    return true
  }
}

/// Parts of tensors as values.
enum TensorAccess {
  /// The first elements in row-major order, widened.
  static func firstElements(_ tensor: Tensor, count: Int) -> [Float] {
    let flat = tensor.reshaped([tensor.count])
    return flat.rows(0..<min(count, tensor.count)).floats
  }

  /// One index of the first axis: a tensor of one axis less, or a number where none is left.
  static func row(_ tensor: Tensor, _ index: Int) -> Value {
    let row = tensor[index]
    return row.rank == 0 ? .number(Double(row.floats[0])) : .tensor(row)
  }

  /// Nested lists of a tensor's numbers.
  static func list(_ tensor: Tensor) -> Value {
    let floats = tensor.floats
    return list(floats[...], tensor.shape[...])
  }

  private static func list(_ floats: ArraySlice<Float>, _ shape: ArraySlice<Int>) -> Value {
    guard let count = shape.first else { return .number(Double(floats[floats.startIndex])) }
    let length = shape.dropFirst().reduce(1, *)
    if shape.count == 1 { return .list(floats.map { .number(Double($0)) }) }
    return .list(
      (0..<count).map { row in
        let start = floats.startIndex + row * length
        return list(floats[start..<(start + length)], shape.dropFirst())
      })
  }

  /// A tensor of nested lists of numbers, all of one shape.
  ///
  /// - Throws: `FunctionError` where the lists differ in length or hold something else.
  static func tensor(_ value: Value) throws -> Tensor {
    if case .tensor(let tensor) = value { return tensor }
    var shape: [Int] = []
    var part = value
    while let count = Sequences.count(part), !part.isText {
      shape.append(count)
      switch part {
      case .list(let list):
        guard let first = list.first else { return Tensor(shape: shape, []) }
        part = first
      case .tensor(let tensor):
        shape.removeLast()
        shape += tensor.shape
        part = .none
      default: part = .none
      }
    }
    guard let numbers = try Sequences.numbers(value) else {
      throw FunctionError(
        "A tensor is made of numbers, and \(value.phrase) holds something else.",
        code: "wrong-type")
    }
    guard numbers.count == shape.reduce(1, *), isRegular(value, shape[...]) else {
      throw FunctionError(
        "The lists of a tensor must have one length on each level, and these differ.",
        code: "shape-mismatch")
    }
    return Tensor(shape: shape, numbers.map(Float.init))
  }

  private static func isRegular(_ value: Value, _ shape: ArraySlice<Int>) -> Bool {
    switch value {
    case .list(let list):
      guard list.count == shape.first else { return false }
      if shape.count == 1 {
        return list.allSatisfy { if case .list = $0 { false } else { true } }
      }
      return list.allSatisfy { isRegular($0, shape.dropFirst()) }
    case .range(let range): return shape.count == 1 && range.count == shape.first
    case .tensor(let tensor): return tensor.shape == Array(shape)
    default: return shape.isEmpty
    }
  }
}

extension Value {
  var isText: Bool { if case .text = self { true } else { false } }
}
