import Checkpoints
public import DataFormats

/// Reads the values of a `config.json`, each checked against what is possible.
public struct ConfigurationReader: Sendable {
  /// The whole document.
  public let document: JSONObject

  /// Takes a parsed configuration.
  public init(_ document: JSONObject) { self.document = document }

  /// The value at a key; one that is `null` counts as absent.
  public func value(_ key: String) -> JSON? {
    guard let value = document[key], !value.isNull else { return nil }
    return value
  }

  /// A whole number in a range.
  ///
  /// - Parameters:
  ///   - key: the name in the document.
  ///   - range: what is possible.
  ///   - absent: what a configuration without the key means; `nil` where the key is required.
  /// - Throws: `ModelError.invalidValue` with what was found and the range.
  public func integer(
    _ key: String, in range: ClosedRange<Int>, absent: Int? = nil
  ) throws(ModelError) -> Int {
    guard let value = value(key) else {
      if let absent { return absent }
      throw .invalidValue(key: key, found: "nothing", expected: Self.words(range))
    }
    guard let number = value.integer, range.contains(number) else {
      throw .invalidValue(key: key, found: Self.words(value), expected: Self.words(range))
    }
    return number
  }

  /// An even whole number in a range: the width of something whose pairs positions turn.
  ///
  /// - Throws: `ModelError.invalidValue` with what was found and what is expected.
  func even(
    _ key: String, in range: ClosedRange<Int>, absent: Int? = nil
  ) throws(ModelError) -> Int {
    let number = try integer(key, in: range, absent: absent)
    guard number % 2 == 0 else {
      throw .invalidValue(
        key: key, found: "\(number)", expected: "an even number, since positions turn pairs,")
    }
    return number
  }

  /// A number above zero and at most `limit`.
  ///
  /// - Throws: `ModelError.invalidValue` with what was found.
  public func positive(
    _ key: String, atMost limit: Double, absent: Double? = nil
  ) throws(ModelError) -> Double {
    let expected = "a number above 0 and at most \(limit)"
    guard let value = value(key) else {
      if let absent { return absent }
      throw .invalidValue(key: key, found: "nothing", expected: expected)
    }
    guard let number = value.number, number > 0, number <= limit else {
      throw .invalidValue(key: key, found: Self.words(value), expected: expected)
    }
    return number
  }

  /// A number in a range, or `nil` where the key is absent.
  ///
  /// - Throws: `ModelError.invalidValue` with what was found.
  func number(_ key: String, in range: ClosedRange<Double>) throws(ModelError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.number, range.contains(number) else {
      throw .invalidValue(
        key: key, found: Self.words(value),
        expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A truth value.
  ///
  /// - Throws: `ModelError.invalidValue` where the key holds something else.
  public func truth(_ key: String, absent: Bool) throws(ModelError) -> Bool {
    guard let value = value(key) else { return absent }
    guard let truth = value.bool else {
      throw .invalidValue(key: key, found: Self.words(value), expected: "true or false")
    }
    return truth
  }

  /// A text that is one of those supported.
  ///
  /// - Throws: `ModelError.unsupported` with the list.
  public func choice(
    _ key: String, of supported: [String], absent: String
  ) throws(ModelError) -> String {
    guard let value = value(key) else { return absent }
    guard let text = value.string, supported.contains(text) else {
      throw .unsupported(key: key, found: value.string ?? Self.words(value), supported: supported)
    }
    return text
  }

  /// A JSON value in at most some 60 characters, for a message.
  static func words(_ value: JSON) -> String {
    switch value {
    case .string(let text): quoted(String(text.prefix(60)))
    case .array(let elements): "a list of \(elements.count)"
    case .object(let object): "an object of \(object.count)"
    case .null: "null"
    case .bool(let truth): "\(truth)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    }
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    "a whole number from \(range.lowerBound) to \(range.upperBound)"
  }
}
