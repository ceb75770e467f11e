import Language

/// What may be written at the cursor.
public struct Completions: Sendable, Hashable {
  /// One possibility.
  public struct Match: Sendable, Hashable {
    /// What is written in place of `Completions.range`.
    public var text: String
    /// What it is: `function`, `variable`, `field`, `label`, `value`, `path`, `keyword`.
    public var kind: String
    /// The signature, the type or a few words; may be empty.
    public var detail: String
  }
  /// The possibilities, the best first.
  public var matches: [Match]
  /// What they replace, as code point offsets.
  public var codePoints: Range<Int>
}

extension Session {
  /// What may be written at a cursor, counted in code points as Jupyter does.
  ///
  /// Looks at the names and the catalogue only: nothing is computed, so it can be asked while a
  /// cell runs.
  public func complete(_ source: String, codePoint: Int) -> Completions {
    let text = SourceText(source)
    let context = CursorContext.at(codePoint: codePoint, in: source)
    var finder = CompletionFinder(session: self, context: context)
    let matches = finder.find()
    let lower = text.codePointOffset(ofByte: context.replacement.lower)
    let upper = text.codePointOffset(ofByte: context.replacement.upper)
    return Completions(
      matches: matches, codePoints: min(lower, upper)..<max(lower, upper))
  }
}

/// Collects what may stand at the cursor.
private struct CompletionFinder {
  let session: Session
  let context: CursorContext
  private var candidates: [Completions.Match] = []
  private static let limit = 500

  init(session: Session, context: CursorContext) {
    self.session = session
    self.context = context
  }

  mutating func find() -> [Completions.Match] {
    switch context.place {
    case .name:
      addArguments()
      addNames()
    case .member(_, let base): addMembers(of: StaticValue.value(of: base, in: session), base: base)
    case .text:
      guard let parameter else { return [] }
      if parameter.type.isPath { return paths() }
      addWords(of: parameter.type, quoted: false)
    case .newName, .comment, .nothing: return []
    }
    return ranked(context.prefix)
  }

  /// The definition of the function whose call holds the cursor.
  private var definition: FunctionDefinition? {
    guard let name = context.call?.function else { return nil }
    switch session.root.lookUp(name) {
    case nil: return session.catalogue[name]
    case .function(.builtin(let definition)): return definition
    default: return nil
    }
  }

  /// The parameter whose argument the cursor stands in.
  private var parameter: ParameterDefinition? {
    guard let call = context.call, let definition else { return nil }
    switch call.argument {
    case .label(let label): return definition.parameters.first { $0.name == label }
    case .position(let position):
      let place = position + (hasReceiver(call) ? 1 : 0)
      let parameters = definition.parameters
      if parameters.indices.contains(place) { return parameters[place] }
      return parameters.first.flatMap { $0.isVariadic ? $0 : nil }
    }
  }

  private func hasReceiver(_ call: CursorContext.Call) -> Bool { call.receiver != nil }

  private mutating func addArguments() {
    guard let call = context.call else { return }
    if let parameter { addWords(of: parameter.type, quoted: true) }
    guard call.acceptsLabel else { return }
    if let definition {
      let passed = call.positionalCount + (hasReceiver(call) ? 1 : 0)
      for (index, parameter) in definition.parameters.enumerated()
      where !call.labels.contains(parameter.name) && index >= passed && !parameter.isVariadic {
        add(parameter.name + ": ", "label", parameter.type.description)
      }
    } else if case .function(.user(let function)) = session.root.lookUp(call.function) {
      for parameter in function.parameters where !call.labels.contains(parameter.name.name) {
        add(parameter.name.name + ": ", "label", "")
      }
    }
  }

  private mutating func addWords(of type: ParameterType, quoted: Bool) {
    for word in type.words {
      let isText = word.hasPrefix("\"")
      if quoted {
        add(word, "value", "")
      } else if isText {
        add(String(word.dropFirst().dropLast()), "value", "")
      }
    }
  }

  private mutating func addNames() {
    for name in session.boundNames {
      guard let value = session.root.lookUp(name) else { continue }
      if case .function(let function) = value {
        add(name, "function", Value.function(function).description)
      } else {
        add(name, "variable", value.typeName)
      }
    }
    for function in session.catalogue.functions {
      add(function.name, "function", function.signature)
    }
    for selector in Selector.allCases where session.catalogue[selector.rawValue] == nil {
      add(selector.rawValue, "keyword", "")
    }
    for word in [
      "def", "for", "if", "else", "param", "true", "false", "none", "not", "and", "or", "in",
    ] {
      add(word, "keyword", "")
    }
  }

  private mutating func addMembers(of value: Value?, base: String) {
    if let value {
      for name in Members.names(of: value) where StaticValue.isWord(name) {
        add(name, "field", StaticValue.fieldDetail(name, of: value))
      }
    }
    for function in session.catalogue.functions {
      guard let first = function.parameters.first else { continue }
      if let value, !first.isVariadic, first.type.problem(with: value) != nil { continue }
      add(function.name, "function", function.signature)
    }
    for name in session.boundNames {
      if case .function(let function) = session.root.lookUp(name) {
        add(name, "function", Value.function(function).description)
      }
    }
  }

  private mutating func add(_ text: String, _ kind: String, _ detail: String) {
    candidates.append(Completions.Match(text: text, kind: kind, detail: detail))
  }

  /// Those that begin with the prefix as it is written, then in any case, then those that hold it.
  private func ranked(_ prefix: String) -> [Completions.Match] {
    let folded = prefix.lowercased()
    var ranks: [[Completions.Match]] = [[], [], []]
    var seen: Set<String> = []
    for match in candidates where seen.insert(match.text).inserted {
      if match.text.utf8.starts(with: prefix.utf8) {
        ranks[0].append(match)
      } else if match.text.lowercased().hasPrefix(folded) {
        ranks[1].append(match)
      } else if TextSearch.contains(match.text.lowercased(), folded) {
        ranks[2].append(match)
      }
    }
    return Array(ranks.joined().prefix(Self.limit))
  }

  /// The files of the folder that is being written.
  private func paths() -> [Completions.Match] {
    let (folder, name) = FileSystem.split(context.prefix)
    let written = context.prefix.dropLast(name.count)
    let folded = name.lowercased()
    return FileSystem.names(in: folder, limit: 5_000)
      .filter { $0.lowercased().hasPrefix(folded) && ($0.first != "." || name.first == ".") }
      .prefix(Self.limit)
      .map {
        Completions.Match(
          text: written + $0, kind: "path", detail: $0.hasSuffix("/") ? "folder" : "file")
      }
  }
}

/// Values of simple expressions, found without computing: names, fields of records, elements.
enum StaticValue {
  /// The value of `name`, `name.field`, `name[0].field` where it is at hand, else `nil`.
  static func value(of source: String, in session: Session) -> Value? {
    guard source.utf8.count <= 1_000 else { return nil }
    let parsed = Parser.parse(source)
    guard !parsed.hasErrors, parsed.program.statements.count == 1,
      case .expression(let expression) = parsed.program.statements[0].kind
    else { return nil }
    return value(of: expression, in: session)
  }

  private static func value(of expression: Expression, in session: Session) -> Value? {
    switch expression.kind {
    case .name(let name):
      return session.root.lookUp(name) ?? session.catalogue[name].map { .function(.builtin($0)) }
    case .text(let parts): return parts.count <= 1 ? .text("") : nil
    case .list: return .list([])
    case .number(let number): return .number(number)
    case .member(let object, let name):
      switch value(of: object, in: session) {
      case .record(let record): return record[name.name]
      case .table(let table): return table[name.name].map { .list($0) }
      default: return nil
      }
    case .index(let object, let index):
      guard case .number(let number) = index.kind, let place = Int(exactly: number) else {
        return nil
      }
      switch value(of: object, in: session) {
      case .list(let list): return list.indices.contains(place) ? list[place] : nil
      case .table(let table):
        return (0..<table.rowCount).contains(place) ? .record(table.row(place)) : nil
      default: return nil
      }
    default: return nil
    }
  }

  /// Whether a field's name can be written after a dot.
  static func isWord(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
    return name.unicodeScalars.allSatisfy {
      $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0)
    }
  }

  static func fieldDetail(_ name: String, of value: Value) -> String {
    switch value {
    case .record(let record): record[name]?.typeName ?? ""
    case .table: "column"
    case .object(let object): object.fieldSummary(name) ?? ""
    default: ""
    }
  }
}
