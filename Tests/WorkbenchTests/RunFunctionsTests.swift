import DataFormats
import Glibc
import Interpreter
import Synchronization
import Testing
import Workbench

@Suite struct RunFunctionsTests {
  private static let fixtures =
    #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/Training"

  /// Runs cells in one session; gives the last one's result or the message of what went wrong.
  private static func run(_ cells: String...) -> (text: String, html: String, message: String) {
    let session = Workbench.makeSession()
    var last = (text: "", html: "", message: "")
    for cell in cells {
      let sink = RunSink()
      let outcome = session.execute(cell, output: sink)
      let bundle = sink.bundles.withLock { $0.last }
      last = (bundle?.data["text/plain"]?.string ?? "", bundle?.data["text/html"]?.string ?? "", "")
      if case .failed(let diagnostics) = outcome {
        let first = diagnostics.first
        last.message = [first?.code, first?.message, first?.hint].compactMap { $0 }
          .joined(separator: " | ")
      }
    }
    return last
  }

  @Test func runsAreFoundAndDrawn() {
    let result = Self.run("r = runs(\"\(Self.fixtures)\")", "r")
    #expect(result.text.contains("Runs · Training"))
    #expect(result.text.contains("loss/train\n  torch/first  "))
    #expect(result.text.contains("2 not finite from step 6"))
    #expect(result.html.contains("vitrine-figure"))
  }

  @Test(arguments: [
    ("r.names", "[\"tensors\", \"torch/first\", \"torch/first/hparams\"]"),
    ("r[\"double\"].steps", "[3]"), ("r[\"double\"].values", "[0.1]"),
    ("len(r)", "3"), ("len(r[\"loss/train\"].values)", "8"),
    ("r[\"torch/first\"].tags", "[\"loss/train\", \"new style\", \"double\"]"),
    ("r[0].names", "[\"tensors\"]"), ("r[\"loss\"].values", "[0, 0.5, 1]"),
    ("r[\"exact\"].times", "[1700000100, 1700000101, 1700000102]"),
    ("(r |> curve(\"loss\", smooth: 0.5)).smoothed[1] > 0.33", "true"),
    ("r.damages", "[]"), ("len(r.texts)", "7"),
    ("r.distributions", "[\"spread\", \"weights\"]"),
    ("r.pictures", "[\"picture\", \"pictures\"]"),
    ("r[\"weights\"].steps", "[2]"), ("len(r[\"spread\"].quantiles)", "3"),
    ("(r |> distribution(\"weights\")).quantiles[0].median", "-0.292262966981616"),
    ("len((r |> pictures(\"pictures\")).sizes)", "6"), ("r[\"picture\"].sizes[0].width", "3"),
    ("len(r[\"texts\"])", "6"),
  ])
  func fields(_ expression: String, _ expected: String) {
    let result = Self.run("r = runs(\"\(Self.fixtures)\")", expression)
    #expect(result.message.isEmpty)
    #expect(result.text == expected)
  }

  @Test func aCurveSaysHowItIsSmoothed() {
    let result = Self.run(
      "runs(\"\(Self.fixtures)\") |> curve(\"loss/train\", smooth: 0.6, log: true, axis: \"time\")")
    #expect(result.text.hasPrefix("loss/train\n"))
    #expect(result.text.contains("smoothed"))
    #expect(result.html.contains("smoothed by 0.6, as recorded in a lighter tone"))
  }

  @Test func anUnknownTagNamesTheNearest() {
    let result = Self.run("runs(\"\(Self.fixtures)\")[\"loss/trian\"]")
    #expect(
      result.message
        == "unknown-tag | No run has numbers with the tag \"loss/trian\". | "
        + "Did you mean \"loss/train\"?")
  }

  @Test func everyKindOfRecordIsDrawn() {
    let whole = Self.run("runs(\"\(Self.fixtures)\")")
    for sentence in [
      "Runs · Training", "Distributions\n", "torch/first · weights\n", "lowest -2.52 ·",
      "torch/first · picture\n1 picture", "tensors · pictures\n6 pictures", "Texts\n",
    ] {
      #expect(whole.text.contains(sentence), "\(sentence)")
    }
    #expect(whole.html.utf8.count < 2_000_000)
    let bands = Self.run("runs(\"\(Self.fixtures)\")[\"weights\"]")
    #expect(bands.text.contains("the middle 38, 68, 87 and 100 % of the numbers"))
    #expect(bands.html.contains("<script>"))
    let watched = Self.run(
      "watch(\"\(Self.fixtures)\", tags: [\"spread\", \"picture\"], seconds: 0)")
    #expect(watched.text.contains("spread") && watched.text.contains("1 picture"))
    #expect(!watched.text.contains("weights"))
  }

  @Test(arguments: [
    ("r |> curve(\"weights\")", "`distribution` draws what is recorded under it."),
    ("r |> curve(\"picture\")", "`pictures` draws what is recorded under it."),
    ("r |> distribution(\"wieghts\")", "Did you mean \"weights\"?"),
    ("r |> pictures(\"weights\")", "The tags are picture, pictures."),
  ])
  func aTagOfAnotherKindIsSaid(_ expression: String, _ hint: String) {
    let result = Self.run("r = runs(\"\(Self.fixtures)\")", expression)
    #expect(result.message.hasPrefix("unknown-tag | No run has "))
    #expect(result.message.hasSuffix(hint), "\(result.message)")
  }

  @Test func aMissingFolderIsNamed() {
    #expect(Self.run("runs(\"/no/such/folder\")").message.hasPrefix("missing-file | There is no"))
  }

  @Test func aFileThatIsCutOffIsReadUpToThereAndNamed() throws {
    var template = Array("/tmp/vitrine-cut-XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    let file = folder + "/events.out.tfevents.1"
    defer {
      unlink(file)
      rmdir(folder)
    }
    let bytes = Self.contents(
      Self.fixtures + "/torch/first/events.out.tfevents.1700000000.host.1.0")
    Self.append(Array(bytes[..<(bytes.count - 5)]), to: file)
    let whole = Self.run("r = runs(\"\(Self.fixtures)\")", "r[\"torch/first\"].unfinished")
    #expect(whole.text == "[]")
    let cut = Self.run("r = runs(\"\(folder)\")", "r.unfinished[0]").text
    #expect(cut.contains("events.out.tfevents.1` ends within a record"), "\(cut)")
    #expect(cut.firstMatch(of: /: (\d+) records were read, and not the last (\d+) bytes\./) != nil)
    #expect(Self.run("runs(\"\(folder)\")").text.contains("ends within a record"))
    // One chart alone says it too.
    #expect(
      Self.run("r = runs(\"\(folder)\")", "watch(\"\(folder)\", tags: \"loss/train\", seconds: 0)")
        .text.contains("ends within a record"))
    #expect(Self.run("r = runs(\"\(folder)\")", "r.damages").text == "[]")
  }

  @Test func watchingRenewsOneDisplayUntilInterrupted() throws {
    var template = Array("/tmp/vitrine-watch-XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    let file = folder + "/events.out.tfevents.1"
    defer {
      unlink(file)
      rmdir(folder)
    }
    let bytes = Self.contents(Self.fixtures + "/reference.records")
    try #require(bytes.count > 60)
    // The first records, then a part of the next; the rest is written when the first are shown.
    Self.append(Array(bytes[..<60]), to: file)
    let session = Workbench.makeSession()
    let sink = RunSink(
      onDisplay: { Self.append(Array(bytes[60...]), to: file) },
      onUpdate: { session.interrupt() })
    let outcome = session.execute("watch(\"\(folder)\", tags: \"loss\")", output: sink)
    guard case .interrupted = outcome else {
      Issue.record("\(outcome)")
      return
    }
    let texts = sink.bundles.withLock { $0.map { $0.data["text/plain"]?.string ?? "" } }
    #expect(texts.count == 2)
    #expect(texts.first?.hasPrefix("waiting for numbers") == true)
    #expect(texts.last?.contains("last 0.75 at step 1") == true)
    #expect(Set(sink.identifiers.withLock { $0 }).count == 1)
  }

  @Test func watchingEndsAfterTheGivenTime() {
    let result = Self.run("watch(\"\(Self.fixtures)\", tags: [\"loss\"], seconds: 0)")
    #expect(result.message.isEmpty && result.text.contains("tensors"))
  }

  private static func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 100_000)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    return bytes
  }

  private static func append(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "ab") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}

/// Keeps what is displayed, and acts when something is.
private final class RunSink: OutputSink {
  let bundles = Mutex<[MIMEBundle]>([])
  let identifiers = Mutex<[String]>([])
  private let onDisplay: @Sendable () -> Void
  private let onUpdate: @Sendable () -> Void

  init(
    onDisplay: @escaping @Sendable () -> Void = {}, onUpdate: @escaping @Sendable () -> Void = {}
  ) {
    self.onDisplay = onDisplay
    self.onUpdate = onUpdate
  }

  func stream(_ stream: OutputStream, _ text: String) {}
  func display(_ bundle: MIMEBundle, identifier: String?) {
    bundles.withLock { $0.append(bundle) }
    if let identifier { identifiers.withLock { $0.append(identifier) } }
    onDisplay()
  }
  func update(_ bundle: MIMEBundle, identifier: String) {
    bundles.withLock { $0.append(bundle) }
    identifiers.withLock { $0.append(identifier) }
    onUpdate()
  }
  func result(_ bundle: MIMEBundle) { bundles.withLock { $0.append(bundle) } }
  func clear(wait: Bool) {}
  func readLine(prompt: String, isPassword: Bool) throws -> String { "" }
}
