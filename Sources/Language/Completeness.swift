/// Whether a text can be run as a cell, as a console asks after each line.
public enum Completeness: Hashable, Sendable {
  /// It can be run.
  case complete
  /// More text is needed; the next line should begin with `indent`.
  case incomplete(indent: String)
  /// It holds a mistake that no further text could make good.
  case invalid

  /// Judges a text.
  public init(of source: String) {
    let lexed = Lexer.tokenize(source)
    let result = Parser.parse(source, lexed)
    let errors = result.diagnostics.count { $0.severity == .error }
    if errors == 0 {
      self = .complete
    } else if errors == result.openEnds {
      self = .incomplete(indent: Self.indent(source, lexed, result.program))
    } else {
      self = .invalid
    }
  }

  /// One step further in than the line that opens the innermost bracket or begins the statement.
  private static func indent(_ source: String, _ lexed: Lexer.Result, _ program: Program) -> String
  {
    // Spaces would become part of an open text.
    if lexed.endsInsideText { return "" }
    let text = SourceText(source)
    let matches = Parser.matches(in: lexed.tokens)
    let opening = lexed.tokens.indices.last {
      matches[$0] < 0 && Parser.closer(of: lexed.tokens[$0].kind) != nil
    }
    let start =
      opening.map { lexed.tokens[$0].range.lower } ?? program.statements.last?.range.lower
      ?? source.utf8.count
    return text.indentation(at: start) + "  "
  }
}

/// Whether a text can be run as a cell, needs more lines, or holds a mistake.
public func isComplete(_ source: String) -> Completeness {
  Completeness(of: source)
}
