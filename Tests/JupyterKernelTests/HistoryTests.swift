import DataFormats
import Glibc
import JupyterProtocol
import Testing

@testable import JupyterKernel

@Suite struct HistoryTests {
  private func temporaryPath() -> String {
    "\(LiveKernel.temporaryFolder())/state/history.jsonl"
  }

  @Test func entriesOutliveTheKernel() {
    let path = temporaryPath()
    defer { LiveKernel.remove(path) }
    for number in 1...3 {
      let history = History(path: path)
      let session = HistorySession()
      history.append(session, line: 1, input: "first \(number)", output: "v\(number)")
      history.append(session, line: 2, input: "same 深", output: nil)
      history.save()
    }
    let history = History(path: path)
    let session = HistorySession()
    history.append(session, line: 1, input: "now", output: nil)
    func ask(_ request: HistoryRequest) -> [HistoryReply.Entry] {
      history.answer(request, session: session).entries
    }
    #expect(ask(.tail(count: 2, output: false)).map(\.input) == ["same 深", "now"])
    #expect(ask(.tail(count: 100, output: false)).map(\.session) == [1, 1, 2, 2, 3, 3, 4])
    #expect(ask(.range(session: 0, start: 1, stop: nil, output: false)).map(\.input) == ["now"])
    #expect(
      ask(.range(session: -1, start: 1, stop: 2, output: true))
        == [.init(session: 3, line: 1, input: "first 3", output: "v3")])
    #expect(ask(.range(session: 2, start: 2, stop: 3, output: false)).map(\.input) == ["same 深"])
    #expect(ask(.range(session: -9, start: 1, stop: nil, output: false)).isEmpty)
    #expect(ask(.search(pattern: "same*", count: nil, unique: false, output: false)).count == 3)
    #expect(
      ask(.search(pattern: "same ?", count: nil, unique: true, output: false)).map(\.session) == [3]
    )
    #expect(
      ask(.search(pattern: "first [1-2]", count: 1, unique: false, output: false)).map(\.input)
        == ["first 2"])
  }

  @Test func twoKernelsShareAFile() {
    let path = temporaryPath()
    defer { LiveKernel.remove(path) }
    let histories = (0..<2).map { _ in (History(path: path), HistorySession()) }
    for line in 1...50 {
      for (index, (history, session)) in histories.enumerated() {
        history.append(session, line: line, input: "\(index)", output: nil)
        history.save()
      }
    }
    let all = History(path: path).answer(
      .tail(count: 1_000, output: false), session: HistorySession())
    #expect(all.entries.count == 100)
    for entry in all.entries { #expect(entry.session == Int(entry.input).map { $0 + 1 }) }
  }

  @Test func theFileStaysWithinItsLimits() {
    let path = temporaryPath()
    defer { LiveKernel.remove(path) }
    let file = HistoryFile(path: path)
    _ = file.begin(entryLimit: 100, byteLimit: 1 << 20)
    let entries = (1...500).map { HistoryReply.Entry(session: 1, line: $0, input: "x") }
    file.append(entries)
    let (content, session) = file.begin(entryLimit: 100, byteLimit: 1 << 20)
    #expect(content.entries == Array(entries.suffix(75)))
    #expect(session == 2)
    let (again, third) = file.begin(entryLimit: 100, byteLimit: 500)
    #expect(!again.entries.isEmpty && again.entries.count < 20)
    #expect(again.entries.last == entries.last)
    #expect(third == 3)
  }

  @Test func brokenLinesArePassedOver() throws {
    let path = temporaryPath()
    defer { LiveKernel.remove(path) }
    let file = HistoryFile(path: path)
    _ = file.begin(entryLimit: 100, byteLimit: 1 << 20)
    file.append([.init(session: 1, line: 1, input: "whole")])
    let descriptor = open(path, O_WRONLY | O_APPEND)
    let garbage = Array("{\"session\": 2, \"li\n\u{0}\n[1]\n{\"session\": -5}\n".utf8)
    #expect(write(descriptor, garbage, garbage.count) == garbage.count)
    close(descriptor)
    let (content, session) = file.begin(entryLimit: 100, byteLimit: 1 << 20)
    #expect(content.entries.map(\.input) == ["whole"])
    #expect(session == 2)
  }

  @Test func withoutAFileTheHistoryIsInMemory() {
    let history = History(path: "/proc/nowhere/history.jsonl")
    let session = HistorySession()
    history.append(session, line: 1, input: "a", output: nil)
    let reply = history.answer(.tail(count: 5, output: false), session: session)
    #expect(reply.entries.map(\.input) == ["a"])
  }

  @Test(arguments: [
    ("", "", true), ("*", "", true), ("a*c", "abbc", true), ("a*c", "abbd", false),
    ("a?c", "a深c", true), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false), ("[!a]", "b", true),
    ("[", "[", true), ("[]]", "]", true), ("a", "ab", false), ("*b*", "abc\nd", true),
    ("*a*a*a*b", String(repeating: "a", count: 3_000), false),
  ])
  func patternsAreGlobs(_ pattern: String, _ text: String, _ matches: Bool) {
    #expect(GlobPattern(pattern).matches(text) == matches)
  }
}

@Suite(.serialized, .tags(.live)) struct HistoryServerTests {
  @Test func theHistoryOfAKernelIsThatOfTheNext() async throws {
    let path = "\(LiveKernel.temporaryFolder())/h.jsonl"
    defer { LiveKernel.remove(path) }
    try await LiveKernel.run(historyPath: path) { kernel in
      let client = try kernel.client()
      for code in ["one", "two"] { _ = try client.reply(to: client.execute(code)) }
    }
    try await LiveKernel.run(historyPath: path) { kernel in
      let client = try kernel.client()
      _ = try client.reply(to: client.execute("three"))
      let tail = client.send(
        "history_request", HistoryRequest.tail(count: 3, output: false).content)
      #expect(
        try client.reply(to: tail).content["history"]
          == [[1, 1, "one"], [1, 2, "two"], [2, 1, "three"]])
      let range = client.send(
        "history_request",
        HistoryRequest.range(session: 1, start: 2, stop: 3, output: true).content)
      #expect(try client.reply(to: range).content["history"] == [[1, 2, ["two", "two"]]])
    }
  }
}
