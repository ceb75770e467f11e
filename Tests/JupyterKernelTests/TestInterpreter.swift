import DataFormats
import Glibc
import JupyterKernel
import JupyterProtocol
import Synchronization

/// A language of one command per cell, for the tests of the server.
final class TestInterpreter: CellInterpreter {
  let events = Mutex<[String]>([])
  let information = KernelInformation(
    implementation: "test", implementationVersion: "1.0",
    language: LanguageInformation(
      name: "test", version: "1", mimeType: "text/x-test", fileExtension: ".test"),
    banner: "A test")
  let commTargets = ["test.echo"]

  func note(_ event: String) { events.withLock { $0.append(event) } }

  func execute(_ request: ExecutionRequest, output: any CellOutput) -> ExecutionOutcome {
    let parts = request.code.split(separator: " ", maxSplits: 1).map(String.init)
    let rest = parts.count > 1 ? parts[1] : ""
    switch parts.first ?? "" {
    case "print": output.stream(.standardOutput, rest)
    case "alternate":
      for number in 0..<(Int(rest) ?? 0) {
        output.stream(number % 2 == 0 ? .standardOutput : .standardError, "\(number)\n")
      }
    case "flood":
      for number in 0..<(Int(rest) ?? 0) { output.stream(.standardOutput, "\(number)\n") }
    case "updates":
      output.display(MIMEBundle(plainText: "start"), identifier: "p")
      for number in 1...(Int(rest) ?? 1) {
        output.update(MIMEBundle(plainText: "\(number)"), identifier: "p")
        usleep(200)
      }
    case "mixed":
      output.stream(.standardOutput, "a")
      output.display(MIMEBundle(plainText: "b"))
      output.stream(.standardError, "c")
      output.clear(wait: true)
      output.stream(.standardOutput, "d")
    case "fail": return .error(name: "Failure", message: rest, traceback: ["Failure", rest])
    case "loop":
      output.stream(.standardOutput, "looping")
      while !request.interruption.isRequested { usleep(500) }
      return .interrupted
    case "stuck":
      note("stuck")
      while !events.withLock({ $0.contains("release") }) { usleep(1_000) }
    case "ask":
      do throws(InputError) {
        let line = try output.readLine(prompt: rest, isPassword: rest == "secret")
        output.stream(.standardOutput, line)
      } catch {
        return error == .interrupted
          ? .interrupted : .error(name: "InputError", message: "\(error)", traceback: [])
      }
    case "open":
      let comm = output.openComm(target: "front", data: ["a": 1], metadata: [:], buffers: [[1, 2]])
      output.sendComm(comm, data: ["b": 2], metadata: ["m": 1], buffers: [])
      output.closeComm(comm, data: [:])
      output.sendComm(comm, data: ["c": 3], metadata: [:], buffers: [])
    case "large":
      output.display(MIMEBundle(plainText: String(repeating: "x", count: Int(rest) ?? 0)))
    case "where": output.result(MIMEBundle(plainText: request.subshell ?? "main"))
    case "pass": break
    default: output.result(MIMEBundle(plainText: request.code))
    }
    let results = request.userExpressions.map { expression in
      UserExpressionResult(
        name: expression.name, outcome: .value(MIMEBundle(plainText: expression.code)))
    }
    return .ok(userExpressions: results, payload: [])
  }

  func complete(_ request: CompleteRequest) -> CompleteReply {
    CompleteReply(matches: [.init(text: "print", type: "function")], start: 0, end: request.cursor)
  }

  func inspect(_ request: InspectRequest) -> InspectReply {
    InspectReply(bundle: request.code.isEmpty ? nil : MIMEBundle(plainText: request.code))
  }

  func isComplete(_ code: String) -> IsCompleteReply {
    code.hasSuffix("(") ? .incomplete(indent: "  ") : .complete
  }

  func commOpened(_ event: CommEvent, output: any CellOutput) {
    note("opened \(event.target)")
    output.sendComm(
      event.identifier, data: ["echo": .object(event.data)], metadata: [:], buffers: event.buffers)
  }

  func commReceived(_ event: CommEvent, output: any CellOutput) {
    note("received \(event.target)")
    output.sendComm(event.identifier, data: event.data, metadata: [:], buffers: event.buffers)
  }

  func commClosed(_ event: CommEvent, output: any CellOutput) { note("closed \(event.target)") }
  func subshellDeleted(_ identifier: String) { note("deleted") }
  func shutdown(restart: Bool) { note("shutdown \(restart)") }
}
