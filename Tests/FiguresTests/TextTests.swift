import Testing

@testable import Figures

@Suite("Text and numbers")
struct TextTests {
  @Test(
    "tokens are visible",
    arguments: [
      (" cat", "␣cat"), ("  ", "␣␣"), ("", "∅"), ("\n", "⏎"), ("\r\n", "⏎"), ("\t", "⇥"),
      ("\u{0}", "␀"), ("\u{202E}x", "⟨U+202E⟩x"), ("\u{301}", "◌\u{301}"), ("\u{200D}", "⟨U+200D⟩"),
      ("🧑‍⚕️", "🧑‍⚕️"), ("高血压", "高血压"), ("a b ", "a b␣"), ("\u{FFFE}", "⟨U+FFFE⟩"),
    ])
  func tokens(text: String, shown: String) {
    #expect(VisibleText.token(text).unicodeScalars.elementsEqual(shown.unicodeScalars))
  }

  @Test(
    "an axis leaves out the space that begins a word",
    arguments: [
      (" cat", "cat"), ("  cat", "␣␣cat"), (" ", "␣"), ("cat", "cat"),
    ])
  func axis(text: String, shown: String) {
    #expect(VisibleText.axis(text) == shown)
  }

  @Test(
    "numbers",
    arguments: [
      (NumberText.fixed(0.125, 2), "0.12"), (NumberText.fixed(-0.001, 2), "0.00"),
      (NumberText.fixed(12, 0), "12"), (NumberText.significant(0.041_234, 3), "0.0412"),
      (NumberText.significant(9.996, 3), "10.0"), (NumberText.significant(1.5e-7, 2), "1.5e-7"),
      (NumberText.significant(.nan), "NaN"), (NumberText.significant(-.infinity), "-∞"),
      (NumberText.short(0.5), "0.5"), (NumberText.short(12_000), "12000"),
      (NumberText.percent(0.8132), "81.3 %"), (NumberText.percent(0.000001), "< 0.001 %"),
      (NumberText.percent(0.0421), "4.21 %"), (NumberText.grouped(22_713_216), "22,713,216"),
      (NumberText.grouped(-1234), "-1,234"), (NumberText.count(22_713_216), "22.7 M"),
      (NumberText.count(999), "999"), (NumberText.bytes(90_868_376), "86.7 MiB"),
      (NumberText.bytes(512), "512 B"),
    ])
  func numbers(text: String, shown: String) {
    #expect(text == shown)
  }

  @Test(
    "ticks are round and inside",
    arguments: [
      (0.0, 1.0), (0.0, 0.37), (-0.9, 0.9), (0.0, 1e-7), (3.0, 12_345.0), (-1e9, 1e9),
    ])
  func ticks(low: Double, high: Double) {
    let ticks = Ticks.values(from: low, to: high, about: 5)
    #expect((3...11).contains(ticks.count))
    #expect(
      ticks.allSatisfy { $0 >= low - (high - low) * 1e-6 && $0 <= high + (high - low) * 1e-6 })
    #expect(Set(Ticks.texts(ticks)).count == ticks.count)
  }

  @Test("there are no ticks where there is no range")
  func noTicks() {
    #expect(Ticks.values(from: 1, to: 1, about: 5).isEmpty)
    #expect(Ticks.values(from: .nan, to: 1, about: 5).isEmpty)
    #expect(Ticks.values(from: 0, to: .infinity, about: 5).isEmpty)
  }
}
