/// Why a chat template can't be read or rendered.
public enum ChatTemplateError: Error, Sendable, Equatable {
  /// Something else stands where `expected` should.
  case malformed(line: Int, found: String, expected: String)
  /// The template uses a statement, filter, test, function or method that isn't known.
  case unsupported(line: Int, construct: String)
  /// An operation can't be done with the values that it is given.
  case failed(line: Int, reason: String)
  /// The template itself refuses the conversation.
  case refused(String)
  /// Statements, brackets or operations lie too deep in one another.
  case tooDeep(line: Int)
  /// Rendering takes more work than any chat format needs.
  case tooMuchWork
}

extension ChatTemplateError: CustomStringConvertible {
  /// One sentence that says what is wrong.
  public var description: String {
    switch self {
    case .malformed(let line, let found, let expected):
      "The chat template has \(found) in line \(line), where \(expected) is expected."
    case .unsupported(let line, let construct):
      "The chat template uses \(construct) in line \(line), which is not supported."
    case .failed(let line, let reason):
      "The chat template fails in line \(line): \(reason)."
    case .refused(let reason): "The chat template refuses this conversation: \(reason)"
    case .tooDeep(let line):
      "The chat template is nested too deeply in line \(line)."
    case .tooMuchWork: "The chat template takes more work than any chat format needs."
    }
  }
}
