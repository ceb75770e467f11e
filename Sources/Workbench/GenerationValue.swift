import DataFormats
import Figures
import Interpreter
import Models
import Tokenizers

/// What a decoder wrote after a text, or an encoder-decoder when it had read one.
final class GenerationValue: ObjectValue {
  let generation: Generation
  let model: ModelValue
  /// The prompt, or `nil` where ids were given.
  private let prompt: String?
  private let provenance: Provenance

  init(_ generation: Generation, after prompt: String?, model: ModelValue, provenance: Provenance) {
    self.generation = generation
    self.prompt = prompt
    self.model = model
    self.provenance = provenance
  }

  var typeName: String { "Generation" }

  var summary: String { generation.text ?? ids.map { "\($0)" }.joined(separator: " ") }

  private var ids: [Int] { generation.tokens.map(\.id) }

  private func text(_ id: Int) -> String { model.model.tokenizer?.decode([id]) ?? "\(id)" }

  var fieldNames: [String] {
    ["text", "prompt", "all", "ids", "pieces", "probabilities", "logits", "ending"]
  }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "text": "what was written"
    case "prompt": "what it follows, or what was read"
    case "all":
      "both together; what a model writes that has read a text stands on a line of its own"
    case "ids": "the ids of what was written"
    case "pieces": "the text of each token"
    case "probabilities": "how likely the model held each token, from 0 to 1"
    case "logits": "their scores before the softmax"
    case "ending": "why it ended: length, context, end token or stop text"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "text": generation.text.map { .text($0) } ?? Value.none
    case "prompt": prompt.map { .text($0) } ?? Value.none
    case "all": (prompt ?? "").isEmpty && generation.text == nil ? Value.none : .text(whole)
    case "ids": .list(ids.map { .integer($0) })
    case "pieces": .texts(ids.map(text))
    case "probabilities": .numbers(generation.tokens.map(\.probability))
    case "logits": .numbers(generation.tokens.map(\.logit))
    case "ending": .text(ending)
    default: nil
    }
  }

  private var whole: String {
    (prompt ?? "") + (isPair && prompt?.isEmpty == false ? "\n" : "") + (generation.text ?? "")
  }

  /// Whether what was written doesn't continue the prompt.
  private var isPair: Bool { model.model.isEncoderDecoder }

  private var ending: String {
    switch generation.ending {
    case .length: "length"
    case .context: "context"
    case .endToken: "end token"
    case .stopText: "stop text"
    case .stopped: "stopped"
    }
  }

  /// The prompt muted, then what was written, tinted by probability.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    var items = promptTexts.map { ScoredText.Item($0) }
    if isPair { items.append(ScoredText.Item("→")) }
    for (token, face) in zip(generation.tokens, GeneratedFaces.faces(ids, model.model.tokenizer)) {
      let others = token.alternatives.map { other in
        "\(VisibleText.token(text(other.id))) \(NumberText.percent(other.probability))"
      }
      items.append(
        ScoredText.Item(
          face, score: token.probability,
          details: ["id \(token.id)", "could be: " + others.joined(separator: ", ")]))
    }
    return ScoredText(
      title: "Written by \(model.model.name)", items: items, scoreName: "probability",
      notes: ["\(ids.count) tokens, ended by: \(ending)"], limit: 1, isShare: true,
      provenance: provenance)
  }

  /// The prompt's tokens as the user wrote them.
  private var promptTexts: [String] {
    if let prompt, let tokenizer = model.model.tokenizer {
      return tokenizer.encode(prompt).tokens.map { TokenLabels.text($0) }
    }
    return generation.promptIDs.map(text)
  }

  private var table: Table {
    Table(
      columns: [
        ("token", ids.map { Value.text(text($0)) }),
        ("id", ids.map { .integer($0) }),
        ("probability", generation.tokens.map { .number($0.probability) }),
        ("logit", generation.tokens.map { .number($0.logit) }),
      ].map { Table.Column(name: $0.0, values: ValueList($0.1)) })
  }

  var json: JSON { Value.table(table).json }

  func asTable() throws -> Table? { table }
}

/// The texts of generated tokens, in which no character is cut: where several tokens make one, the first shows it
/// and the others show which part they are.
enum GeneratedFaces {
  static func faces(_ ids: [Int], _ tokenizer: Tokenizer?) -> [String] {
    guard let tokenizer else { return ids.map { "\($0)" } }
    var faces: [String] = []
    var start = 0
    while start < ids.count {
      // The least number of tokens, up to four, whose text is whole.
      var end = start + 1
      while end < min(ids.count, start + 4),
        tokenizer.decode(Array(ids[start..<end])).unicodeScalars.last == "\u{fffd}"
      {
        end += 1
      }
      let text = tokenizer.decode(Array(ids[start..<end]))
      if end - start > 1, text.unicodeScalars.last != "\u{fffd}" {
        for part in 1...(end - start) { faces.append("\(text) (\(part)/\(end - start))") }
        start = end
      } else {
        faces.append(tokenizer.decode([ids[start]]))
        start += 1
      }
    }
    return faces
  }
}
