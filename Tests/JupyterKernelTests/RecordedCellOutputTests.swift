import DataFormats
import JupyterKernel
import JupyterProtocol
import Synchronization
import Testing

@Suite struct RecordedCellOutputTests {
  @Test func aCellRunsWithoutAKernel() throws {
    let interpreter = TestInterpreter()
    let output = RecordedCellOutput(executionCount: 4)
    _ = interpreter.execute(ExecutionRequest(code: "mixed"), output: output)
    _ = interpreter.execute(ExecutionRequest(code: "value"), output: output)
    let outputs = output.recorded.outputs
    #expect(outputs.map { $0["output_type"]?.string } == ["stream", "execute_result"])
    #expect(outputs[0]["text"] == ["d"])
    #expect(outputs[1]["execution_count"] == 4)
  }

  @Test func textIsEchoedAndNobodyIsAsked() {
    let echoed = Mutex("")
    let output = RecordedCellOutput(
      executionCount: 1, echo: { _, text in echoed.withLock { $0 += text } })
    _ = TestInterpreter().execute(ExecutionRequest(code: "flood 3"), output: output)
    #expect(echoed.withLock { $0 } == "0\n1\n2\n")
    #expect(throws: InputError.notAllowed) { try output.readLine(prompt: "", isPassword: false) }
  }

  @Test func updatesReachTheCellThatShows() {
    let first = RecordedCellOutput(executionCount: 1)
    first.display(MIMEBundle(plainText: "old"), identifier: "p")
    let second = RecordedCellOutput(
      executionCount: 2,
      foreignUpdate: { bundle, identifier in
        first.updateFromLaterCell(bundle, identifier: identifier)
      })
    second.update(MIMEBundle(plainText: "new"), identifier: "p")
    #expect(first.recorded.plainText == "new\n")
    #expect(second.recorded.isEmpty)
  }
}
