public import DataFormats
public import Figures
public import Interpreter
import Models
public import Tokenizers

/// The tokens of a text as a value of the language.
public final class TokensValue: ObjectValue {
  /// The tokens in order.
  public let tokens: [Token]
  private let text: String?
  private let model: ModelValue

  /// Makes the value of tokens of a text, or of ids alone.
  init(_ tokens: [Token], text: String?, model: ModelValue) {
    self.tokens = tokens
    self.text = text
    self.model = model
  }

  /// `Tokens`.
  public var typeName: String { "Tokens" }

  /// How many there are, and their texts.
  public var summary: String {
    let texts = tokens.prefix(24).map { TokenLabels.label($0).fullText }
    let rest = tokens.count > 24 ? " … \(tokens.count - 24) more" : ""
    let count = tokens.count == 1 ? "1 token" : "\(tokens.count) tokens"
    return "\(count): \(texts.joined(separator: " | "))\(rest)"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("ids", "the numbers in the vocabulary"),
    ("texts", "the user's own characters that each token covers"),
    ("pieces", "the tokens as the vocabulary writes them"),
    ("starts", "where each begins in the text's UTF-8 bytes; none for added tokens"),
    ("ends", "the byte after each; none for added tokens"),
    ("parts", "which part of its characters a token is, such as 1/4, where several share them"),
    ("special", "whether a token is a special one of the vocabulary, such as [CLS] or [UNK]"),
  ]

  /// The names of the fields.
  public var fieldNames: [String] { Self.fields.map(\.name) }

  /// What a field holds.
  public func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  /// A field: a list with one element for each token.
  public func field(_ name: String) throws -> Value? {
    switch name {
    case "ids": .list(tokens.map { .integer($0.id) })
    case "texts": .texts(tokens.map(\.text))
    case "pieces": .texts(tokens.map(\.piece))
    case "starts": .list(tokens.map { $0.byteRange.map { .integer($0.lowerBound) } ?? .none })
    case "ends": .list(tokens.map { $0.byteRange.map { .integer($0.upperBound) } ?? .none })
    case "parts": .list(tokens.map(Self.part))
    case "special": .list(tokens.map { .bool($0.isSpecial) })
    default: nil
    }
  }

  /// How many tokens there are.
  public var count: Int? { tokens.count }

  /// One token as a record, or several as tokens.
  public func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index) else { return nil }
    let indices = try selection.indices(count: tokens.count, parameter: "position")
    if selection.choosesOne { return .record(table.row(indices[0])) }
    return .object(TokensValue(indices.map { tokens[$0] }, text: text, model: model))
  }

  /// The tokens as chips.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    TokenStrip(
      title: "Tokens · \(model.model.name)",
      items: tokens.map { token in
        TokenStrip.Item(
          text: TokenLabels.text(token), id: token.id,
          piece: token.piece, byteRange: token.byteRange, part: token.part.map(\.index),
          partCount: token.part.map(\.of), isSpecial: token.isSpecial)
      }, provenance: try model.provenance(in: context))
  }

  private static func part(_ token: Token) -> Value {
    token.part.map { .text("\($0.index)/\($0.of)") } ?? .none
  }

  /// One row for each token.
  var table: Table {
    Table(
      columns: [
        ("position", tokens.indices.map { Value.integer($0) }),
        ("id", tokens.map { .integer($0.id) }),
        ("text", tokens.map { .text($0.text) }),
        ("piece", tokens.map { .text($0.piece) }),
        ("start", tokens.map { $0.byteRange.map { .integer($0.lowerBound) } ?? .none }),
        ("end", tokens.map { $0.byteRange.map { .integer($0.upperBound) } ?? .none }),
        ("part", tokens.map(Self.part)),
        ("special", tokens.map { .bool($0.isSpecial) }),
      ].map { Table.Column(name: $0.0, values: ValueList($0.1)) })
  }

  /// One object for each token.
  public var json: JSON { Value.table(table).json }

  /// One row for each token.
  public func asTable() throws -> Table? { table }
}

/// Tokens as the labels of figures: the user's own characters, and what more is known about them.
enum TokenLabels {
  /// Whether a token is a mark that the model adds, such as [CLS].
  ///
  /// A special token that stands for the user's characters, such as [UNK], is none.
  static func isMark(_ token: Token) -> Bool { token.isSpecial && token.byteRange == nil }

  /// The user's own characters; of a mark that the model adds, its form in the vocabulary.
  static func text(_ token: Token) -> String {
    isMark(token) || token.text.isEmpty ? token.piece : token.text
  }

  /// A text in quotation marks, as headings name it: without the space before a word.
  static func quoted(_ text: String) -> String {
    "“\(VisibleText.line(text.first == " " ? String(text.dropFirst()) : text))”"
  }

  /// The label of one token.
  static func label(_ token: Token) -> TokenLabel {
    var text = text(token)
    if let part = token.part { text += " (\(part.index)/\(part.of))" }
    var details = ["id \(token.id)"]
    if token.piece != token.text { details.append("piece \(token.piece)") }
    if let range = token.byteRange {
      details.append("bytes \(range.lowerBound)..<\(range.upperBound)")
    }
    if token.isSpecial { details.append("special") }
    return TokenLabel(text, detail: details.joined(separator: " · "))
  }
}
