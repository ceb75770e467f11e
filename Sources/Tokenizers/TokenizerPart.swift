import DataFormats

/// One object of a tokenizer's file with its path, whose members are read with their types checked.
struct TokenizerPart {
  let value: JSON
  /// The path from the file's root, for messages.
  let place: String

  init(_ value: JSON, place: String) {
    self.value = value
    self.place = place
  }

  /// The text of the member `type`.
  var type: String {
    get throws(TokenizerError) { try string("type") }
  }

  func member(_ key: String) -> TokenizerPart? {
    guard let member = value[key], !member.isNull else { return nil }
    return TokenizerPart(member, place: place.isEmpty ? key : "\(place).\(key)")
  }

  func wrong(_ key: String, _ expected: String) -> TokenizerError {
    .wrongMember(place: place.isEmpty ? key : "\(place).\(key)", expected: expected)
  }

  func string(_ key: String) throws(TokenizerError) -> String {
    guard let text = value[key]?.string else { throw wrong(key, "a text") }
    return text
  }

  func string(_ key: String, or standard: String) throws(TokenizerError) -> String {
    member(key) == nil ? standard : try string(key)
  }

  func bool(_ key: String, or standard: Bool) throws(TokenizerError) -> Bool {
    guard let member = member(key) else { return standard }
    guard let flag = member.value.bool else { throw wrong(key, "true or false") }
    return flag
  }

  func integer(_ key: String) throws(TokenizerError) -> Int {
    guard let number = value[key]?.integer else { throw wrong(key, "a whole number") }
    return number
  }

  func parts(_ key: String) throws(TokenizerError) -> [TokenizerPart] {
    guard let elements = value[key]?.array else { throw wrong(key, "a list") }
    return elements.enumerated().map { index, element in
      TokenizerPart(element, place: "\(place.isEmpty ? key : "\(place).\(key)")[\(index)]")
    }
  }

  func object(_ key: String) throws(TokenizerError) -> JSONObject {
    guard let object = value[key]?.object else { throw wrong(key, "an object") }
    return object
  }
}
