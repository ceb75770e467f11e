public import DataFormats
import Tensors

/// A generated text whose truth is known.
public struct CorpusSentence: Sendable, Hashable {
  /// What a text is about.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A loan application, decided by a rule of the facts.
    case loan
    /// A disease, which decides treatment and department.
    case disease
    /// An opinion, decided by a word and its negation.
    case sentiment
    /// An English subject and its verb, with another noun between them.
    case agreement
    /// Random words, said twice.
    case repetition
    /// A sum or a difference of small numbers.
    case arithmetic
    /// A sentence with words of technology.
    case technology
    /// A sentence with words of emotion.
    case emotion
  }

  /// The languages.
  public enum Language: String, Sendable, Hashable, CaseIterable {
    case chinese
    case english
  }

  /// Something that a text states.
  public struct Fact: Sendable, Hashable {
    /// What it is, such as `income`.
    public var name: String
    /// Its bytes in the text.
    public var bytes: Range<Int>
  }

  /// What is to be said at a place, and what could be said wrongly.
  public struct Answer: Sendable, Hashable {
    /// What it is, such as `decision`.
    public var name: String
    /// Its bytes in the text; a space before it belongs to it.
    public var bytes: Range<Int>
    /// The other possible answers.
    public var wrong: [String]
    /// The facts of which changing one alone can change the answer; where none can alone, those that speak for it.
    public var deciding: [String]
  }

  /// The text.
  public let text: String
  /// What it is about.
  public let kind: Kind
  /// Its language.
  public let language: Language
  /// The skeleton that it was made from.
  public let template: Int
  /// Whether nothing is learned from it: its skeleton or its combination of facts is kept for judging.
  public let isHeldOut: Bool
  /// What it states.
  public let facts: [Fact]
  /// What follows from that, in the order of the text.
  public let answers: [Answer]

  /// The text of an answer.
  public func text(of answer: Answer) -> String {
    String(decoding: Array(text.utf8)[answer.bytes], as: UTF8.self)
  }
}

/// Puts a sentence together and notes where its facts and answers are.
struct SentenceBuilder {
  private var bytes: [UInt8] = []
  private var facts: [CorpusSentence.Fact] = []
  private var answers: [CorpusSentence.Answer] = []

  /// Adds text.
  mutating func add(_ text: String) { bytes += Array(text.utf8) }

  /// Adds what states a fact.
  mutating func add(_ text: String, fact: String) {
    let start = bytes.count
    add(text)
    facts.append(CorpusSentence.Fact(name: fact, bytes: start..<bytes.count))
  }

  /// Adds a clause in which `{}` is the place of the fact's value.
  mutating func add(clause: String, value: String, fact: String) {
    let parts = clause.split(separator: "{}", maxSplits: 1, omittingEmptySubsequences: false)
    add(String(parts[0]))
    add(value, fact: fact)
    if parts.count > 1 { add(String(parts[1])) }
  }

  /// Adds an answer.
  mutating func add(answer: String, name: String, wrong: [String], deciding: [String]) {
    let start = bytes.count
    add(answer)
    answers.append(
      CorpusSentence.Answer(
        name: name, bytes: start..<bytes.count, wrong: wrong, deciding: deciding))
  }

  func sentence(
    _ kind: CorpusSentence.Kind, _ language: CorpusSentence.Language, template: Int,
    isHeldOut: Bool
  ) -> CorpusSentence {
    CorpusSentence(
      text: String(decoding: bytes, as: UTF8.self), kind: kind, language: language,
      template: template, isHeldOut: isHeldOut, facts: facts, answers: answers)
  }
}

extension SeededGenerator {
  /// A whole number of a range.
  mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  /// One of several.
  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[integer(0...elements.count - 1)]
  }
}

/// Whether a combination is kept for judging: about one in `share`, decided by its numbers alone.
func isKept(_ combination: [Int], oneIn share: Int) -> Bool {
  var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
  for number in combination {
    hash = (hash ^ UInt64(bitPattern: Int64(number))) &* 0xBF58_476D_1CE4_E5B9
    hash ^= hash >> 29
  }
  return hash % UInt64(share) == 0
}

extension CorpusSentence {
  /// The sentence with its truth as an object; ranges are of UTF-8 bytes.
  public var json: JSON {
    func range(_ bytes: Range<Int>) -> JSON {
      [.integer(bytes.lowerBound), .integer(bytes.upperBound)]
    }
    return [
      "text": .string(text), "kind": .string(kind.rawValue), "language": .string(language.rawValue),
      "template": .integer(template), "heldOut": .bool(isHeldOut),
      "facts": .array(
        facts.map { fact -> JSON in ["name": .string(fact.name), "bytes": range(fact.bytes)] }),
      "answers": .array(
        answers.map { answer -> JSON in
          [
            "name": .string(answer.name), "bytes": range(answer.bytes),
            "text": .string(self.text(of: answer)),
            "wrong": .array(answer.wrong.map { .string($0) }),
            "deciding": .array(answer.deciding.map { .string($0) }),
          ]
        }),
    ]
  }
}
