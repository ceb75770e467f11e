import Testing

@testable import Tokenizers

@Suite struct PatternTests {
  private func matches(_ pattern: String, _ text: String, stepsPerByte: Int = 64) throws -> [String]
  {
    let bytes = Array(text.utf8)
    var matcher = PatternMatcher(try PatternProgram(pattern), stepsPerByte: stepsPerByte)
    var found: [String] = []
    matcher.forEachMatch(in: bytes.span, 0..<bytes.count) {
      found.append(String(decoding: bytes[$0], as: UTF8.self))
    }
    return found
  }

  @Test(arguments: [
    ("a", "banana", ["a", "a", "a"]), ("an|banan", "banana", ["banan"]),
    ("an|b", "banana", ["b", "an", "an"]),
    ("a+", "baaab", ["aaa"]), ("a*", "baa", ["aa"]), ("ba?", "bab", ["ba", "b"]),
    ("a{2}", "aaaaa", ["aa", "aa"]),
    ("a{2,}", "aaaaab", ["aaaaa"]), ("a{1,3}", "aaaaa", ["aaa", "aa"]), ("a{,2}b", "aaab", ["aab"]),
    ("a{x", "a{x", ["a{x"]), ("a+?", "aaa", ["a", "a", "a"]), ("a+?b", "aab", ["aab"]),
    ("a++a", "aaa", []),
    ("a++b", "aab", ["aab"]), ("a?+a", "a", []), ("(?>a|ab)c", "abc", []),
    ("(?:a|ab)c", "abc", ["abc"]),
    ("(ab)+", "ababx", ["abab"]), ("(?i:AB|k)c", "aBc\u{212A}c", ["aBc", "\u{212A}c"]),
    ("(?i)x", "xX", ["x", "X"]), ("(?:(?i)x)x", "Xxxx", ["Xx", "xx"]),
    ("\\s+(?!\\S)", "  a ", [" ", " "]),
    ("a(?=b)", "abac", ["a"]), ("\\s+$", "a  \n b ", ["  ", " "]), ("^a", "aa\na", ["a", "a"]),
    ("a\\z", "a\na", ["a"]), ("\\Aa", "aa", ["a"]), ("a\\Z", "a\n", ["a"]), ("\\ba", "a ba", ["a"]),
    ("a\\B", "a ab", ["a"]), (".", "é\n注", ["é", "注"]), ("[^a-c]", "abcd", ["d"]),
    ("[]a]", "]", ["]"]),
    ("[a\\]-]", "]-", ["]", "-"]), ("[\\p{L}\\d]+", "é注1-", ["é注1"]), ("\\P{L}", "a1", ["1"]),
    ("\\p{^L}", "a1", ["1"]), ("\\p{Lu}", "aÉ", ["É"]), ("\\p{Letter}", "1a", ["a"]),
    ("[^\\s\\p{L}\\p{N}]+", "a!? 1", ["!?"]),
    ("[\\x41\\u4e00-\\x{4e10}]+", "A一丁", ["A一丁"]), ("\\w+", "a_1é-", ["a_1é"]),
    ("\\s", "\u{85}\u{3000}\u{200B}", ["\u{85}", "\u{3000}"]),
    ("\\W\\D\\S", "-a-", ["-a-"]), ("\\.\\*", ".*", [".*"]), ("\\t|\\n", "\t\n", ["\t", "\n"]),
    ("x*|a", "a", []), ("😀+", "😀😀", ["😀😀"]),
  ])
  func constructs(pattern: String, text: String, expected: [String]) throws {
    for steps in [64, 0] {
      let found = try matches(pattern, text, stepsPerByte: steps)
      #expect(found.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    }
  }

  @Test(arguments: [
    "(?<!a)b", "(?<name>a)", "[a&&b]", "\\k", "\\p{Greek}", "*a", "(a*)*", "(?=a+)b", "(a", "a)",
    "[a", "\\",
    "(?i:é)", "(?i:\\p{Lu})", "[z-a]", "a{5,2}", "(?:(?:a{100}){100}){100}",
    "(){1000}{1000}{1000}{1000}", "a??????????????????", "\\x{zz}", "(?>a+)",
    "(?:ab)++",
  ])
  func refused(pattern: String) {
    #expect(throws: PatternError.self) { try PatternProgram(pattern) }
  }

  /// Noting the states that have failed changes how long a search takes, never what it finds.
  @Test func notesDoNotChangeTheMatches() throws {
    var generator = SeededGenerator(seed: 9)
    let patterns = [
      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", "(?:a|ab|b)*c|b+", "[ab]+$|(?:aa|a)+b",
      "a*a*a*b|(?:ab?){2,4}c",
      "\\s?[ab]+|\\s+$|c{1,3}", "(?:a|b)+?c|a+(?=b)|(?>ab|a)b",
    ]
    for _ in 0..<300 {
      let text = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
        ["a", "b", "c", " ", "\n", "\r"].randomElement(using: &generator) ?? ""
      }.joined()
      for pattern in patterns {
        let plain = try matches(pattern, text, stepsPerByte: 1_000_000)
        #expect(try matches(pattern, text, stepsPerByte: 0) == plain)
      }
    }
  }

  /// Without notes these would take minutes to centuries.
  @Test(arguments: [
    ("\\s+$", 200_000, " ", "x"), ("(?:a|a)*b", 5_000, "a", "c"), ("a*a*a*a*b", 20_000, "a", "c"),
    ("(?:a+b?)+c", 20_000, "a", "d"), ("\\s*[\\r\\n]+|\\s+(?!\\S)", 200_000, " ", "x"),
  ])
  func hostileTextsTakeLinearTime(pattern: String, count: Int, unit: String, end: String) throws {
    let found = try matches(pattern, String(repeating: unit, count: count) + end)
    #expect(found.count <= 1)
  }
}
