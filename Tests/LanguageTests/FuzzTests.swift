import Testing

@testable import Language

/// Damaged cells: whatever is in them, reading ends, is repeatable, and names places in the text.
@Suite struct FuzzTests {
  /// SplitMix64, so that every run reads the same cells.
  struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
  }

  static let corpus: [String] =
    LanguagePageTests.forms + ParserTests.cases.compactMap { $0.sections["SOURCE"] }

  static let pieces = [
    "(", ")", "[", "]", "{", "}", "\"", "'", "\"\"\"", "\\(", "\\", "\n", "\r\n", " ", ",", ":",
    ";",
    ".", "..<", "...", "=", "==", "->", "|>", "+", "-", "*", "/", "%", "^", "?", "!", "#", "if ",
    "else ", "for ", " in ", "def ", "param ", "not ", "and ", "true", "x", "12", "0.5", "1e", "词",
    "（", "，", "“", "”", "。", "…", "≤", "😀", "e\u{301}", "\u{200B}", "\u{0}", "$", "@", "%%", "elif",
    "lambda ", "return ", "\t", "\u{202E}", "x = ", "f(a: ", "{a: ",
  ]

  /// A cell with some bytes or pieces changed.
  static func mutated(_ random: inout Random) -> String {
    var bytes = Array((corpus.randomElement(using: &random) ?? "").utf8.prefix(400))
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where place < bytes.count:
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1 where place < bytes.count:
        let end = min(bytes.count, place + Int.random(in: 1...12, using: &random))
        bytes.removeSubrange(place..<end)
      case 2:
        let other = Array((corpus.randomElement(using: &random) ?? "").utf8)
        let start = Int.random(in: 0...other.count, using: &random)
        bytes.insert(contentsOf: other[start...].prefix(40), at: place)
      case 3:
        let piece = pieces.randomElement(using: &random) ?? ""
        let count = [1, 1, 2, 3, 150].randomElement(using: &random) ?? 1
        bytes.insert(contentsOf: Array(String(repeating: piece, count: count).utf8), at: place)
      default:
        bytes.insert(
          contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: place)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(arguments: 0..<10) func damagedCellsAreRead(_ seed: Int) {
    var random = Random(state: UInt64(seed))
    for round in 0..<10_000 {
      let source = Self.mutated(&random)
      let end = source.utf8.count
      let result = Parser.parse(source)
      let areInside = result.diagnostics.allSatisfy { diagnostic in
        ([diagnostic.range].compactMap(\.self) + diagnostic.notes.map(\.range)).allSatisfy {
          0 <= $0.lower && $0.lower <= $0.upper && $0.upper <= end
        }
      }
      if !areInside { Issue.record("a place outside the text: \(source.debugDescription)") }
      if !Self.isInside(result.program, end) {
        Issue.record("a node outside the text: \(source.debugDescription)")
      }
      if Self.holdsMissing(result.program), !result.hasErrors {
        Issue.record("something is missing without a diagnostic: \(source.debugDescription)")
      }
      if round % 10 == 0 {
        if Parser.parse(source) != result {
          Issue.record("not repeatable: \(source.debugDescription)")
        }
        Self.useOtherParts(source, &random, result)
      }
    }
  }

  private static func useOtherParts(
    _ source: String, _ random: inout Random, _ result: ParseResult
  ) {
    let end = source.utf8.count
    let context = CursorContext.at(Int.random(in: 0...end, using: &random), in: source)
    if context.replacement.lower > context.replacement.upper || context.replacement.upper > end {
      Issue.record("a replacement outside the text: \(source.debugDescription)")
    }
    let completeness = isComplete(source)
    if (completeness == .complete) == result.hasErrors {
      Issue.record("complete with errors: \(source.debugDescription)")
    }
    var position = 0
    for span in Highlighter.spans(source) {
      if span.range.lower < position {
        Issue.record("overlapping pieces: \(source.debugDescription)")
      }
      position = span.range.upper
    }
    let shown = DiagnosticRenderer.render(result.diagnostics, source: source)
    if shown.unicodeScalars.contains(where: { $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\0" }) {
      Issue.record("a character that steers is shown: \(source.debugDescription)")
    }
  }

  // MARK: Trees

  private static func isInside(_ program: Program, _ end: Int) -> Bool {
    var isInside = true
    visit(program) { range, _ in
      if range.lower < 0 || range.lower > range.upper || range.upper > end { isInside = false }
    }
    return isInside
  }

  private static func holdsMissing(_ program: Program) -> Bool {
    var isMissing = false
    visit(program) { _, kind in if kind == .missing { isMissing = true } }
    return isMissing
  }

  private static func visit(_ program: Program, _ body: (SourceRange, Expression.Kind?) -> Void) {
    for statement in program.statements { visit(statement, body) }
  }

  private static func visit(_ statement: Statement, _ body: (SourceRange, Expression.Kind?) -> Void)
  {
    body(statement.range, nil)
    switch statement.kind {
    case .expression(let value), .binding(_, let value), .parameter(_, let value, _):
      visit(value, body)
    case .function(_, let parameters, let value):
      for parameter in parameters { parameter.defaultValue.map { visit($0, body) } }
      visit(value, body)
    }
  }

  private static func visit(
    _ expression: Expression, _ body: (SourceRange, Expression.Kind?) -> Void
  ) {
    if case .missing = expression.kind {
      body(expression.range, .missing)
    } else {
      body(expression.range, nil)
    }
    switch expression.kind {
    case .number, .bool, .none, .name, .missing: break
    case .text(let parts):
      for part in parts { if case .hole(let value) = part { visit(value, body) } }
    case .list(let values): for value in values { visit(value, body) }
    case .record(let members): for member in members { visit(member.value, body) }
    case .range(let lower, let upper, _):
      visit(lower, body)
      visit(upper, body)
    case .unary(_, let value), .member(let value, _), .lambda(_, let value), .help(let value):
      visit(value, body)
    case .binary(_, let left, let right), .index(let left, let right), .pipe(let left, let right),
      .loop(_, let left, let right):
      visit(left, body)
      visit(right, body)
    case .call(let callee, let arguments):
      visit(callee, body)
      for argument in arguments { visit(argument.value, body) }
    case .conditional(let condition, let then, let otherwise):
      visit(condition, body)
      visit(then, body)
      otherwise.map { visit($0, body) }
    case .comprehension(let element, _, let sequence, let condition):
      visit(element, body)
      visit(sequence, body)
      condition.map { visit($0, body) }
    case .block(let statements): for statement in statements { visit(statement, body) }
    }
  }
}
