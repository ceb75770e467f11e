public import DataFormats

/// Why the content of a message is not what its type promises.
public struct ContentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The key in question.
  public var key: String
  /// What was expected there.
  public var expected: String

  /// One sentence.
  public var description: String { "The field \(key) of the message must be \(expected)." }
}

/// A message's content that can be read from JSON and written to it.
public protocol MessageContent: Sendable {
  /// Reads the content.
  init(_ content: JSONObject) throws(ContentError)
  /// The content as a JSON object.
  var content: JSONObject { get }
}

extension JSONObject {
  func text(_ key: String) throws(ContentError) -> String {
    guard let text = self[key]?.string else { throw ContentError(key: key, expected: "a text") }
    return text
  }

  func text(_ key: String, default value: String) throws(ContentError) -> String {
    guard let found = self[key], !found.isNull else { return value }
    guard let text = found.string else { throw ContentError(key: key, expected: "a text") }
    return text
  }

  func flag(_ key: String, default value: Bool) throws(ContentError) -> Bool {
    guard let found = self[key], !found.isNull else { return value }
    guard let flag = found.bool else {
      throw ContentError(key: key, expected: "true or false")
    }
    return flag
  }

  func whole(_ key: String) throws(ContentError) -> Int {
    guard let number = self[key]?.integer else {
      throw ContentError(key: key, expected: "a whole number")
    }
    return number
  }

  func optionalWhole(_ key: String) throws(ContentError) -> Int? {
    guard let found = self[key], !found.isNull else { return nil }
    guard let number = found.integer else {
      throw ContentError(key: key, expected: "a whole number")
    }
    return number
  }

  func members(_ key: String) throws(ContentError) -> JSONObject {
    guard let found = self[key], !found.isNull else { return JSONObject() }
    guard let object = found.object else { throw ContentError(key: key, expected: "an object") }
    return object
  }

  func elements(_ key: String) throws(ContentError) -> [JSON] {
    guard let found = self[key], !found.isNull else { return [] }
    guard let array = found.array else { throw ContentError(key: key, expected: "a list") }
    return array
  }

  func texts(_ key: String) throws(ContentError) -> [String] {
    var texts: [String] = []
    for element in try elements(key) {
      guard let text = element.string else {
        throw ContentError(key: key, expected: "a list of texts")
      }
      texts.append(text)
    }
    return texts
  }

  func objects(_ key: String) throws(ContentError) -> [JSONObject] {
    var objects: [JSONObject] = []
    for element in try elements(key) {
      guard let object = element.object else {
        throw ContentError(key: key, expected: "a list of objects")
      }
      objects.append(object)
    }
    return objects
  }
}
