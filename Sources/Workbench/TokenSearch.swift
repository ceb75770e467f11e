import Interpreter
import enum Language.Suggestions
import Tokenizers

/// Which tokens of a text a piece of text means.
enum TokenSearch {
  /// The positions of the tokens that cover the first place where `piece` stands in the text.
  ///
  /// Without a text (where ids were given), or for the model's own marks, the token whose own text
  /// or vocabulary form is the piece.
  ///
  /// - Throws: `FunctionError` where there is none, with the nearest token.
  static func positions(of piece: String, in tokens: [Tokenizers.Token], text: String?) throws -> [Int] {
    if let text, let place = firstPlace(of: Array(piece.utf8), in: Array(text.utf8)) {
      let covering = tokens.indices.filter { index in
        guard let range = tokens[index].byteRange else { return false }
        return range.overlaps(place)
      }
      if !covering.isEmpty { return covering }
    }
    let exact = tokens.indices.first {
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
    for start in 0...(bytes.count - needle.count)
    where bytes[start..<start + needle.count].elementsEqual(needle) {
      return start..<start + needle.count
    }
    return nil
  }
}
