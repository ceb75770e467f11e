import DataFormats
import Testing
import Tokenizers

@Suite struct ChatTemplateTests {
  private static func fixture() throws -> JSON { try JSON(parsing: fixtureBytes("chats.json")) }

  @Test func conversationsAreRenderedLikeTheReference() throws {
    let fixture = try Self.fixture()
    var templates: [String: ChatTemplate] = [:]
    for member in try #require(fixture["templates"]?.object).members {
      templates[member.key] = try ChatTemplate(try #require(member.value.string))
    }
    #expect(templates.count == 8)
    let cases = try #require(fixture["cases"]?.array)
    #expect(cases.count > 70)
    for item in cases {
      let family = try #require(item["family"]?.string)
      let variables = try #require(item["variables"]?.object)
      let expected = try #require(item["text"]?.string)
      let text = try #require(templates[family]).render(variables)
      #expect(text.utf8.elementsEqual(expected.utf8), "\(family): \(text) is not \(expected)")
    }
  }

  @Test(arguments: [
    ("{{ a | nosuch }}", ChatTemplateError.unsupported(line: 1, construct: "the filter `nosuch`")),
    ("\n{{ a is nosuch }}", .unsupported(line: 2, construct: "the test `nosuch`")),
    ("{{ nosuch(1) }}", .unsupported(line: 1, construct: "the function `nosuch`")),
    ("{{ 'a'.nosuch() }}", .unsupported(line: 1, construct: "the method `nosuch` of a text")),
    ("{{ [].append(1) }}", .unsupported(line: 1, construct: "the method `append` of a list")),
    ("{% macro f() %}{% endmacro %}", .unsupported(line: 1, construct: "the statement `macro`")),
    ("{% include 'x' %}", .unsupported(line: 1, construct: "the statement `include`")),
    ("{% raw %}{% endraw %}", .unsupported(line: 1, construct: "the statement `raw`")),
    ("{{ raise_exception('no') }}", .refused("no")),
    ("{{ a.b.c }}", .failed(line: 1, reason: "`b` is not defined")),
    ("{{ b.c }}", .failed(line: 1, reason: "`b` is not defined")),
    ("{{ 'a' + 1 }}", .failed(line: 1, reason: "`+` can't join a text and a number")),
    ("{{ 1 // 0 }}", .failed(line: 1, reason: "a number is divided by 0")),
    ("{{ [1] }}", .failed(line: 1, reason: "a list stands where a text is written")),
    (
      "{% set x.y = 1 %}",
      .failed(line: 1, reason: "`x` is no namespace, so `y` can't be set in it")
    ),
    ("{% if a %}", .malformed(line: 1, found: "the end", expected: "`endif`")),
    (
      "{% if a %}{% endfor %}",
      .malformed(
        line: 1, found: "`endfor`", expected: "the statement that it belongs to")
    ),
    ("{{ (1 }}", .malformed(line: 1, found: "`}`", expected: "the bracket that was opened")),
    ("{{ 1 + }}", .malformed(line: 1, found: "}}", expected: "an expression")),
    ("{{ 'a }}", .malformed(line: 1, found: "an open text", expected: "its end '")),
    ("{# a", .malformed(line: 1, found: "an open comment", expected: "its end #}")),
    ("{{ ? }}", .malformed(line: 1, found: "the character ?", expected: "an expression")),
  ])
  func whatCannotBeRenderedIsNamed(source: String, error: ChatTemplateError) throws {
    #expect(throws: error) {
      _ = try ChatTemplate(source).render(["a": ["c": 1]])
    }
    #expect(!error.description.contains("\n"))
  }

  @Test(arguments: [
    "{{ " + String(repeating: "(", count: 100_000) + "1" + String(repeating: ")", count: 100_000)
      + " }}",
    "{{ " + String(repeating: "not ", count: 100_000) + "a }}",
    "{{ " + String(repeating: "-", count: 100_000) + "1 }}",
    "{{ 1" + String(repeating: " + 1", count: 100_000) + " }}",
    "{{ a" + String(repeating: ".a", count: 100_000) + " }}",
    "{{ a" + String(repeating: "[0]", count: 100_000) + " }}",
    "{{ a" + String(repeating: " | trim", count: 100_000) + " }}",
    "{{ a" + String(repeating: " if a else a", count: 100_000) + " }}",
    String(repeating: "{% if a %}", count: 100_000),
    String(repeating: "{% for b in a %}", count: 100_000),
  ])
  func hostileNestingIsRefused(source: String) throws {
    #expect {
      try ChatTemplate(source)
    } throws: { error in
      if case .tooDeep? = error as? ChatTemplateError { true } else { false }
    }
  }

  @Test(arguments: [
    "{% for a in range(1000000000) %}{% endfor %}",
    "{% for a in range(3000) %}{% for b in range(3000) %}{% endfor %}{% endfor %}",
    "{% set n = namespace(x='aaaaaaaaaaaaaaaa') %}{% for a in range(1000) %}"
      + "{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x='aaaaaaaaaaaaaaaa') %}{% for a in range(1000) %}"
      + "{% set n.x = n.x.replace('a', n.x) %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(1000) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(1000) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
      + "{{ n.x | tojson }}",
  ])
  func endlessWorkIsRefused(source: String) throws {
    #expect(throws: ChatTemplateError.tooMuchWork) { _ = try ChatTemplate(source).render([:]) }
  }

  @Test(arguments: [1, 2, 3]) func mutatedTemplatesNeverCrash(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let fixture = try Self.fixture()
    let sources = try #require(fixture["templates"]?.object).members.compactMap(\.value.string)
    let cases = try #require(fixture["cases"]?.array)
    let words = [
      "{%", "%}", "{{", "}}", "-%}", "{%-", "{#", "#}", "(", ")", "[", "]", "::", ":", "-1", "|",
      "is", "not", "in", "if", "else", "for", "set", "namespace", ".", ",", "=", "'", "\"", "\\u12",
      "loop", "9223372036854775807", "messages", "~", "//", "%", "endif", "endfor", "none", "é",
    ].map { Array($0.utf8) }
    var rendered = 0
    for _ in 0..<3_000 {
      var bytes = Array(try #require(sources.randomElement(using: &generator)).utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0...2, using: &generator) {
        case 0: bytes.insert(contentsOf: words.randomElement(using: &generator) ?? [], at: place)
        case 1:
          let length = min(Int.random(in: 1...20, using: &generator), bytes.count - place)
          if length < bytes.count { bytes.removeSubrange(place..<place + length) }
        default:
          let other = Int.random(in: bytes.indices, using: &generator)
          bytes.swapAt(place, other)
        }
      }
      guard let template = try? ChatTemplate(String(decoding: bytes, as: UTF8.self)) else {
        continue
      }
      let item = try #require(cases.randomElement(using: &generator))
      if (try? template.render(try #require(item["variables"]?.object))) != nil { rendered += 1 }
    }
    #expect(rendered > 100)
  }
}
