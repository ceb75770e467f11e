import CZeroMQ
import DataFormats
import Glibc
import JupyterProtocol
import Testing

@testable import JupyterKernel

@Suite(.serialized, .tags(.live)) struct HostileMessageTests {
  @Test func whatIsNotSignedIsNotHeard() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let message = client.message("execute_request", ["code": "evil"])
      var frames = client.wire.encode(message)
      frames[1][0] ^= 1
      client.send(frames: frames, on: .shell)
      client.send(frames: WireFormat(key: []).encode(message), on: .shell)
      client.send(frames: WireFormat(key: [1]).encode(message), on: .control)
      client.send(frames: [], on: .shell)
      client.send(frames: [[]], on: .shell)
      client.send(frames: [WireFormat.delimiter], on: .control)
      let good = client.execute("good")
      let messages = try client.allBroadcasts(untilIdleOf: good)
      #expect(messages.map(\.label) == ["busy", "execute_input", "execute_result", "idle"])
    }
  }

  @Test func aRecordedMessageIsNotHeardAgain() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let message = client.message("execute_request", ["code": "once"])
      let frames = client.wire.encode(message)
      client.send(frames: frames, on: .shell)
      client.send(frames: frames, on: .shell)
      #expect(try client.reply(to: message.header.identifier).content["status"] == "ok")
      client.send(frames: frames, on: .control)
      let good = client.execute("good")
      let messages = try client.allBroadcasts(untilIdleOf: good)
      #expect(messages.filter { $0.header.type == "execute_result" }.count == 2)
      #expect(try client.reply(to: good).content["execution_count"] == 2)
    }
  }

  @Test func anOversizedMessageIsDropped() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      let half = [UInt8](repeating: 1, count: 40 << 20)
      client.send(
        frames: client.wire.encode(client.message("execute_request", ["code": "x"]))
          + [half, half], on: .shell)
      client.send(frames: Array(repeating: [1], count: 3_000), on: .shell)
      let good = client.execute("good")
      #expect(try client.reply(to: good).content["status"] == "ok")
    }
  }

  @Test func unknownAndInvalidRequestsAreAnsweredWithAnError() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      for (type, content, name) in [
        ("nonsense_request", [:], "UnknownRequest"), ("execute_request", [:], "InvalidRequest"),
        ("complete_request", ["code": 4], "InvalidRequest"),
        ("history_request", ["hist_access_type": "all"], "InvalidRequest"),
        ("create_subshell_request", [:], "UnknownRequest"),
      ] as [(String, JSONObject, String)] {
        let identifier = client.send(type, content)
        #expect(try client.broadcasts(of: identifier).map(\.label) == ["busy", "idle"])
        let reply = try client.reply(to: identifier)
        #expect(reply.content["status"] == "error" && reply.content["ename"]?.string == name)
      }
      let onControl = client.send("execute_request", ["code": "x"], on: .control)
      #expect(try client.reply(to: onControl, on: .control).content["status"] == "error")
    }
  }

  /// Signed messages of every type with broken, deep, huge and mistyped contents.
  @Test func mutatedRequestsLeaveTheKernelAlive() async throws {
    try await LiveKernel.run { kernel in
      let client = try kernel.client()
      // Answers and broadcasts are read away, or they would fill this process's memory.
      var random = SplitMix(state: 11)
      let types = [
        "execute_request", "complete_request", "inspect_request", "is_complete_request",
        "history_request", "comm_info_request", "comm_open", "comm_msg", "comm_close",
        "kernel_info_request", "connect_request", "interrupt_request", "input_reply",
        "create_subshell_request", "delete_subshell_request", "list_subshell_request", "x", "",
      ]
      for round in 0..<20_000 {
        let type = types[Int.random(in: 0..<types.count, using: &random)]
        let subshell = Int.random(in: 0..<20, using: &random) == 0 ? "unknown" : nil
        var frames = client.wire.encode(
          client.message(type, Self.content(&random), subshell: subshell))
        if Int.random(in: 0..<3, using: &random) == 0 {
          let index = Int.random(in: 0..<frames.count, using: &random)
          frames[index].append(UInt8.random(in: 0...255, using: &random))
        }
        let channel: TestClient.Channel =
          switch Int.random(in: 0..<10, using: &random) {
          case 0, 1: type.contains("subshell") ? .shell : .control
          case 2: .input
          default: .shell
          }
        client.send(frames: frames, on: channel)
        if round % 1_000 == 999 {
          let check = client.send("kernel_info_request")
          _ = try client.reply(to: check)
          _ = try client.broadcasts(of: check)
        }
      }
      let last = client.execute("alive")
      #expect(try client.reply(to: last).content["status"] == "ok")
    }
  }

  private static func content(_ random: inout SplitMix) -> JSONObject {
    let keys = [
      "code", "cursor_pos", "silent", "store_history", "user_expressions", "comm_id", "target_name",
      "data", "hist_access_type", "n", "session", "start", "stop", "pattern", "subshell_id",
      "value", "detail_level",
    ]
    let values: [JSON] = [
      "pass", "print x", "flood 50", "tail", "range", "search", "test.echo", "c1",
      .integer(.max), .integer(.min), -1, 3, 1e300, nil, true, [:], [1], ["a": "b"], "[", "[^]*?",
      .string(String(repeating: "深", count: 2_000)),
      (0..<200).reduce(JSON.array([])) { deep, _ in .array([deep]) },
    ]
    var object = JSONObject()
    for _ in 0..<Int.random(in: 0..<6, using: &random) {
      object[keys[Int.random(in: 0..<keys.count, using: &random)]] = .some(
        values[Int.random(in: 0..<values.count, using: &random)])
    }
    if Bool.random(using: &random) { object["code"] = "pass" }
    if Bool.random(using: &random) { object["comm_id"] = "c1" }
    return object
  }
}

/// Reproducible numbers.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
