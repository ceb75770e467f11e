/// A JSON value (RFC 8259), with object members in the order in which they were written.
///
/// Integers that fit 64 bits are kept exactly; every other number is a `Double`.
public enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// Whether two values are the same, texts compared by their bytes and members in their order.
  public static func == (left: JSON, right: JSON) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let one), .bool(let other)): one == other
    case (.integer(let one), .integer(let other)): one == other
    case (.number(let one), .number(let other)): one == other
    case (.string(let one), .string(let other)): one.utf8.elementsEqual(other.utf8)
    case (.array(let one), .array(let other)): one == other
    case (.object(let one), .object(let other)): one == other
    default: false
    }
  }

  /// Feeds what `==` compares to the hasher.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value)
    case .string(let text): for byte in text.utf8 { hasher.combine(byte) }
    case .array(let elements): hasher.combine(elements)
    case .object(let object): hasher.combine(object)
    }
  }
}

/// The members of a JSON object, in order; a key is found by its exact bytes.
///
/// Swift's `String` compares by canonical equivalence, which would take two different keys of a
/// vocabulary for one; here keys are equal only if their UTF-8 is.
public struct JSONObject: Sendable, Hashable {
  /// One key and its value.
  public struct Member: Sendable, Hashable {
    /// The key, compared by its UTF-8 bytes.
    public var key: String
    /// The value.
    public var value: JSON

    /// Makes a member.
    public init(key: String, value: JSON) {
      self.key = key
      self.value = value
    }

    /// Whether both key bytes and values are equal.
    public static func == (left: Member, right: Member) -> Bool {
      left.key.utf8.elementsEqual(right.key.utf8) && left.value == right.value
    }

    /// Feeds the key's bytes and the value to the hasher.
    public func hash(into hasher: inout Hasher) {
      for byte in key.utf8 { hasher.combine(byte) }
      hasher.combine(value)
    }
  }

  /// The members in the order of the text, or in which they were added.
  public private(set) var members: [Member]

  /// An empty object.
  public init() { members = [] }

  /// An object of the given members; a later member with the same key is kept as it is.
  public init(members: [Member]) { self.members = members }

  /// How many members there are.
  public var count: Int { members.count }

  /// Whether there are no members.
  public var isEmpty: Bool { members.isEmpty }

  /// The keys in order.
  public var keys: [String] { members.map(\.key) }

  /// The value at a key: of several members with one key, the last; setting `nil` removes it.
  ///
  /// Looks through all members: walk `members` where there are thousands.
  public subscript(key: String) -> JSON? {
    get { members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value }
    set {
      let place = members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
      switch (place, newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil): members.remove(at: place)
      case (nil, let value?): members.append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object of the literal's members, in the literal's order.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self.init(members: elements.map { Member(key: $0.0, value: $0.1) })
  }
}

extension JSON {
  /// The member of an object at a key, or `nil` where this isn't an object or has none.
  public subscript(key: String) -> JSON? {
    if case .object(let object) = self { object[key] } else { nil }
  }

  /// The element of an array at an index, or `nil` where this isn't an array or is shorter.
  public subscript(index: Int) -> JSON? {
    if case .array(let elements) = self, elements.indices.contains(index) {
      elements[index]
    } else {
      nil
    }
  }

  /// The text of a string, else `nil`.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The truth value of a Boolean, else `nil`.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The whole number, also where it was written as `1.0` or `1e3`, else `nil`.
  public var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): wholeNumber(value)
    default: nil
    }
  }

  /// The number as a `Double`, else `nil`.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The elements of an array, else `nil`.
  public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

  /// The members of an object, else `nil`.
  public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

  /// Whether this is `null`.
  public var isNull: Bool { self == .null }
}

/// The number as an `Int` where it is one; compared rather than rounded, which would need the C library.
private func wholeNumber(_ value: Double) -> Int? {
  guard value >= -0x1p63, value < 0x1p63 else { return nil }
  let whole = Int(value)
  return Double(whole) == value ? whole : nil
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  /// `null`.
  public init(nilLiteral: ()) { self = .null }
  /// A Boolean.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object with the members in the literal's order.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(
      JSONObject(members: elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
  }
}
