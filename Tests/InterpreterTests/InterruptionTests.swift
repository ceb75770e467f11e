import DataFormats
import Interpreter
import Tensors
import Testing

@Suite struct InterruptionTests {
  @Test func aFlagThatIsSetBeforeTheCellBeginsStopsIt() {
    let session = Session(version: "test")
    let cancellation = Cancellation()
    cancellation.cancel()
    let outcome = session.execute("x = 1", output: Recorder(), cancellation: cancellation)
    guard case .interrupted = outcome else {
      Issue.record("the cell ended as \(outcome)")
      return
    }
    #expect(session.value(of: "x") == nil)
    guard
      case .interrupted = session.evaluateExpression(
        "1 + 1", output: Recorder(), cancellation: cancellation)
    else {
      Issue.record("the expression was computed")
      return
    }
    #expect(session.run("x = 2\nx").result == "2")
  }

  @Test func aFlagStopsItsOwnCellAlone() {
    let session = Session(version: "test")
    let cancellation = Cancellation()
    // While the first cell prints, another one runs in its midst.
    let sink = ActingSink {
      cancellation.cancel()
      #expect(session.run("y = sum([i for i in 0..<1000])\ny").result == "499500")
    }
    let outcome = session.execute(
      "print(\"go\")\nx = 1\nfor i in 0..<1000000 { i }", output: sink, cancellation: cancellation)
    #expect(Self.isInterrupted(outcome), "\(outcome)")
    #expect(session.value(of: "x") == nil)
    #expect(session.run("y").result == "499500")
  }

  private static func isInterrupted(_ outcome: SessionOutcome) -> Bool {
    if case .interrupted = outcome { true } else { false }
  }

  /// Cells whose every look at the flag may be the one that finds it set.
  @Test(arguments: [
    "for i in 0..<100000 { i }", "[i * 2 for i in 0..<100000]",
    "s = \"\"\nfor i in 0..<3000 { s = s + \"0123456789\" }", "def f(n) = f(n + 1)\nf(0)",
    "sum(big)", "mean(big * 2 + big)", "max(big)", "median(big)", "big > 0.5", "norm(big)",
    "sort([big[i] for i in 0..<5000])", "show(zeros)",
  ])
  func aCellStopsAtWhicheverLookFindsTheFlagSet(source: String) {
    let session = Session(version: "test")
    session.bind("big", to: .tensor(Tensor(repeating: 0.5, shape: [1 << 18])))
    session.bind("zeros", to: .table(Table(columns: [])))
    for look in [1, 2, 3, 5, 8] {
      session.bind("marker", to: .integer(look))
      let cancellation = Cancellation(settingItselfAtLook: look)
      let outcome = session.execute(
        source, output: Recorder(), cancellation: cancellation)
      // A cell may end before so many looks; one that looked is interrupted.
      if cancellation.lookCount >= look {
        #expect(Self.isInterrupted(outcome), "look \(look): \(outcome)")
      }
      #expect(session.run("marker").result == "\(look)")
    }
  }
}

/// Does something when a cell writes a line.
private final class ActingSink: OutputSink {
  private let act: @Sendable () -> Void
  init(_ act: @escaping @Sendable () -> Void) { self.act = act }
  func stream(_ stream: OutputStream, _ text: String) { act() }
  func display(_ bundle: MIMEBundle, identifier: String?) {}
  func update(_ bundle: MIMEBundle, identifier: String) {}
  func result(_ bundle: MIMEBundle) {}
  func clear(wait: Bool) {}
  func readLine(prompt: String, isPassword: Bool) throws -> String { "" }
}
