import Glibc
import Interpreter
import Language
import Testing

/// Cells with what they give: `Tests/Fixtures/Interpreter/*.md`, each a SOURCE, and where there are any an OUTPUT and
/// DIAGNOSTICS. `RECORD_GOLDENS=1` writes what the cells give now.
@Suite struct GoldenCellTests {
  private static let folder =
    #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
    + "/Fixtures/Interpreter"

  @Test(
    "Cells give what their page says",
    arguments: [
      "Statements", "Tables", "Tensors", "UnknownName", "WrongArgument", "NestedCalls",
      "SeveralMistakes", "Texts",
    ])
  func golden(name: String) throws {
    let path = "\(Self.folder)/\(name).md"
    let page = try #require(Self.read(path))
    let source = try #require(Self.section("SOURCE", of: page))
    let session = Session(version: "golden")
    let recorder = Recorder()
    let outcome = session.execute(source, executionCount: 1, output: recorder)
    let output = recorder.output
    var text = output.standardOutput
    for display in output.displays { text += "[display] \(display.plainText ?? "")\n" }
    for result in output.results { text += "[result] \(result.plainText ?? "")\n" }
    var diagnostics = ""
    if case .failed(let problems) = outcome {
      diagnostics = DiagnosticRenderer.render(problems, source: source) + "\n"
    }
    var actual = "# \(name)\n\n## SOURCE\n\n~~~\n\(source)~~~\n"
    if !text.isEmpty { actual += "\n## OUTPUT\n\n~~~\n\(text)~~~\n" }
    if !diagnostics.isEmpty { actual += "\n## DIAGNOSTICS\n\n~~~\n\(diagnostics)~~~\n" }
    if getenv("RECORD_GOLDENS") != nil, let file = fopen(path, "w") {
      fputs(actual, file)
      fclose(file)
    } else {
      #expect(actual == page)
    }
  }

  private static func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func section(_ title: String, of page: String) -> String? {
    var lines: [Substring] = []
    var isInside = false
    var isFound = false
    for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == "## \(title)" {
        isFound = true
      } else if isFound, line == "~~~" {
        if isInside { return lines.map { $0 + "\n" }.joined() }
        isInside = true
      } else if isInside {
        lines.append(line)
      }
    }
    return nil
  }
}
