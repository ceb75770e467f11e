public import DataFormats

/// A model's chat format: a small, safe part of the Jinja language that chat templates are written in.
///
/// Statements: `if`, `for` with `else`, `break` and `continue`, `set` and the mark `generation`;
/// expressions with namespaces, slices, filters, tests and the methods of texts. White space is
/// treated as `trim_blocks` and `lstrip_blocks` say, as the templates of models expect. A template
/// reaches nothing but the values that it is given, and its work is bounded.
public struct ChatTemplate: Sendable {
  /// The template as it was written.
  public let source: String
  private let body: [TemplateNode]
  private let names: Set<String>

  /// Reads a template.
  ///
  /// - Throws: `ChatTemplateError` that names the line and what is wrong or not supported there.
  public init(_ source: String) throws(ChatTemplateError) {
    self.source = source
    var lexer = TemplateLexer(source)
    var parser = TemplateParser(try lexer.tokens())
    body = try parser.template()
    names = parser.names
  }

  /// Whether the template asks for a variable of this name.
  public func mentions(_ name: String) -> Bool { names.contains(name) }

  /// The text that the template makes of values such as `messages`.
  ///
  /// - Parameter variables: the values by their names.
  /// - Throws: `ChatTemplateError`.
  public func render(_ variables: JSONObject) throws(ChatTemplateError) -> String {
    var values: [String: TemplateValue] = [:]
    for member in variables.members { values[member.key] = TemplateValue(member.value) }
    var evaluator = TemplateEvaluator(values)
    _ = try evaluator.run(body)
    return evaluator.output
  }
}
