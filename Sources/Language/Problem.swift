/// What the lexer or the parser found wrong, as facts; `DiagnosticMessages.swift` has the words.
enum Problem: Hashable, Sendable {
  // Characters and literals
  case sourceTooLarge(limit: Int)
  case unexpectedCharacter(String)
  case fullWidth(written: String, meant: String)
  case unclosedText(quote: String)
  case unclosedMultilineText(quote: String)
  case unclosedHole
  case unknownEscape(String)
  case invalidUnicodeEscape(String)
  case textPrefix(String)
  case invalidNumber(String)
  case numberWithoutLeadingDigit(String)
  case numberTooLarge(String)
  case magicLine(String)
  case slashComment
  case foreignOperator(written: String, meant: String)

  // Brackets
  case unclosedBracket(String)
  case mismatchedBracket(opened: String, closed: String)
  case strayCloser(String)
  case missingComma(closer: String)
  case tooDeep

  // Expressions
  case operatorAtLineStart(String)
  case expectedExpression(after: String?, found: String?)
  case unexpectedToken(String)
  case missingParentheses(callee: String)
  case emptyHole
  case severalInHole
  case expectedName(what: String, found: String?)
  case expectedFieldValue(field: String)
  case invalidFieldName
  case chainedComparison(suggestion: String)
  case repeatedRange
  case tuple
  case pythonConditional
  case pythonLambda
  case pythonSlice(suggestion: String)
  case severalIndices
  case emptyIndex
  case positionalAfterLabel
  case duplicateLabel(String)
  case secondComprehensionLoop
  case expectedIn

  // Statements
  case expectedBlock(after: String)
  case pythonBlock(after: String)
  case elseWithoutIf
  case elif
  case expectedFunctionBody(name: String)
  case expectedParameterList(name: String)
  case parameterWithoutValue(name: String)
  case duplicateParameter(String)
  case bindingToExpression
  case severalBindings
  case assignmentInExpression
  case compoundAssignment(name: String?, operation: String)
  case unsupportedStatement(String)
  case recordInBlock
  case summaryWithHole
}
