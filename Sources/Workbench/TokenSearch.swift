import Interpreter
import Tokenizers

import enum Language.Suggestions

/// Which tokens of a text a piece of text means.
enum TokenSearch {
  /// The positions of the tokens that cover the first place where `piece` stands in the text: the
  /// first one that isn't a part of a longer word, so that "it" isn't found in "kitten", else the
  /// first of all.
  ///
  /// Without a text (where ids were given), or for the model's own marks, the token whose own text
  /// or vocabulary form is the piece.
  ///
  /// - Throws: `FunctionError` where there is none, with the nearest token.
  static func positions(
    of piece: String, in tokens: [Tokenizers.Token], text: String?
  ) throws -> [Int] {
    if let text, let place = firstPlace(of: Array(piece.utf8), in: Array(text.utf8)) {
      let covering = tokens.indices.filter { index in
        guard let range = tokens[index].byteRange else { return false }
        return range.overlaps(place)
      }
      if !covering.isEmpty { return covering }
    }
    let exact =
      piece.isEmpty
      ? nil
      : tokens.indices.first {
        tokens[$0].text.utf8.elementsEqual(piece.utf8)
          || tokens[$0].piece.utf8.elementsEqual(piece.utf8)
      }
    if let exact { return [exact] }
    let texts = tokens.map { String($0.text.trimmingPrefix(" ")) }
    throw FunctionError(
      "The text has no \(Value.text(piece).description).",
      hint: Suggestions.nearest(piece, in: texts).map { "Did you mean \"\($0)\"?" },
      code: "no-such-token")
  }

  private static func firstPlace(of needle: [UInt8], in bytes: [UInt8]) -> Range<Int>? {
    guard !needle.isEmpty, needle.count <= bytes.count else { return nil }
    var first: Range<Int>?
    for start in 0...(bytes.count - needle.count)
    where bytes[start..<start + needle.count].elementsEqual(needle) {
      let place = start..<start + needle.count
      if isWhole(place, in: bytes) { return place }
      first = first ?? place
    }
    return first
  }

  /// Whether neither end of a place lies inside a word.
  private static func isWhole(_ place: Range<Int>, in bytes: [UInt8]) -> Bool {
    let before = String(decoding: bytes[..<place.lowerBound].suffix(4), as: UTF8.self)
    let inside = String(decoding: bytes[place], as: UTF8.self)
    let after = String(decoding: bytes[place.upperBound...].prefix(4), as: UTF8.self)
    return !continues(before.unicodeScalars.last, inside.unicodeScalars.first)
      && !continues(inside.unicodeScalars.last, after.unicodeScalars.first)
  }

  /// Whether two scalars that follow one another are of one word; ideographs are words themselves.
  private static func continues(_ left: Unicode.Scalar?, _ right: Unicode.Scalar?) -> Bool {
    guard let left, let right else { return false }
    return [left, right].allSatisfy { scalar in
      let properties = scalar.properties
      return
        (properties.isAlphabetic || properties.numericType != nil || scalar == "_"
        || properties.generalCategory == .nonspacingMark) && !properties.isIdeographic
    }
  }
}
