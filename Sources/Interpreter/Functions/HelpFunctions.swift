import Figures
import Language

extension Catalogue {
  static let helpFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "help", group: "Help",
      summary: "Explains a function or a value; without one, lists all functions.",
      details: "`name?` opens the same page in the pager.",
      parameters: [
        ParameterDefinition(
          "subject", .any, default: Value.none, "A function, its name as a text, or any value.")
      ],
      result: "a Figure with the page", examples: [Example("help(sort)"), Example("help()")]
    ) { arguments, context in
      guard arguments.wasGiven("subject") else {
        return .figure(HelpPages.overview(context.catalogue))
      }
      return .figure(try HelpPages.page(arguments.value("subject"), in: context.catalogue))
    }
  ]
}

extension ExecutionContext {
  /// `subject?`: the page of a function or a value, in the pager.
  func help(_ subject: Expression, in scope: Scope) throws -> Value {
    let value = try evaluate(subject, in: scope)
    let name: String? = if case .name(let name) = subject.kind { name } else { nil }
    output.page(HelpPages.page(value, name: name, in: catalogue).mimeBundle())
    return .none
  }
}

/// Help pages, made of the catalogue.
enum HelpPages {
  /// The page of what `help` was given: a text names a function, where there is one.
  static func page(_ subject: Value, in catalogue: Catalogue) throws -> DocumentFigure {
    guard case .text(let name) = subject else { return page(subject, name: nil, in: catalogue) }
    if let definition = catalogue[name] { return page(definition) }
    throw ArgumentError(
      "subject", "There is no function \(FileSystem.quoted(name)).",
      hint: Suggestions.nearest(name, in: catalogue.names).map { "Did you mean `\($0)`?" },
      code: "unknown-name")
  }

  /// The page of a function or a value.
  static func page(_ value: Value, name: String?, in catalogue: Catalogue) -> DocumentFigure {
    switch value {
    case .function(.builtin(let definition)): return page(definition)
    case .selector(let selector):
      if let definition = catalogue[selector.rawValue] { return page(definition) }
    case .function(.user(let function)):
      return DocumentFigure(blocks: [
        .heading(function.name ?? "function", level: 2), .code(function.signature),
        .paragraph("A function that a cell defined."),
      ])
    default: break
    }
    var blocks: [DocumentFigure.Block] = [
      .heading(name.map { "\($0): \(value.typeName)" } ?? value.typeName, level: 2),
      .paragraph(code(value.description)),
    ]
    let fields = Members.names(of: value)
    if !fields.isEmpty {
      blocks.append(.heading("Fields", level: 3))
      blocks.append(
        .table(
          columns: ["field", "what it holds"],
          rows: fields.prefix(100).map { field in
            [code("." + field), fieldSummary(field, of: value)]
          }))
    }
    return DocumentFigure(blocks: blocks)
  }

  private static func fieldSummary(_ name: String, of value: Value) -> String {
    switch value {
    case .record(let record): code(record[name]?.describe(limit: 60, itemLimit: 6) ?? "")
    case .table(let table):
      code(table[name].map { Value.list($0).describe(limit: 60, itemLimit: 6) } ?? "")
    case .object(let object): object.fieldSummary(name) ?? ""
    default: ""
    }
  }

  /// The page of a function of the catalogue.
  static func page(_ function: FunctionDefinition) -> DocumentFigure {
    DocumentFigure(blocks: [.heading(function.name, level: 2)] + blocks(function))
  }

  private static func blocks(_ function: FunctionDefinition) -> [DocumentFigure.Block] {
    var blocks: [DocumentFigure.Block] = [
      .code(function.signature), .paragraph(function.summary),
    ]
    if let details = function.details { blocks.append(.paragraph(details)) }
    if !function.parameters.isEmpty {
      blocks.append(
        .table(
          columns: ["parameter", "takes", "default", "meaning"],
          rows: function.parameters.map { parameter in
            let unit = parameter.unit.map { ", in \($0)" } ?? ""
            let many = parameter.isVariadic ? ", any number of them" : ""
            return [
              code(parameter.name), parameter.type.description + unit + many,
              parameter.defaultText.map(code) ?? "", parameter.summary,
            ]
          }))
    }
    blocks.append(.paragraph("Gives \(function.result)."))
    for example in function.examples {
      blocks.append(.code(example.source + (example.result.map { "\n# \($0)" } ?? "")))
    }
    if let source = function.source { blocks.append(.paragraph("Source: \(source)")) }
    return blocks
  }

  /// All functions by topic.
  static func overview(_ catalogue: Catalogue) -> DocumentFigure {
    var blocks: [DocumentFigure.Block] = [
      .heading("Functions", level: 2),
      .paragraph("`help(name)` explains one of them, `name?` opens the same in the pager."),
    ]
    for group in catalogue.groups {
      blocks.append(.heading(group, level: 3))
      blocks.append(
        .table(
          columns: ["function", "what it does"],
          rows: catalogue.functions.filter { $0.group == group }.map {
            [code($0.name), $0.summary]
          }))
    }
    return DocumentFigure(blocks: blocks)
  }

  static func reference(_ catalogue: Catalogue) -> DocumentFigure {
    var blocks: [DocumentFigure.Block] = [.heading("Functions of the analysis language", level: 1)]
    for group in catalogue.groups {
      blocks.append(.heading(group, level: 2))
      for function in catalogue.functions where function.group == group {
        blocks.append(.heading(function.name, level: 3))
        blocks += Self.blocks(function)
      }
    }
    return DocumentFigure(blocks: blocks)
  }

  /// The text as code within a paragraph; a backtick in it would end the code too soon.
  private static func code(_ text: String) -> String {
    text.isEmpty ? "" : "`\(String(text.map { $0 == "`" ? "'" : $0 }))`"
  }
}

extension Catalogue {
  /// The reference page of all functions, in Markdown.
  public func referenceMarkdown() -> String { HelpPages.reference(self).markdown }
}
