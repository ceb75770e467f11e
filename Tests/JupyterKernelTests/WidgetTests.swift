import DataFormats
import Glibc
import JupyterProtocol
import Synchronization
import Testing

@testable import JupyterKernel

/// Keeps the comm messages that widgets send.
private final class CommRecorder: CellOutput {
  struct Sent {
    let comm: String
    let data: JSONObject
  }
  private let kept = Mutex<(opened: [JSONObject], sent: [Sent], closed: [String])>(([], [], []))
  var sent: [Sent] { kept.withLock { $0.sent } }
  var opened: [JSONObject] { kept.withLock { $0.opened } }
  var closed: [String] { kept.withLock { $0.closed } }

  func stream(_ name: StreamName, _ text: String) {}
  func display(_ bundle: MIMEBundle, identifier: String?) {}
  func update(_ bundle: MIMEBundle, identifier: String) {}
  func result(_ bundle: MIMEBundle, identifier: String?) {}
  func clear(wait: Bool) {}
  func readLine(prompt: String, isPassword: Bool) throws(InputError) -> String { throw .notAllowed }
  func openComm(
    target: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]]
  ) -> String {
    kept.withLock {
      $0.opened.append(["target": .string(target), "metadata": .object(metadata)])
      return "w\($0.opened.count)"
    }
  }
  func sendComm(
    _ identifier: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]]
  ) {
    kept.withLock { $0.sent.append(Sent(comm: identifier, data: data)) }
  }
  func closeComm(_ identifier: String, data: JSONObject) {
    kept.withLock { $0.closed.append(identifier) }
  }
}

@Suite("Widgets")
struct WidgetTests {
  private func event(
    _ comm: String, _ data: JSONObject, target: String = WidgetMessages.target
  ) -> CommEvent {
    CommEvent(identifier: comm, target: target, data: data)
  }

  @Test("a change is taken in, echoed, and told; foreign keys are not taken")
  func changes() {
    let output = CommRecorder()
    let table = WidgetTable()
    let told = Mutex<[JSONObject]>([])
    let text = table.open(WidgetModels.text("a", label: "Text"), output: output) { changes, _ in
      told.withLock { $0.append(changes) }
    }
    #expect(output.opened == [["target": "jupyter.widget", "metadata": ["version": "2.1.0"]]])
    table.received(
      event(text, ["method": "update", "state": ["value": "b", "foreign": 1]]), output: output)
    #expect(table.state(of: text)?["value"] == "b")
    #expect(table.state(of: text)?["foreign"] == nil)
    #expect(output.sent.map(\.data) == [WidgetMessages.echo(["value": "b"])])
    #expect(told.withLock { $0 } == [["value": "b"]])
    // To widgets that aren't there, and in words that mean nothing, nothing happens.
    table.received(event("nobody", ["method": "update", "state": ["value": 1]]), output: output)
    table.received(event(text, ["method": "dance"]), output: output)
    table.received(
      event(text, ["method": "custom", "content": ["event": "submit"]]), output: output)
    #expect(output.sent.count == 1)
  }

  @Test("states are given one by one and together; what is the same isn't sent again")
  func states() {
    let output = CommRecorder()
    let asked = Mutex(0)
    let table = WidgetTable { _ in asked.withLock { $0 += 1 } }
    let text = table.open(WidgetModels.text("a", label: "Text"), output: output)
    table.update(text, ["value": "b"], output: output)
    table.update(text, ["value": "b"], output: output)
    #expect(output.sent.map(\.data) == [WidgetMessages.update(["value": "b"])])
    table.received(event(text, ["method": "request_state"]), output: output)
    #expect(output.sent.last?.data["state"]?["value"] == "b")
    let control = event(
      "c", ["method": "request_states"], target: WidgetMessages.controlTarget)
    table.opened(control, output: output)
    table.received(control, output: output)
    #expect(output.closed.isEmpty && asked.withLock { $0 } == 1)
    #expect(output.sent.last?.comm == "c")
    #expect(output.sent.last?.data["states"]?[text]?["state"]?["value"] == "b")
    // Widgets that a front end makes by itself have nothing here to answer them.
    table.opened(event("own", [:]), output: output)
    #expect(output.closed == ["own"])
    table.closed(event(text, [:]))
    #expect(table.state(of: text) == nil)
  }

  @Test("of work under a name only the latest is done, and what runs is interrupted")
  func latest() throws {
    let work = try LatestWork()
    let done = Mutex<[String]>([])
    let started = Mutex(false)
    work.submit("a") { interruption in
      started.withLock { $0 = true }
      let whole = interruption.pause(milliseconds: 20_000)
      done.withLock { $0.append(whole ? "first" : "interrupted") }
    }
    while !started.withLock({ $0 }) { usleep(500) }
    for number in 2...50 { work.submit("a") { _ in done.withLock { $0.append("\(number)") } } }
    work.submit("b") { _ in done.withLock { $0.append("other") } }
    let end = Clock.now() + 10_000_000_000
    while done.withLock({ $0.last }) != "other", Clock.now() < end { usleep(1_000) }
    let order = done.withLock { $0 }
    #expect(order.first == "interrupted")
    #expect(order.suffix(2) == ["50", "other"])
    #expect(order.count < 50)
    work.stop()
  }
}
