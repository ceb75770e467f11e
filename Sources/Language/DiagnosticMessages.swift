/// The words for every problem that the lexer and the parser find.
extension Problem {
  /// The problem as it is shown.
  func diagnostic(at range: SourceRange, notes: [Diagnostic.Note] = []) -> Diagnostic {
    let (code, message, hint) = words
    return Diagnostic(code: code, message: message, hint: hint, range: range, notes: notes)
  }

  /// The words for a further place of the same problem.
  var note: String {
    switch self {
    case .fullWidth(let written, let meant):
      "`\(Self.shown(written))` here means `\(meant)`."
    default: words.message
    }
  }

  private var words: (code: String, message: String, hint: String?) {
    switch self {
    case .sourceTooLarge, .unexpectedCharacter, .fullWidth, .unclosedText, .unclosedMultilineText,
      .unclosedHole, .unknownEscape, .invalidUnicodeEscape, .textPrefix, .invalidNumber,
      .numberWithoutLeadingDigit, .numberTooLarge, .magicLine, .slashComment, .foreignOperator:
      wordsForCharacters
    case .unclosedBracket, .mismatchedBracket, .strayCloser, .missingComma, .tooDeep:
      wordsForBrackets
    case .expectedBlock, .pythonBlock, .elseWithoutIf, .elif, .expectedFunctionBody,
      .expectedParameterList, .parameterWithoutValue, .duplicateParameter, .bindingToExpression,
      .severalBindings, .assignmentInExpression, .compoundAssignment, .unsupportedStatement,
      .recordInBlock, .summaryWithHole:
      wordsForStatements
    default:
      wordsForExpressions
    }
  }

  private var wordsForCharacters: (code: String, message: String, hint: String?) {
    switch self {
    case .sourceTooLarge(let limit):
      (
        "cell-too-large", "This cell is longer than \(limit >> 20) MB.",
        "Keep the data in a file and read it with `table(\"…\")`."
      )
    case .unexpectedCharacter(let written):
      (
        "unexpected-character", "`\(Self.shown(written))` means nothing here.",
        "Take it out, or put it between quotes if it is part of a text."
      )
    case .fullWidth(let written, let meant):
      (
        "full-width-character",
        "`\(Self.shown(written))` is not the character `\(meant)` that the language uses.",
        "Type `\(meant)` instead, with the input method switched to English punctuation."
      )
    case .unclosedText(let quote):
      (
        "unclosed-text", "This text has no closing quote.",
        "Add `\(quote)` where the text ends. A text of many lines stands between two `\"\"\"`."
      )
    case .unclosedMultilineText(let quote):
      (
        "unclosed-text", "This text of many lines has no closing quotes.",
        "Add `\(quote)` where the text ends."
      )
    case .unclosedHole:
      (
        "unclosed-hole", "This hole in a text has no closing `)`.",
        "Add `)` after the expression. For the characters themselves write `\\\\(`."
      )
    case .unknownEscape(let written):
      (
        "unknown-escape", "`\(Self.shown(written))` is not an escape.",
        "A backslash itself is written `\\\\`."
      )
    case .invalidUnicodeEscape(let written):
      (
        "invalid-escape", "`\(Self.shown(written))` does not name a character.",
        "Write the character's number in hexadecimal, as in `\\u{4E2D}`."
      )
    case .textPrefix(let prefix):
      (
        "text-prefix", "A text takes no prefix such as `\(prefix)`.",
        "Take the prefix out. Values are put into any text with `\\(expression)`."
      )
    case .invalidNumber(let written):
      (
        "invalid-number", "`\(Self.shown(written))` is not a number.",
        "Numbers are written as in `12`, `0.5`, `1e-4` or `1_000`; names begin with a letter."
      )
    case .numberWithoutLeadingDigit(let written):
      (
        "invalid-number", "A number needs a digit before its point.",
        "Write `0\(written)`."
      )
    case .numberTooLarge(let written):
      (
        "number-too-large",
        "`\(Self.shown(written))` is larger than any number the language holds.",
        "The largest number is about `1.8e308`."
      )
    case .magicLine(let word):
      (
        "magic-line",
        "`\(Self.shown(word))` is a command for IPython, which does not read this cell.",
        "Take the line out, or move it to a notebook with a Python kernel."
      )
    case .slashComment:
      ("slash-comment", "A comment begins with `#`, not with `//`.", "Write `#` instead of `//`.")
    case .foreignOperator(let written, let meant):
      (
        "foreign-operator", "`\(written)` is not an operator of this language.",
        written == "//"
          ? "Division is `/`; `floor(a / b)` gives the whole part." : "Write `\(meant)` instead."
      )
    default: ("syntax-error", "This can't be read.", nil)
    }
  }

  private var wordsForBrackets: (code: String, message: String, hint: String?) {
    switch self {
    case .unclosedBracket(let opener):
      (
        "unclosed-bracket", "This `\(opener)` is never closed.",
        "Add `\(Self.closer(of: opener))` where it ends."
      )
    case .mismatchedBracket(let opened, let closed):
      (
        "mismatched-bracket", "`\(closed)` does not close `\(opened)`.",
        "Write `\(Self.closer(of: opened))` instead."
      )
    case .strayCloser(let closer):
      (
        "stray-bracket", "This `\(closer)` closes nothing.",
        "Take it out, or add the bracket that opens it."
      )
    case .missingComma(let closer):
      (
        "missing-comma", "A `,` or `\(closer)` is missing here.",
        "Put `,` between the values, or `\(closer)` after the last one."
      )
    case .tooDeep:
      (
        "too-deep", "This is nested too deep, or a chain of operators or calls is too long.",
        "Give the inner parts names and use the names here."
      )
    default: ("syntax-error", "This can't be read.", nil)
    }
  }

  private var wordsForExpressions: (code: String, message: String, hint: String?) {
    switch self {
    case .operatorAtLineStart(let operation):
      (
        "expected-value", "A line can't begin with `\(Self.shown(operation))`.",
        "Put it at the end of the line before, or put the whole expression in parentheses."
      )
    case .expectedExpression(let after, let found):
      (
        "expected-value",
        after.map { "A value is missing after `\($0)`." }
          ?? found.map { "A value is missing before `\(Self.shown($0))`." }
          ?? "A value is missing here.",
        found == nil || after == nil
          ? "Write a name, a literal or a call here."
          : "Write a name, a literal or a call before `\(Self.shown(found ?? ""))`."
      )
    case .unexpectedToken(let found):
      (
        "unexpected-token", "`\(Self.shown(found))` does not continue what stands before it.",
        "Put an operator or a `,` between the two, or begin a new line."
      )
    case .missingParentheses(let callee):
      (
        "missing-parentheses", "The call of `\(Self.shown(callee))` has no parentheses.",
        "A call is written `\(Self.shown(callee))(…)`."
      )
    case .emptyHole:
      (
        "expected-value", "This hole in a text is empty.",
        "Write an expression between `\\(` and `)`."
      )
    case .severalInHole:
      (
        "unexpected-token", "A hole in a text holds one expression.",
        "Close it with `)` after the first expression."
      )
    case .expectedName(let what, let found):
      (
        "expected-name",
        "The name of \(what) is missing" + (found.map { " before `\(Self.shown($0))`." } ?? "."),
        "Names begin with a letter or `_`, as in `layer_3` or `词`."
      )
    case .expectedFieldValue(let field):
      (
        "expected-field-value", "The field `\(Self.shown(field))` has no value.",
        "Fields are written `{\(Self.shown(field)): value}`."
      )
    case .invalidFieldName:
      (
        "invalid-field-name", "A field's name must be a name or a text without holes.",
        "Records are written `{name: value}` or `{\"any text\": value}`."
      )
    case .chainedComparison(let suggestion):
      (
        "chained-comparison", "Comparisons can't be chained.",
        "Write `\(Self.shown(suggestion))`."
      )
    case .repeatedRange:
      (
        "repeated-range", "A range has one lower and one upper end.",
        "Write `0..<6` without the last number, or `0...5` with it."
      )
    case .tuple:
      ("tuple", "Several values in parentheses are not a value.", "Write a list: `[a, b]`.")
    case .pythonConditional:
      (
        "python-conditional", "`if` can't follow its value.",
        "Write `if condition { value } else { other }`."
      )
    case .pythonLambda:
      (
        "python-lambda", "A function without a name is not written `lambda x: …`.",
        "Write `x -> …`."
      )
    case .pythonSlice(let suggestion):
      ("python-slice", "A range is not written with `:`.", suggestion)
    case .severalIndices:
      ("several-indices", "An index takes one value.", "Write `x[i][j]` instead of `x[i, j]`.")
    case .emptyIndex:
      (
        "expected-value", "The index is missing between `[` and `]`.",
        "Write a number, a range such as `0..<3`, or a text."
      )
    case .positionalAfterLabel:
      (
        "argument-order", "A value without a label stands after one with a label.",
        "Put it before the labelled ones, or give it a label: `label: value`."
      )
    case .duplicateLabel(let label):
      (
        "duplicate-label", "The label `\(Self.shown(label))` is given twice.",
        "Keep one of the two."
      )
    case .secondComprehensionLoop:
      (
        "second-loop", "A list is built from one `for`.",
        "Build the inner list as a value of the outer one: `[[… for y in ys] for x in xs]`."
      )
    case .expectedIn:
      ("expected-in", "`in` is missing after the names of `for`.", "Write `for x in values`.")
    default: ("syntax-error", "This can't be read.", nil)
    }
  }

  private var wordsForStatements: (code: String, message: String, hint: String?) {
    switch self {
    case .expectedBlock(let after):
      (
        "expected-block", "The block of `\(after)` is missing.",
        "Write it in braces: `{ … }`."
      )
    case .pythonBlock(let after):
      (
        "python-block", "The block of `\(after)` does not begin with `:`.",
        "Write it in braces: `{ … }`."
      )
    case .elseWithoutIf:
      (
        "else-without-if", "This `else` follows no `if`.",
        "Write `if condition { … } else { … }`."
      )
    case .elif:
      ("elif", "`elif` is not a word of this language.", "Write `else if`.")
    case .expectedFunctionBody(let name):
      (
        "expected-function-body", "The function `\(Self.shown(name))` has no body.",
        "Write `def \(Self.shown(name))(…) = expression` or `def \(Self.shown(name))(…) { … }`."
      )
    case .expectedParameterList(let name):
      (
        "expected-parameters", "The parameters of the function `\(Self.shown(name))` are missing.",
        "Write `def \(Self.shown(name))() = …` where it takes none."
      )
    case .parameterWithoutValue(let name):
      (
        "parameter-without-value", "The parameter `\(Self.shown(name))` has no value.",
        "Write `param \(Self.shown(name)) = value \"what it is\"`."
      )
    case .duplicateParameter(let name):
      (
        "duplicate-parameter", "The parameter `\(Self.shown(name))` is named twice.",
        "Give each parameter a name of its own."
      )
    case .bindingToExpression:
      (
        "binding-to-expression", "Only a name can stand before `=`.",
        "Write `name = value`. Two values are compared with `==`."
      )
    case .severalBindings:
      (
        "several-bindings", "`=` binds one name at a time.",
        "Write a line `name = value` for each name."
      )
    case .assignmentInExpression:
      ("assignment-in-expression", "`=` binds a name; it does not compare.", "Compare with `==`.")
    case .compoundAssignment(let name, let operation):
      (
        "compound-assignment", "`\(operation)=` is not an operator of this language.",
        name.map { "Write `\(Self.shown($0)) = \(Self.shown($0)) \(operation) …`." }
          ?? "Write `x = x \(operation) …`."
      )
    case .unsupportedStatement(let word):
      (
        "unsupported-statement", "The language has no `\(word)`.",
        Self.substitutes[word] ?? "See `help()` for what it has."
      )
    case .recordInBlock:
      (
        "record-in-block", "Fields can't stand in a block.",
        "Put the record in braces of its own: `{ {name: value} }`."
      )
    case .summaryWithHole:
      (
        "summary-with-hole", "A parameter's description must be a text without holes.",
        "Write the text out."
      )
    default: ("syntax-error", "This can't be read.", nil)
    }
  }

  /// The words for the opening bracket that another one was meant to close.
  static let openBracketNote = "This is the bracket that is open."

  /// What to write in place of statements of other languages.
  static let substitutes: [String: String] = [
    "import": "Every function is there without it; see `help()`.",
    "from": "Every function is there without it; see `help()`.",
    "return": "A block gives the value of its last line.",
    "while": "Write `for x in 0..<n { … }`.",
    "class": "Write a record: `{name: value}`.",
    "with": "Call the functions one after the other.",
    "try": "An error stops the cell and leaves the names bound before it.",
    "raise": "An error stops the cell and leaves the names bound before it.",
    "assert": "Write `if condition { … } else { … }`.",
    "del": "Bind the name again to let its value go: `name = none`.",
    "let": "Write `name = value`.",
    "var": "Write `name = value`.",
    "const": "Write `name = value`.",
    "func": "Write `def f(x) = …`.",
    "fn": "Write `def f(x) = …`.",
    "function": "Write `def f(x) = …`.",
  ]

  private static func closer(of opener: String) -> String {
    switch opener {
    case "(", "\\(": ")"
    case "[": "]"
    default: "}"
    }
  }

  /// A piece of a cell cut to a length that fits into a sentence, on one line.
  static func shown(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      if count == 60 { return result + "…" }
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .privateUse,
        .unassigned:
        result += "U+" + String(scalar.value, radix: 16, uppercase: true)
      default: result.unicodeScalars.append(scalar)
      }
      count += 1
    }
    return result
  }
}
