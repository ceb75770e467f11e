import DataFormats
import Interpreter
import Synchronization
import Tensors
import Testing

@testable import Workbench

@Suite struct ExplorerTests {
  private func explorer(_ source: String, _ bench: Bench) throws -> ExplorerValue {
    try bench.object(source, ExplorerValue.self)
  }

  /// The live figure's text, or the sentence that stands in its place.
  private func live(_ panel: ExplorerValue, _ bench: Bench) throws -> String {
    switch bench.session.bundle(
      of: panel, isKept: false, output: Recorder(), cancellation: Cancellation())
    {
    case .value(let bundle): return bundle.plainText ?? ""
    case .failed(let diagnostics): return "! " + (diagnostics.first?.message ?? "")
    case .interrupted: return "interrupted"
    }
  }

  @Test func theFigureFollowsTheControls() throws {
    let bench = try Bench("specimen")
    try bench.run("load(\"specimen\")")
    let panel = try explorer("explore(\"患者患有高血压，需要\", layer: 1)", bench)
    #expect(
      panel.controls.map(\.identifier) == ["text", "view", "layer", "head", "target", "method"])
    #expect(
      panel.controls.filter(\.isShown).map(\.identifier) == ["text", "view", "layer", "head"])
    // The live figure is what the call that it composes shows.
    func agrees() throws {
      let call = try panel.present.call(using: nil)
      #expect(try live(panel, bench) == bench.shown(call), "\(call)")
    }
    try agrees()
    panel.set("layer", to: .index(3))
    panel.set("head", to: .index(2))
    #expect(try bench.text("explore(\"a\").call") == "attention(\"a\", layer: 4)")
    #expect(try panel.present.call(using: nil).hasSuffix("layer: 3, head: 1)"))
    try agrees()
    panel.set("view", to: .index(1))
    try agrees()
    panel.set("text", to: .text("The applicant has a high income"))
    panel.set("view", to: .index(2))
    panel.set("method", to: .index(1))
    try agrees()
    #expect(
      panel.controls.filter(\.isShown).map(\.identifier) == ["text", "view", "target", "method"])
    guard case .text(_, let offered?, _) = panel.controls[4].kind else {
      Issue.record("no suggestions")
      return
    }
    #expect(!offered.isEmpty && Set(offered).count == offered.count)
    panel.set("target", to: .text(offered[1]))
    try agrees()
    for view in [3, 4] {
      panel.set("view", to: .index(view))
      try agrees()
    }
  }

  @Test func whatMakesNoSenseIsIgnoredOrSaidInASentence() throws {
    let bench = try Bench("specimen")
    try bench.run("load(\"specimen\")")
    let panel = try explorer("explore(\"a b\")", bench)
    let before = panel.present
    for input in [PanelInput.index(-1), .index(99), .text("x")] {
      for control in ["layer", "head", "view", "method", "nothing"] {
        panel.set(control, to: input)
      }
    }
    #expect(panel.present == before)
    panel.set("text", to: .text("  "))
    #expect(try live(panel, bench) == "! There is no text yet.")
    panel.set("text", to: .text(String(repeating: "long ", count: 2_000)))
    #expect(try live(panel, bench).hasPrefix("! The input has"))
    // Quotes, escapes and holes are text.
    for text in ["say \"no\"", "\\(1 + 1)", "a\\b", "tab\tline\nend", "\u{1}\u{7F}", "'\u{202E}😀"] {
      panel.set("text", to: .text(text))
      guard case .text(let read) = try bench.value(ExplorerState.literal(text)) else { continue }
      #expect(read.utf8.elementsEqual(text.utf8))
      #expect(try !live(panel, bench).hasPrefix("!"), "\(text)")
    }
  }

  @Test func anInterruptedFigureIsNone() throws {
    let bench = try Bench("specimen")
    try bench.run("load(\"specimen\")")
    let panel = try explorer("explore(\"a b\")", bench)
    let flag = Cancellation()
    flag.cancel()
    guard
      case .interrupted = bench.session.bundle(
        of: panel, isKept: false, output: Recorder(), cancellation: flag)
    else {
      Issue.record("not interrupted")
      return
    }
  }

  @Test func theModelStaysTheOneThatIsExplored() throws {
    let bench = try Bench("specimen", "specimen-moe")
    try bench.run("first = load(\"specimen\")")
    let panel = try explorer("explore(\"a b\")", bench)
    try bench.run("load(\"specimen-moe\")")
    #expect(try live(panel, bench).contains("· specimen ·"))
  }

  @Test func theKeptFigureHoldsAllMaps() throws {
    let bench = try Bench("specimen")
    try bench.run("load(\"specimen\")")
    let shown = try bench.run("explore(\"the loan was approved because\", head: 2)")
    let bundle = try #require(shown.results.first)
    #expect(try #require(bundle.plainText).hasSuffix("5 layers of 5 heads and their mean."))
    let html = try #require(bundle.html)
    #expect(html.contains("\"layers\":[\"0\",\"1\",\"2\",\"3\",\"4\"]"))
    #expect(html.utf8.count < 300_000)
    // Two runs give the same bytes.
    let again = try bench.run("explore(\"the loan was approved because\", head: 2)")
    #expect(again.results.first?.html == html)
  }

  @Test func anEncoderOffersWhatItCanDo() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("load(\"all-MiniLM-L6-v2\")")
    let panel = try explorer("explore()", bench)
    #expect(panel.present.model.views == [.attention, .values])
    #expect(try bench.failure("explore(\"a\", view: \"attribution\")").message.contains("MiniLM"))
    #expect(try !live(panel, bench).hasPrefix("!"))
  }

  @Test func aModelWithoutTokenizerTakesIds() throws {
    let bench = try Bench("gpt2")
    let panel = try explorer("explore(ids: [1, 2, 3], using: load(\"gpt2\"))", bench)
    #expect(try panel.present.call(using: nil).hasPrefix("attention(ids: [1, 2, 3]"))
    panel.set("text", to: .text("4 5，6"))
    #expect(try live(panel, bench).contains("3 × 3"))
    panel.set("text", to: .text("4 five"))
    #expect(try live(panel, bench) == "! \"five\" is no token id.")
  }
}
