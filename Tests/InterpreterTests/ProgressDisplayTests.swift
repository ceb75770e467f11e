import DataFormats
import Synchronization
import Testing

@testable import Interpreter

@Suite("Progress among a cell's output")
struct ProgressDisplayTests {
  /// Writes down what is asked of it, in order.
  final class Log: OutputSink {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    private func add(_ line: String) { lines.withLock { $0.append(line) } }

    func stream(_ stream: OutputStream, _ text: String) { add("stream \(text)") }
    func display(_ bundle: MIMEBundle, identifier: String?) {
      add(identifier == nil ? "display" : "bar")
    }
    func update(_ bundle: MIMEBundle, identifier: String) { add("update") }
    func result(_ bundle: MIMEBundle) { add("result") }
    func clear(wait: Bool) { add("clear \(wait)") }
    func readLine(prompt: String, isPassword: Bool) throws -> String { "" }
  }

  @Test("a bar that is alone goes away", arguments: [true, false])
  func alone(showsMore: Bool) {
    let log = Log()
    let bar = ProgressDisplay(output: log, delay: .seconds(-1))
    bar.progress("Running", fraction: 0.5, detail: "")
    bar.finish(showsMore: showsMore)
    bar.finish()
    bar.progress("Running", fraction: 0.9, detail: "")
    #expect(log.all == ["bar", "clear \(showsMore)"])
  }

  @Test("a bar beside other output is brought to its end and takes nothing along")
  func besideOthers() {
    let log = Log()
    let bar = ProgressDisplay(output: log, delay: .seconds(-1))
    let output = WatchedOutput(output: log, bar: bar)
    output.stream(.standardOutput, "kept")
    bar.progress("Running", fraction: 0.5, detail: "")
    bar.finish()
    #expect(log.all == ["stream kept", "bar", "update"])
  }

  @Test("short work shows no bar")
  func short() {
    let log = Log()
    let bar = ProgressDisplay(output: log, delay: .seconds(3600))
    for step in 0...10 { bar.progress("Running", fraction: Double(step) / 10, detail: "") }
    bar.finish()
    #expect(log.all == [])
  }
}
