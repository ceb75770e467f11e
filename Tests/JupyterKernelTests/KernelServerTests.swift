import DataFormats
import Glibc
import JupyterProtocol
import Synchronization
import Testing

@testable import JupyterKernel

extension Tag {
  @Tag static var live: Self
}

@Suite(.serialized, .tags(.live)) struct KernelServerTests {
  @Test(arguments: LiveKernel.Kind.allCases)
  func aCellRunsFromRequestToIdle(_ kind: LiveKernel.Kind) async throws {
    try await LiveKernel.run(kind) { kernel in
      let client = try kernel.client()
      let identifier = client.execute("hello", userExpressions: [.init(name: "u", code: "v")])
      let messages = try client.broadcasts(of: identifier)
      #expect(messages.map(\.label) == ["busy", "execute_input", "execute_result", "idle"])
      #expect(messages[1].content["execution_count"] == 1)
      #expect(messages[2].content["data"]?["text/plain"] == "hello")
      #expect(messages[2].identities.count == 1)
      #expect(
        String(decoding: messages[2].identities[0], as: UTF8.self).hasSuffix("execute_result"))
      let reply = try client.reply(to: identifier)
      #expect(reply.header.type == "execute_reply" && reply.header.version == "5.5")
      #expect(reply.content["status"] == "ok" && reply.content["execution_count"] == 1)
      #expect(reply.content["user_expressions"]?["u"]?["data"]?["text/plain"] == "v")
      // The parent is the request's header, whole.
      #expect(reply.parentHeader?.username == "tester")
      client.send(frames: [[1, 2, 3]], on: .heartbeat)
      #expect(try client.receiveFrames(.heartbeat) == [[1, 2, 3]])
    }
  }

  @Test func aSubscriptionIsWelcomedOnEachClient() async throws {
    try await LiveKernel.run { kernel in
      let first = try TestClient(kernel.connection, context: kernel.context)
      let welcome = try first.receive(.broadcast)
      #expect(welcome.header.type == "iopub_welcome" && welcome.content["subscription"] == "")
      #expect(welcome.identities == [[]] && welcome.parentHeader == nil)
      #expect(try first.receive(.broadcast).label == "starting")
      let second = try TestClient(kernel.connection, context: kernel.context)
      #expect(try second.receive(.broadcast).header.type == "iopub_welcome")
      let identifier = second.send("kernel_info_request")
      #expect(try second.broadcasts(of: identifier).map(\.label) == ["busy", "idle"])
      let reply = try second.reply(to: identifier)
      #expect(reply.content["implementation"] == "test")
      #expect(reply.content["supported_features"] == ["kernel subshells"])
      #expect(reply.content["protocol_version"] == "5.5")
    }
  }

  @Test func questionsAreAnsweredWhileACellRuns() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let cell = client.execute("loop")
      try client.waitForOutput(of: cell, type: "stream")
      for (type, content, answer) in [
        ("complete_request", ["code": "pr", "cursor_pos": 2], "complete_reply"),
        ("inspect_request", ["code": "print", "cursor_pos": 2], "inspect_reply"),
        ("is_complete_request", ["code": "("], "is_complete_reply"),
        ("history_request", ["hist_access_type": "tail", "n": 3], "history_reply"),
        ("comm_info_request", [:], "comm_info_reply"),
        ("kernel_info_request", [:], "kernel_info_reply"),
        ("connect_request", [:], "connect_reply"),
      ] as [(String, JSONObject, String)] {
        let identifier = client.send(type, content)
        let reply = try client.reply(to: identifier)
        #expect(reply.header.type == answer)
        #expect(try client.broadcasts(of: identifier).map(\.label) == ["busy", "idle"])
      }
      let information = client.send("kernel_info_request", on: .control)
      #expect(try client.reply(to: information, on: .control).header.type == "kernel_info_reply")
      // The cell was running all the while.
      let interrupt = client.send("interrupt_request", on: .control)
      #expect(try client.reply(to: interrupt, on: .control).content["status"] == "ok")
      #expect(try client.reply(to: cell).content["ename"] == "Interrupted")
    }
  }

  @Test func anInterruptStopsOneCellAndTheNextRuns() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      // With nothing running an interrupt does nothing, now or later.
      let idle = client.send("interrupt_request", on: .control)
      _ = try client.reply(to: idle, on: .control)
      for round in 0..<3 {
        let cell = client.execute("loop")
        try client.waitForOutput(of: cell, type: "stream")
        if round == 0 {
          kernel.interrupt()
        } else {
          client.send("interrupt_request", on: .control)
        }
        let messages = try client.broadcasts(of: cell)
        #expect(messages.map(\.label) == ["error", "idle"])
        #expect(try client.reply(to: cell).content["status"] == "error")
      }
      let next = client.execute("after")
      #expect(try client.reply(to: next).content["status"] == "ok")
      #expect(try client.reply(to: client.execute("x")).content["execution_count"] == 5)
    }
  }

  @Test func anErrorAbortsWhatIsQueuedAndNothingMore() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let blocker = client.execute("stuck")
      let failing = client.execute("fail why")
      let queued = client.execute("queued", stopOnError: false)
      let comm = client.send("comm_info_request")
      while !kernel.interpreter.events.withLock({ $0.contains("stuck") }) { usleep(1_000) }
      _ = try client.reply(to: comm)
      kernel.interpreter.note("release")
      #expect(try client.reply(to: blocker).content["status"] == "ok")
      let failed = try client.reply(to: failing)
      #expect(failed.content["status"] == "error" && failed.content["ename"] == "Failure")
      #expect(failed.content["traceback"] == ["Failure", "why"])
      #expect(try client.reply(to: queued).content["status"] == "aborted")
      #expect(try client.broadcasts(of: queued).map(\.label) == ["busy", "idle"])
      let later = client.execute("later")
      #expect(try client.reply(to: later).content["status"] == "ok")
    }
  }

  @Test func withoutStopOnErrorTheQueueGoesOn() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let failing = client.execute("fail", stopOnError: false)
      let silent = client.execute("fail", silent: true)
      let next = client.execute("next")
      #expect(try client.reply(to: failing).content["status"] == "error")
      #expect(try client.reply(to: silent).content["status"] == "error")
      #expect(try client.reply(to: next).content["status"] == "ok")
    }
  }

  @Test func silentCellsShowAndCountNothing() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let silent = client.execute("value", silent: true)
      #expect(try client.broadcasts(of: silent).map(\.label) == ["busy", "idle"])
      #expect(try client.reply(to: silent).content["execution_count"] == 0)
      let unstored = client.execute("value", storeHistory: false)
      #expect(try client.reply(to: unstored).content["execution_count"] == 0)
      let stored = client.execute("kept")
      #expect(try client.reply(to: stored).content["execution_count"] == 1)
      let history = client.send(
        "history_request", HistoryRequest.tail(count: 9, output: true).content)
      #expect(
        try client.reply(to: history).content["history"] == [[1, 1, ["kept", "kept"]]])
    }
  }

  @Test func aCellMayAskTheUser() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      for withParent in [true, false] {
        let cell = client.execute("ask secret", allowStdin: true)
        let request = try client.receive(.input)
        #expect(request.header.type == "input_request")
        #expect(request.content["prompt"] == "secret" && request.content["password"] == true)
        #expect(request.parentHeader?.identifier == cell)
        client.send(
          "input_reply", InputReply(value: "four").content, on: .input,
          parent: withParent ? request.headerBytes : Message.emptyObject)
        #expect(try client.reply(to: cell).content["status"] == "ok")
        #expect(
          try client.broadcasts(of: cell).contains { $0.content["text"] == "four" })
      }
      let refused = client.execute("ask x", allowStdin: false)
      #expect(try client.reply(to: refused).content["ename"] == "InputError")
      let interrupted = client.execute("ask y", allowStdin: true)
      _ = try client.receive(.input)
      client.send("interrupt_request", on: .control)
      #expect(try client.reply(to: interrupted).content["ename"] == "Interrupted")
    }
  }

  @Test func subshellsRunBesideTheMainShell() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let creation = client.send("create_subshell_request", on: .control)
      let subshell = try #require(
        try client.reply(to: creation, on: .control).content["subshell_id"]?.string)
      let cell = client.execute("loop")
      try client.waitForOutput(of: cell, type: "stream")
      let side = client.execute("where", subshell: subshell)
      let messages = try client.broadcasts(of: side)
      #expect(messages.contains { $0.content["data"]?["text/plain"]?.string == subshell })
      // Its own count, and the parent with the subshell in it.
      let reply = try client.reply(to: side)
      #expect(reply.content["execution_count"] == 1)
      #expect(reply.parentHeader?.subshell == subshell)
      let list = client.send("list_subshell_request", on: .control)
      #expect(
        try client.reply(to: list, on: .control).content["subshell_id"] == [.string(subshell)])
      let unknown = client.execute("where", subshell: "nobody")
      #expect(try client.broadcasts(of: unknown).map(\.label) == ["busy", "idle"])
      #expect(try client.reply(to: unknown).content["status"] == "error")
      // Deleting a subshell stops what it runs.
      let loop = client.execute("loop", subshell: subshell)
      try client.waitForOutput(of: loop, type: "stream")
      let deletion = client.send(
        "delete_subshell_request", ["subshell_id": .string(subshell)], on: .control)
      #expect(try client.reply(to: deletion, on: .control).content["status"] == "ok")
      #expect(try client.reply(to: loop).content["ename"] == "Interrupted")
      let gone = client.execute("where", subshell: subshell)
      #expect(try client.reply(to: gone).content["ename"] == "UnknownSubshell")
      client.send("interrupt_request", on: .control)
      #expect(try client.reply(to: cell).content["status"] == "error")
      #expect(kernel.interpreter.events.withLock { $0.contains("deleted") })
    }
  }

  @Test func aShutdownIsAnsweredAndBroadcast() async throws {
    for restart in [false, true] {
      try await LiveKernel.run { kernel in
        let client = try kernel.client()
        let cell = client.execute("loop")
        try client.waitForOutput(of: cell, type: "stream")
        let identifier = client.send("shutdown_request", ["restart": .bool(restart)], on: .control)
        let reply = try client.reply(to: identifier, on: .control)
        #expect(reply.header.type == "shutdown_reply" && reply.content["restart"] == .bool(restart))
        let messages = try client.broadcasts(of: identifier)
        #expect(messages.map(\.label) == ["busy", "shutdown_reply", "idle"])
        // The running cell was interrupted and answered.
        #expect(try client.reply(to: cell).content["ename"] == "Interrupted")
        #expect(try kernel.waitForEnd() == .shutdown(restart: restart))
        #expect(kernel.interpreter.events.withLock { $0 } == ["shutdown \(restart)"])
        #expect(kernel.socketFiles.isEmpty)
      }
    }
  }

  @Test func aStuckCellDoesNotHoldTheEndUp() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      client.execute("stuck")
      while !kernel.interpreter.events.withLock({ $0.contains("stuck") }) { usleep(1_000) }
      client.send("shutdown_request", on: .control)
      #expect(try kernel.waitForEnd() == .shutdown(restart: false))
      kernel.interpreter.note("release")
    }
  }

  @Test func anAddressInUseIsSaidInOneSentence() async throws {
    try await LiveKernel.run(.tcp) { kernel in
      let client = try kernel.client()
      _ = try client.reply(to: client.send("kernel_info_request"))
      var options = KernelOptions()
      options.handlesSignals = false
      options.historyPath = nil
      let second = try KernelServer(
        connection: kernel.connection, interpreter: TestInterpreter(), options: options)
      let error = #expect(throws: KernelError.self) { try second.run() }
      #expect(error?.description.hasSuffix("another program uses that address.") == true)
      #expect(error?.exitStatus == 69)
      var open = kernel.connection
      open.ports.shell = 0
      let third = try KernelServer(
        connection: open, interpreter: TestInterpreter(), options: options)
      #expect(throws: KernelError.portNotChosen(purpose: "shell")) { try third.run() }
    }
  }

  @Test func aClientThatComesBackTakesItsPlaceOver() async throws {
    try await LiveKernel.run { kernel in
      func come() throws {
        let first = try kernel.client(identity: "same")
        #expect(try first.reply(to: first.execute("a")).content["status"] == "ok")
      }
      try come()
      let second = try kernel.client(identity: "same")
      for code in ["b", "c"] {
        #expect(try second.reply(to: second.execute(code)).content["status"] == "ok")
      }
    }
  }

  @Test func aConnectionFileThatIsNoneGivesAStatus() {
    let status = KernelServer.serve(
      connectionFile: "/nonexistent/kernel.json", interpreter: TestInterpreter())
    #expect(status == 66)
    #expect(KernelServer.serve(connectionFile: #filePath, interpreter: TestInterpreter()) == 78)
  }
}
