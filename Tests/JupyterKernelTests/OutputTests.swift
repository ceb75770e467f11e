import DataFormats
import Glibc
import JupyterProtocol
import Testing

@testable import JupyterKernel

@Suite(.serialized, .tags(.live)) struct OutputTests {
  private static func text(_ messages: [Message], _ name: String = "stdout") -> String {
    messages.filter { $0.header.type == "stream" && $0.content["name"]?.string == name }
      .map { $0.content["text"]?.string ?? "" }.joined()
  }

  @Test func aFloodIsGatheredAndNothingIsLost() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let cell = client.execute("flood 100000")
      let messages = try client.broadcasts(of: cell)
      #expect(messages.last?.isIdle == true)
      let expected = (0..<100_000).map { "\($0)\n" }.joined()
      #expect(Self.text(messages) == expected)
      #expect(messages.count < 200)
      #expect(try client.reply(to: cell).content["status"] == "ok")
    }
  }

  @Test func streamsThatAlternateAreGatheredToo() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let cell = client.execute("alternate 20000")
      let messages = try client.broadcasts(of: cell)
      let even = stride(from: 0, to: 20_000, by: 2).map { "\($0)\n" }.joined()
      let odd = stride(from: 1, to: 20_000, by: 2).map { "\($0)\n" }.joined()
      #expect(Self.text(messages, "stdout") == even)
      #expect(Self.text(messages, "stderr") == odd)
      #expect(messages.count < 500)
      // A few changes are shown in their order.
      let short = try client.broadcasts(of: client.execute("alternate 4"))
      #expect(
        short.filter { $0.header.type == "stream" }.map { $0.content["text"]?.string }
          == ["0\n", "1\n", "2\n", "3\n"])
    }
  }

  @Test func aQuickCellsTextComesBeforeItsIdleAndASlowOnesAtOnce() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let quick = try client.broadcasts(of: client.execute("print now"))
      #expect(quick.map(\.label) == ["busy", "execute_input", "stream", "idle"])
      // The text of a cell that goes on computing doesn't wait for its end.
      let slow = client.execute("loop")
      try client.waitForOutput(of: slow, type: "stream")
      client.send("interrupt_request", on: .control)
      _ = try client.reply(to: slow)
    }
  }

  @Test func outputsKeepTheirOrder() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let messages = try client.broadcasts(of: client.execute("mixed"))
      #expect(
        messages.map(\.label) == [
          "busy", "execute_input", "stream", "display_data", "stream", "clear_output", "stream",
          "idle",
        ])
      #expect(messages[5].content["wait"] == true)
      #expect(messages[4].identities == [Array("stream.stderr".utf8)])
    }
  }

  @Test func updatesAreThinnedAndTheLastIsSent() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let began = Clock.now()
      let messages = try client.broadcasts(of: client.execute("updates 2000"))
      let seconds = Double(Clock.now() - began) / 1e9
      let updates = messages.filter { $0.header.type == "update_display_data" }
      #expect(updates.allSatisfy { $0.content["transient"]?["display_id"] == "p" })
      #expect(updates.last?.content["data"]?["text/plain"] == "2000")
      // Ten a second, and the last.
      #expect(Double(updates.count) <= seconds * 10 + 2)
      #expect(updates.count >= 3)
    }
  }

  @Test func aLargeOutputArrivesWhole() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let messages = try client.broadcasts(of: client.execute("large 20000000"))
      let display = messages.first { $0.header.type == "display_data" }
      #expect(display?.content["data"]?["text/plain"]?.string?.utf8.count == 20_000_000)
    }
  }
}

@Suite(.serialized, .tags(.live)) struct CommTests {
  @Test func aFrontEndOpensTalksAndCloses() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let open = client.send(
        "comm_open", CommContent(identifier: "c1", target: "test.echo", data: ["x": 1]).content,
        buffers: [[7, 8]])
      let opened = try client.broadcasts(of: open)
      #expect(opened.map(\.label) == ["busy", "comm_msg", "idle"])
      #expect(opened[1].content["data"] == ["echo": ["x": 1]])
      #expect(opened[1].buffers == [[7, 8]])
      let list = client.send("comm_info_request")
      #expect(
        try client.reply(to: list).content["comms"] == ["c1": ["target_name": "test.echo"]])
      let other = client.send("comm_info_request", ["target_name": "other"])
      #expect(try client.reply(to: other).content["comms"] == [:])
      let said = client.send(
        "comm_msg", CommContent(identifier: "c1", data: ["y": "z"]).content)
      #expect(try client.broadcasts(of: said)[1].content["data"] == ["y": "z"])
      let close = client.send("comm_close", CommContent(identifier: "c1").content)
      #expect(try client.broadcasts(of: close).map(\.label) == ["busy", "idle"])
      // To a closed comm nothing is said.
      let late = client.send("comm_msg", CommContent(identifier: "c1").content)
      #expect(try client.broadcasts(of: late).map(\.label) == ["busy", "idle"])
      #expect(
        kernel.interpreter.events.withLock { $0 }
          == ["opened test.echo", "received test.echo", "closed test.echo"])
    }
  }

  @Test func anUnknownTargetIsClosedAtOnce() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let open = client.send(
        "comm_open", CommContent(identifier: "c9", target: "nobody").content)
      let messages = try client.broadcasts(of: open)
      #expect(messages.map(\.label) == ["busy", "comm_close", "idle"])
      #expect(messages[1].content["comm_id"] == "c9")
    }
  }

  @Test func aCellOpensTalksAndCloses() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let messages = try client.broadcasts(of: client.execute("open"))
      #expect(
        messages.map(\.label)
          == ["busy", "execute_input", "comm_open", "comm_msg", "comm_close", "idle"])
      #expect(messages[2].content["target_name"] == "front")
      #expect(messages[2].buffers == [[1, 2]])
      #expect(messages[3].metadata == ["m": 1])
    }
  }
}
