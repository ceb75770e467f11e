public import DataFormats

/// Why a tokenizer cannot be made of its files.
public enum TokenizerError: Error, Sendable, Equatable {
  /// A file cannot be read.
  case unreadableFile(path: String)
  /// A file isn't JSON.
  case invalidJSON(file: String, JSONError)
  /// A member is missing or of the wrong type; `place` is its path, such as `model.vocab`.
  case wrongMember(place: String, expected: String)
  /// A part (`model`, `normalizer`, …) is of a type that isn't known.
  case unknownType(part: String, type: String)
  /// A part asks for something that isn't supported.
  case unsupportedOption(part: String, option: String)
  /// A pattern uses a construct that isn't known.
  case unsupportedPattern(pattern: String, construct: String)
  /// An id is negative or larger than any vocabulary.
  case idOutOfRange(piece: String, id: Int)
  /// Two pieces have the same id.
  case duplicateID(Int, first: String, second: String)
  /// A merge isn't two pieces.
  case malformedMerge(index: Int)
  /// A merge names a piece that isn't in the vocabulary.
  case mergeOutsideVocabulary(index: Int, piece: String)
  /// A special token isn't in the vocabulary.
  case unknownSpecialToken(role: String, token: String)
  /// The vocabulary has no piece at all.
  case emptyVocabulary
}

extension TokenizerError: CustomStringConvertible {
  /// One sentence that says what is wrong.
  public var description: String {
    switch self {
    case .unreadableFile(let path): "The file \(path) cannot be read."
    case .invalidJSON(let file, let error):
      "\(file) is not JSON: byte \(error.offset) (\(error.reason))."
    case .wrongMember(let place, let expected):
      "The tokenizer's \(place) should be \(expected)."
    case .unknownType(let part, let type):
      "The tokenizer's \(part) has the type \(type), which is not supported."
    case .unsupportedOption(let part, let option):
      "The tokenizer's \(part) asks for \(option), which is not supported."
    case .unsupportedPattern(let pattern, let construct):
      "The tokenizer's pattern \(pattern) contains \(construct), which is not supported."
    case .idOutOfRange(let piece, let id):
      "The tokenizer gives the piece \(piece) the id \(id), which is out of range."
    case .duplicateID(let id, let first, let second):
      "The tokenizer gives the id \(id) to both \(first) and \(second)."
    case .malformedMerge(let index): "The tokenizer's merge \(index) is not a pair of pieces."
    case .mergeOutsideVocabulary(let index, let piece):
      "The tokenizer's merge \(index) names \(piece), which is not in its vocabulary."
    case .unknownSpecialToken(let role, let token):
      "The tokenizer's \(role) is \(token), which is not in its vocabulary."
    case .emptyVocabulary: "The tokenizer's vocabulary is empty."
    }
  }
}
