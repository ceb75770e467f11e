import DataFormats
import Testing

@testable import Figures

@Suite("Bundles")
struct BundleTests {
  @Test("every bundle has text and HTML, no ids, no inline SVG", arguments: Samples.all)
  func contents(sample: Sample) throws {
    let bundle = sample.figure.mimeBundle()
    let html = try #require(bundle.html)
    #expect(bundle.plainText?.isEmpty == false)
    #expect(bundle.data["application/json"] == nil && bundle.data["image/svg+xml"] == nil)
    #expect(html.hasPrefix("<div class=\"vitrine-"))
    #expect(html.range(after: "mathjax_ignore tex2jax_ignore") != nil)
    for forbidden in ["<svg", " id=\"", "<style", "http://", "https://", "<canvas"] {
      #expect(html.range(after: forbidden) == nil, "\(forbidden) in \(sample.name)")
    }
    if let provenance = sample.figure.provenance {
      #expect(bundle.metadata["vitrine"] == provenance.json)
    }
  }

  @Test("a picture's own description is its alt text and its script finds it by class")
  func host() throws {
    let html = try #require(Samples.heatmap(12).mimeBundle().html)
    let read = try StrictXML(html, isHTML: true)
    let host = try #require(read.elements.first)
    let name = try #require(
      host.attributes.first { $0.0 == "class" }?.1.split(separator: " ").dropFirst().first)
    #expect(html.range(after: "attach(\"\(name)\", start);") != nil)
    let image = try #require(read.elements.first { $0.name == "img" })
    let alt = try #require(image.attributes.first { $0.0 == "alt" }?.1)
    #expect(alt.hasPrefix("Heatmap: Attention") && alt.utf8.count > 80)
    let source = try #require(image.attributes.first { $0.0 == "src" }?.1)
    let prefix = "data:image/svg+xml;base64,"
    let svg = try Base64.decode(String(source.dropFirst(prefix.utf8.count)))
    #expect(String(decoding: svg, as: UTF8.self) == Samples.heatmap(12).svg(.automatic))
  }

  @Test("other contents have another class")
  func names() throws {
    let one = try #require(Samples.heatmap(5).mimeBundle().html)
    let other = try #require(Samples.heatmap(6).mimeBundle().html)
    #expect(one.prefix(60) != other.prefix(60))
    // The published test vector of FNV-1a, 64 bits.
    #expect(BundleAssembly.fingerprint("foobar") == "85944171f73967e8")
  }

  @Test("a script stays readable and short", arguments: Samples.all)
  func script(sample: Sample) {
    guard let view = sample.figure.interactiveView else { return }
    let script = InteractiveHost.script(name: "vitrine-0", view: view.script)
    #expect(script.utf8.count <= 50_000)
    #expect(script.range(after: "</") == nil)
    for forbidden in [
      "innerHTML", "eval(", "fetch(", "XMLHttpRequest", "import(", "document.write",
    ] {
      #expect(script.range(after: forbidden) == nil, "\(forbidden) in \(sample.name)")
    }
  }

  @Test("hints stay inside their figures: one function places them all", arguments: Samples.all)
  func hints(sample: Sample) {
    guard let view = sample.figure.interactiveView, view.script.contains("\"tip\"") else { return }
    #expect(view.script.contains("placeTip(tip, "))
    #expect(!view.script.contains("tip.style.left") && !view.script.contains("tip.style.top"))
  }

  @Test("a picture follows the theme asked for")
  func themes() {
    let figure = Samples.heatmap(5)
    #expect(figure.svg(.automatic).range(after: "prefers-color-scheme:dark") != nil)
    #expect(figure.svg(.light).range(after: ".bg{fill:#ffffff}") != nil)
    #expect(figure.svg(.light).range(after: "prefers-color-scheme") == nil)
    #expect(figure.svg(.dark).range(after: ".bg{fill:#111111}") != nil)
  }

  @Test("provenance is one line of what is known")
  func provenance() {
    #expect(
      Samples.provenance.line
        == "attention(\"the patient has high blood pressure\", layer: 5, head: 3)"
        + " · all-MiniLM-L6-v2 (53aa5117) · f32 · vitrine 0.1.0")
    let bare = Provenance(version: "2", elementType: "bf16", precision: "f32", call: "", seed: 4)
    #expect(bare.line == "bf16, computed in f32 · seed 4 · vitrine 2")
    #expect(bare.json["model"] == nil && bare.json["dtype"] == "bf16")
  }
}
