import DataFormats
import Testing

@testable import JupyterProtocol

private let key = Array("7a9e3c".utf8)

private func request(_ type: String = "execute_request", buffers: [[UInt8]] = []) -> Message {
  Message(
    identities: [[0, 1, 2]],
    header: Header(
      type: type, session: "s", identifier: "m1", username: "u",
      date: "2026-01-02T03:04:05.678901Z", subshell: "sub"),
    parentHeaderBytes: Array(#"{"msg_id":"p"}"#.utf8), metadata: ["cellId": "c"],
    content: ["code": "深 = \"é\"\n"], buffers: buffers)
}

@Suite struct WireFormatTests {
  @Test func aMessageComesBackAsItWas() throws {
    var wire = WireFormat(key: key)
    let sent = request(buffers: [[1, 2, 3], []])
    let frames = wire.encode(sent)
    #expect(frames.count == 9)
    #expect(frames[1] == Array("<IDS|MSG>".utf8))
    let received = try wire.decode(frames)
    #expect(received.identities == [[0, 1, 2]])
    #expect(received.header == sent.header)
    #expect(received.header.subshell == "sub")
    #expect(received.parentHeaderBytes == sent.parentHeaderBytes)
    #expect(received.metadata == sent.metadata)
    #expect(received.content == sent.content)
    #expect(received.buffers == [[1, 2, 3], []])
  }

  /// The expected digest was computed with Python's `hmac` module.
  @Test func theSignatureIsThatOfOtherImplementations() {
    let frames = WireFormat(key: Array("key".utf8)).encode(
      Message(
        identities: [],
        header: Header(
          type: "t", session: "s", identifier: "m", username: "", date: "d", version: "5.5"),
        content: [:]))
    #expect(
      String(decoding: frames[2], as: UTF8.self)
        == #"{"msg_id":"m","session":"s","username":"","date":"d","msg_type":"t","version":"5.5"}"#)
    #expect(
      String(decoding: frames[1], as: UTF8.self)
        == "271f4c034ae95db5b2b52cd8a38a7538affc0bc95af61ac6ecaea7281548bb28")
  }

  @Test func buffersAreOutsideTheSignature() throws {
    var wire = WireFormat(key: key)
    var frames = wire.encode(request(buffers: [[1]]))
    frames[frames.count - 1] = [9]
    let received = try wire.decode(frames)
    #expect(received.buffers == [[9]])
  }

  @Test(arguments: 2..<7)
  func aChangedFrameIsRefused(_ index: Int) {
    var wire = WireFormat(key: key)
    var frames = wire.encode(request())
    frames[index][frames[index].count - 1] ^= 1
    #expect(throws: WireError.badSignature) { try wire.decode(frames) }
  }

  @Test func aWrongKeyAndAnEmptySignatureAreRefused() {
    var wire = WireFormat(key: key)
    let foreign = WireFormat(key: Array("other".utf8)).encode(request())
    #expect(throws: WireError.badSignature) { try wire.decode(foreign) }
    let unsigned = WireFormat(key: []).encode(request())
    #expect(throws: WireError.badSignature) { try wire.decode(unsigned) }
  }

  @Test func withoutAKeyNothingIsChecked() throws {
    var wire = WireFormat(key: [])
    let frames = wire.encode(request())
    #expect(frames[2].isEmpty)
    for _ in 0..<2 {
      let received = try wire.decode(frames)
      #expect(received.header.identifier == "m1")
    }
  }

  @Test func aSignatureIsTakenOnce() throws {
    var wire = WireFormat(key: key)
    let frames = wire.encode(request())
    _ = try wire.decode(frames)
    #expect(throws: WireError.duplicateSignature) { try wire.decode(frames) }
  }

  @Test func theMemoryOfSignaturesIsBounded() throws {
    var memory = SignatureMemory(capacity: 3)
    func insert(_ signature: [UInt8]) -> Bool { memory.insert(signature) }
    let signatures = (0..<5).map { number in
      Array(SHA256.hexadecimal([UInt8(number)]).utf8)
    }
    for signature in signatures { #expect(insert(signature)) }
    #expect(memory.count == 3)
    // The last three are known, the first two are forgotten.
    for signature in signatures[2...] { #expect(!insert(signature)) }
    #expect(insert(signatures[0]))
    #expect(insert(signatures[1]))
  }

  @Test func oversizedMessagesAreRefused() {
    var wire = WireFormat(key: [])
    wire.limits.bytes = 1_000
    wire.limits.frames = 10
    wire.limits.headerBytes = 500
    let large = wire.encode(request(buffers: [[UInt8](repeating: 0, count: 1_000)]))
    #expect(throws: WireError.tooLarge(limit: 1_000)) { try wire.decode(large) }
    let many = wire.encode(request(buffers: Array(repeating: [], count: 10)))
    #expect(throws: WireError.tooManyFrames(limit: 10)) { try wire.decode(many) }
    var long = request()
    long.headerBytes = JSON.object([
      "msg_id": .string(String(repeating: "x", count: 600)), "msg_type": "t",
    ]).serializedBytes()
    let frames = wire.encode(long)
    #expect(throws: WireError.headerTooLarge(limit: 500)) { try wire.decode(frames) }
  }

  @Test func brokenFramesAreRefused() {
    var wire = WireFormat(key: [])
    #expect(throws: WireError.noDelimiter) { try wire.decode([[1], [2]]) }
    #expect(throws: WireError.noDelimiter) { try wire.decode([]) }
    #expect(throws: WireError.tooFewFrames(2)) {
      try wire.decode([WireFormat.delimiter, [], Message.emptyObject])
    }
    let empty = Message.emptyObject
    func decode(_ header: String, _ content: String = "{}") throws(WireError) {
      _ = try wire.decode([
        WireFormat.delimiter, [], Array(header.utf8), empty, empty, Array(content.utf8),
      ])
    }
    #expect(throws: WireError.incompleteHeader) { try decode("{}") }
    #expect(throws: WireError.notAnObject(frame: "header")) { try decode("[]") }
    let header = #"{"msg_id":"a","msg_type":"b"}"#
    #expect(throws: WireError.notAnObject(frame: "content")) { try decode(header, "3") }
    #expect(throws: WireError.self) { try decode(header, "{\"a\":") }
    #expect(throws: WireError.self) {
      try decode(header, "{\"a\":" + String(repeating: "[", count: 100_000))
    }
    #expect(throws: Never.self) {
      try decode(header, #"{"m": 123456789012345678901234567890, "n": -1e-400}"#)
    }
  }
}

/// A small generator of reproducible numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

@Suite struct WireFormatFuzzTests {
  /// Reads a content as every type of message, as a kernel or client might.
  private static let readers: [@Sendable (JSONObject) throws -> Void] = [
    { _ = try ExecuteRequest($0).content }, { _ = try ExecuteReply($0).content },
    { _ = try CompleteRequest($0).content }, { _ = try CompleteReply($0).content },
    { _ = try InspectRequest($0).content }, { _ = try InspectReply($0).content },
    { _ = try IsCompleteRequest($0).content }, { _ = try IsCompleteReply($0).content },
    { _ = try HistoryRequest($0).content }, { _ = try HistoryReply($0).content },
    { _ = try CommInfoRequest($0).content }, { _ = try CommInfoReply($0).content },
    { _ = try CommContent($0).content }, { _ = try KernelInformation($0).content },
    { _ = try ConnectReply($0).content }, { _ = try Shutdown($0).content },
    { _ = try SubshellContent($0).content }, { _ = try SubshellList($0).content },
    { _ = try InputRequest($0).content }, { _ = try InputReply($0).content },
    { _ = try StreamContent($0).content }, { _ = try DisplayContent($0).content },
    { _ = try ErrorContent($0).content }, { _ = try ExecuteInput($0).content },
    { _ = try ClearOutput($0).content }, { _ = try ExecutionState($0).content },
    { _ = try IOPubWelcome($0).content },
  ]

  @Test func mutatedMessagesAreReadOrRefused() {
    var random = SeededGenerator(state: 7)
    var wire = WireFormat(key: [])
    let seeds = Self.seeds.map { content in
      wire.encode(
        Message(
          identities: [[1]], header: Header(type: "t", session: "s", identifier: "i"),
          content: content, buffers: [[1, 2]]))
    }
    var accepted = 0
    for round in 0..<100_000 {
      let frames = Self.mutate(seeds[round % seeds.count], &random)
      guard let message = try? wire.decode(frames) else { continue }
      accepted += 1
      try? Self.readers[round / seeds.count % Self.readers.count](message.content)
      #expect(message.headerBytes.count <= wire.limits.headerBytes)
    }
    // Both ways were really taken.
    #expect(accepted > 10_000 && accepted < 90_000)
  }

  private static let seeds: [JSONObject] = [
    [
      "code": "a", "silent": false, "store_history": true, "user_expressions": ["x": "y"],
      "allow_stdin": true, "stop_on_error": true, "cursor_pos": 1, "detail_level": 0,
    ],
    [
      "hist_access_type": "range", "session": -1, "start": 1, "stop": 9, "n": 4, "pattern": "[a-",
      "unique": true, "output": true, "raw": true,
    ],
    [
      "comm_id": "c", "target_name": "t", "data": ["a": [1, 2.5, nil]], "restart": false,
      "subshell_id": "x", "value": "v", "history": [[1, 2, ["a", nil]]],
    ],
  ]

  private static let pieces = [
    "{", "}", "[", "]", "\"", ",", ":", "null", "-1", "1e999", "9223372036854775808", "\\u0000",
    "\\ud800", "\u{0}", "{\"a\":", "[[[[[[[[", "true", "\"code\":", "\u{FFFD}",
  ]

  private static func mutate(_ frames: [[UInt8]], _ random: inout SeededGenerator) -> [[UInt8]] {
    var frames = frames
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      guard !frames.isEmpty else { break }
      let index = Int.random(in: 0..<frames.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: frames.remove(at: index)
      case 1: frames.insert(frames[index], at: index)
      case 2: frames.swapAt(index, Int.random(in: 0..<frames.count, using: &random))
      case 3:
        frames[index] = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
      case 4 where !frames[index].isEmpty:
        frames[index].removeLast(Int.random(in: 1...frames[index].count, using: &random))
      case 5 where !frames[index].isEmpty:
        frames[index][Int.random(in: 0..<frames[index].count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      default:
        let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
        frames[index].insert(
          contentsOf: Array(piece.utf8),
          at: Int.random(in: 0...frames[index].count, using: &random))
      }
    }
    return frames
  }
}
