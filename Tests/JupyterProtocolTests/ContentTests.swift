import DataFormats
import Testing

@testable import JupyterProtocol

private func comesBack<Content: MessageContent & Equatable>(_ content: Content) throws -> Bool {
  let bytes = JSON.object(content.content).serializedBytes()
  guard case .object(let object) = try JSON(parsing: bytes) else { return false }
  return try Content(object) == content
}

@Suite struct ContentTests {
  @Test func requestsComeBack() throws {
    #expect(
      try comesBack(
        ExecuteRequest(
          code: "x\n\"深\"", silent: false, storeHistory: true,
          userExpressions: [UserExpression(name: "b", code: "1"), .init(name: "a", code: "2")],
          allowStdin: true, stopOnError: false)))
    #expect(try comesBack(CompleteRequest(code: "abc", cursor: 2)))
    #expect(try comesBack(InspectRequest(code: "abc", cursor: 0, detailLevel: 1)))
    #expect(try comesBack(IsCompleteRequest(code: "(")))
    #expect(try comesBack(HistoryRequest.tail(count: 3, output: true)))
    #expect(try comesBack(HistoryRequest.range(session: -1, start: 2, stop: nil, output: false)))
    #expect(try comesBack(HistoryRequest.range(session: 4, start: 2, stop: 9, output: true)))
    #expect(
      try comesBack(HistoryRequest.search(pattern: "a*", count: 2, unique: true, output: false)))
    #expect(try comesBack(CommInfoRequest(target: "t")))
    #expect(try comesBack(CommInfoRequest()))
    #expect(try comesBack(CommContent(identifier: "i", target: "t", data: ["a": [1]])))
    #expect(try comesBack(Shutdown(restart: true)))
    #expect(try comesBack(SubshellContent(identifier: "i")))
    #expect(try comesBack(InputReply(value: "v")))
  }

  @Test func repliesComeBack() throws {
    let error = ErrorContent(name: "E", message: "m", traceback: ["a", "b"])
    #expect(
      try comesBack(
        ExecuteReply.ok(
          executionCount: 4, payload: [["source": "page", "start": 0]],
          userExpressions: [
            .init(name: "x", outcome: .value(MIMEBundle(plainText: "1"))),
            .init(name: "y", outcome: .error(error)),
          ])))
    #expect(try comesBack(ExecuteReply.error(error, executionCount: 2)))
    #expect(try comesBack(ExecuteReply.aborted(executionCount: 2)))
    #expect(
      try comesBack(
        CompleteReply(
          matches: [
            .init(text: "attention", type: "function", signature: "(text)"),
            .init(text: "at", type: "keyword"),
          ], start: 3, end: 5)))
    #expect(try comesBack(InspectReply(bundle: MIMEBundle(plainText: "x"))))
    #expect(try comesBack(InspectReply(bundle: nil)))
    for reply in [IsCompleteReply.complete, .incomplete(indent: "  "), .invalid, .unknown] {
      #expect(try comesBack(reply))
    }
    let entries = [
      HistoryReply.Entry(session: 1, line: 2, input: "a"),
      .init(session: 1, line: 3, input: "b", output: "c"),
    ]
    #expect(try comesBack(HistoryReply(entries: entries, output: true)))
    #expect(try comesBack(CommInfoReply(comms: [.init(identifier: "b", target: "t")])))
    #expect(try comesBack(SubshellList(identifiers: ["b", "a"])))
    #expect(
      try comesBack(
        ConnectReply(
          ports: .init(shell: 1, control: 2, inputOutput: 3, standardInput: 4, heartbeat: 5))))
    #expect(
      try comesBack(
        KernelInformation(
          implementation: "i", implementationVersion: "1",
          language: LanguageInformation(
            name: "l", version: "2", mimeType: "text/x-l", fileExtension: ".l",
            pygmentsLexer: "python", codeMirrorMode: ["name": "python"]),
          banner: "b", helpLinks: [.init(text: "t", url: "u")], supportedFeatures: ["f"])))
  }

  @Test func broadcastsComeBack() throws {
    #expect(try comesBack(StreamContent(name: .standardError, text: "t\r\n")))
    #expect(
      try comesBack(
        DisplayContent(
          bundle: MIMEBundle(data: ["text/html": "<b>"], metadata: ["a": 1]),
          displayIdentifier: "d", executionCount: 7)))
    #expect(try comesBack(ExecuteInput(code: "c", executionCount: 3)))
    #expect(try comesBack(ClearOutput(wait: true)))
    #expect(try comesBack(ErrorContent(name: "a", message: "b", traceback: [])))
    for state in [ExecutionState.starting, .busy, .idle] { #expect(try comesBack(state)) }
    #expect(try comesBack(IOPubWelcome(subscription: "kernel")))
    #expect(try comesBack(InputRequest(prompt: "p", password: true)))
  }

  @Test func absentFieldsHaveTheProtocolsDefaults() throws {
    let request = try ExecuteRequest(["code": "x"])
    #expect(!request.silent && request.storeHistory && request.stopOnError && request.allowStdin)
    let silent = try ExecuteRequest(["code": "x", "silent": true, "store_history": true])
    #expect(!silent.storeHistory)
    #expect(try CompleteRequest(["code": "aé深"]).cursor == 3)
    #expect(try CompleteRequest(["code": "ab", "cursor_pos": 99]).cursor == 2)
    #expect(try CompleteRequest(["code": "ab", "cursor_pos": -4]).cursor == 0)
    #expect(try CommInfoRequest(["target_name": ""]).target == nil)
    #expect(
      try HistoryRequest(["hist_access_type": "tail", "n": -5]) == .tail(count: 0, output: false))
  }

  @Test(
    arguments: [
      ["silent": false], ["code": 3], ["code": "a", "silent": "no"],
      ["code": "a", "user_expressions": ["x": 1]], ["code": "a", "user_expressions": []],
    ] as [JSONObject])
  func wrongFieldsAreErrors(_ content: JSONObject) {
    #expect(throws: ContentError.self) { try ExecuteRequest(content) }
  }

  @Test func theMatchesTypesGoInLabsMetadata() {
    let content = CompleteReply(
      matches: [.init(text: "load", type: "function", signature: "(model)")], start: 1, end: 3
    ).content
    let type = JSON.object(content)["metadata"]?["_jupyter_types_experimental"]?[0]
    #expect(type?["type"]?.string == "function")
    #expect(type?["start"]?.integer == 1 && type?["end"]?.integer == 3)
    #expect(content["matches"]?[0]?.string == "load")
  }
}

@Suite struct TimestampTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000Z"),
    (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
    (951_868_799_000_001, "2000-02-29T23:59:59.000001Z"),
    (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z"),
    (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
    (-1, "1969-12-31T23:59:59.999999Z"),
  ])
  func datesAreGregorian(_ microseconds: Int, _ text: String) {
    #expect(Timestamp(microseconds: microseconds).iso8601 == text)
  }
}

@Suite struct ConnectionFileTests {
  private static let valid: JSONObject = [
    "transport": "tcp", "ip": "127.0.0.1", "key": "k", "signature_scheme": "hmac-sha256",
    "shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
    "kernel_name": "vitrine",
  ]

  private func read(_ changes: JSONObject) throws -> ConnectionFile {
    var object = Self.valid
    for change in changes.members {
      object[change.key] = change.value.isNull ? Optional<JSON>.none : change.value
    }
    return try ConnectionFile(parsing: JSON.object(object).serializedBytes())
  }

  @Test func theUsualFileIsRead() throws {
    let file = try read([:])
    #expect(file.ports.inputOutput == 2 && file.ports.heartbeat == 5)
    #expect(file.key == [UInt8(ascii: "k")])
    #expect(file.endpoint(port: 1) == "tcp://127.0.0.1:1")
    #expect(file.kernelName == "vitrine" && file.curveKeys == nil)
    #expect(try read(["ip": "::1"]).endpoint(port: 7) == "tcp://[::1]:7")
    let ipc = try read(["transport": "ipc", "ip": "/tmp/k"])
    #expect(ipc.endpoint(port: 3) == "ipc:///tmp/k-3")
    #expect(ipc.socketPath(port: 3) == "/tmp/k-3")
    #expect(try read(["key": ""]).key.isEmpty)
  }

  @Test func encryptionKeysAreReadInPairs() throws {
    let key = String(repeating: "a$", count: 20)
    let keys = try read(["curve_publickey": .string(key), "curve_secretkey": .string(key)])
      .curveKeys
    #expect(keys == .init(publicKey: key, secretKey: key))
    #expect(throws: ConnectionFileError.invalidCurveKeys) {
      try read(["curve_publickey": .string(key)])
    }
    #expect(throws: ConnectionFileError.invalidCurveKeys) {
      try read(["curve_publickey": .string(key), "curve_secretkey": "short"])
    }
  }

  @Test func whatIsWrongIsSaid() {
    #expect(throws: ConnectionFileError.missing(key: "hb_port")) { try read(["hb_port": nil]) }
    #expect(throws: ConnectionFileError.missing(key: "ip")) { try read(["ip": nil]) }
    #expect(throws: ConnectionFileError.invalidPort(key: "shell_port", value: "70000")) {
      try read(["shell_port": 70000])
    }
    #expect(throws: ConnectionFileError.unknownTransport("inproc")) {
      try read(["transport": "inproc"])
    }
    #expect(throws: ConnectionFileError.unknownSignatureScheme("hmac-md5")) {
      try read(["signature_scheme": "hmac-md5"])
    }
    #expect(throws: ConnectionFileError.notJSON(offset: 1)) {
      try ConnectionFile(parsing: Array("{".utf8))
    }
  }
}
