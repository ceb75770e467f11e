public import Figures
public import Tensors

/// A value of the analysis language.
///
/// Containers know how deep they nest and how many values they hold, so that no program can
/// build one that is too deep to release or too large to walk (`Value.maximumDepth`,
/// `Value.maximumWeight`).
public enum Value: Sendable {
  /// Nothing: what a function gives that only has an effect.
  case none
  /// `true` or `false`.
  case bool(Bool)
  /// A number; whole numbers are exact up to 2⁵³.
  case number(Double)
  /// A piece of text.
  case text(String)
  /// Values in order.
  case list(ValueList)
  /// Named values in order.
  indirect case record(Record)
  /// Whole numbers one after another.
  indirect case range(RangeValue)
  /// What can be called.
  case function(Function)
  /// Rows and named columns.
  case table(Table)
  /// Numbers in a shape.
  indirect case tensor(Tensor)
  /// How something looks.
  indirect case figure(any Figure)
  /// A thing with fields that a lower layer brings: a model, a trace, an attribution.
  case object(any ObjectValue)
  /// `all` or `last`, where layers, heads or positions are chosen.
  case selector(Selector)

  /// How deep lists, records and tables may nest.
  public static let maximumDepth = 200
  /// How many values one value may hold, all levels together.
  public static let maximumWeight = 20_000_000
  /// How many bytes one text may hold.
  public static let maximumTextLength = 64 << 20
}

/// The words that choose without naming a number.
public enum Selector: String, Sendable, Hashable, CaseIterable {
  /// Every layer, head or position.
  case all
  /// The last layer, head or position.
  case last
}

extension Value {
  /// A list of the given values.
  public static func list(_ elements: [Value]) -> Value { .list(ValueList(elements)) }

  /// A number from a whole number.
  public static func integer(_ number: Int) -> Value { .number(Double(number)) }

  /// A list of numbers.
  public static func numbers(_ numbers: some Sequence<Double>) -> Value {
    .list(numbers.map { Value.number($0) })
  }

  /// A list of texts.
  public static func texts(_ texts: some Sequence<String>) -> Value {
    .list(texts.map { Value.text($0) })
  }

  /// The type's name in the words of the language: `Number`, `Text`, `List`, … .
  public var typeName: String {
    switch self {
    case .none: "none"
    case .bool: "Bool"
    case .number: "Number"
    case .text: "Text"
    case .list: "List"
    case .record: "Record"
    case .range: "Range"
    case .function: "Function"
    case .table: "Table"
    case .tensor: "Tensor"
    case .figure: "Figure"
    case .object(let object): object.typeName
    case .selector: "Selector"
    }
  }

  /// The type's name with its article, for sentences: `a Number`, `an Attribution`, `none`.
  public var typeWithArticle: String {
    if case .none = self { return "none" }
    let name = typeName
    return "AEIOU".contains(name.prefix(1)) ? "an \(name)" : "a \(name)"
  }

  /// How many levels of containers the value has; 0 for a number or a text.
  public var depth: Int {
    switch self {
    case .list(let list): list.depth
    case .record(let record): record.depth
    case .table(let table): table.depth
    default: 0
    }
  }

  /// How many values the value holds, itself included; a long text counts for several.
  public var weight: Int {
    switch self {
    case .text(let text): 1 + text.utf8.count / 32
    case .list(let list): list.weight
    case .record(let record): record.weight
    case .table(let table): table.weight
    default: 1
    }
  }

  /// Whether it holds so many numbers that a walk through them takes milliseconds.
  var isLarge: Bool {
    let limit = 1 << 17
    return switch self {
    case .tensor(let tensor): tensor.count > limit
    case .range(let range): range.count > limit
    // An attention map has the square of its count.
    case .object(let object): (object.count ?? 0) > 300
    default: weight > limit
    }
  }

  /// Whether the value is or holds a function, which may keep the scope that it was made in.
  var holdsFunction: Bool {
    switch self {
    case .function: true
    case .list(let list): list.holdsFunction
    case .record(let record): record.values.holdsFunction
    case .table(let table): table.columns.contains { $0.values.holdsFunction }
    case .object, .figure: true
    default: false
    }
  }

  /// The value as it is where a function is called: `last` and `all` are functions too.
  var functionName: String? {
    switch self {
    case .function(let function): function.name
    case .selector(let selector): selector.rawValue
    default: nil
    }
  }

  /// The whole number that the value is, or `nil`.
  public var integer: Int? {
    if case .number(let number) = self { Int(exactly: number) } else { nil }
  }
}
