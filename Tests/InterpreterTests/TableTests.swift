import DataFormats
import Glibc
import Interpreter
import Testing

/// A folder of its own for a test, removed at the end.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = "/tmp/vitrine-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    guard mkdir(path, 0o700) == 0 else { throw FunctionError("no folder") }
  }

  deinit {
    let session = Session(version: "test")
    for match in session.complete("table(\"\(path)/", codePoint: path.count + 8).matches {
      unlink(match.text)
    }
    rmdir(path)
  }

  func write(_ name: String, _ text: String) -> String {
    let file = path + "/" + name
    guard let stream = fopen(file, "w") else { return file }
    fputs(text, stream)
    fclose(stream)
    return file
  }

  func read(_ name: String) -> [UInt8] {
    guard let stream = fopen(path + "/" + name, "r") else { return [] }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(stream), byte != EOF { bytes.append(UInt8(byte)) }
    return bytes
  }
}

@Suite struct TableTests {
  @Test("A CSV file becomes columns of numbers and texts")
  func csv() throws {
    let folder = try TemporaryFolder()
    let path = folder.write("words.csv", "term,count,code\n芯片,2,007\n\"a, b\",,008\n算法,3.5,009\n")
    let session = Session(version: "test")
    session.run("t = table(\"\(path)\")")
    #expect(session.run("t.term").result == "[\"芯片\", \"a, b\", \"算法\"]")
    #expect(session.run("t.count").result == "[2, none, 3.5]")
    #expect(session.run("t.code").result == "[\"007\", \"008\", \"009\"]")
    #expect(session.run("t[0]").result == "{term: \"芯片\", count: 2, code: \"007\"}")
    #expect(session.run("len(t)").result == "3")
    #expect(session.run("t[1...2].term").result == "[\"a, b\", \"算法\"]")
    #expect(session.run("t[\"term\"][-1]").result == "\"算法\"")
    #expect(session.run("filter(t, r -> r.count != none).term").result == "[\"芯片\", \"算法\"]")
    #expect(session.run("sort(t, by: \"code\", descending: true).code[0]").result == "\"009\"")
    #expect(session.run("[r.term for r in t]").result == "[\"芯片\", \"a, b\", \"算法\"]")
    #expect(session.run("t.trem").diagnostics.first?.hint == "Did you mean `term`?")
    #expect(session.run("t").bundle?.html?.contains("<table") == true)
  }

  @Test("JSON lines and JSON become tables; a missing field is none")
  func json() throws {
    let folder = try TemporaryFolder()
    let lines = folder.write("a.jsonl", "{\"a\": 1}\n\n{\"a\": 2, \"b\": \"x\"}\n")
    let columns = folder.write("b.json", "{\"a\": [1, 2], \"b\": [3, 4]}")
    let broken = folder.write("c.jsonl", "{\"a\": 1}\n{oops\n")
    let session = Session(version: "test")
    #expect(session.run("table(\"\(lines)\").b").result == "[none, \"x\"]")
    #expect(session.run("table(\"\(columns)\").b").result == "[3, 4]")
    #expect(session.run("table(\"\(broken)\")").message.contains("Line 2"))
  }

  @Test("A missing file is told with the nearest name")
  func missing() throws {
    let folder = try TemporaryFolder()
    _ = folder.write("words.csv", "a\n1\n")
    let run = Session(version: "test").run("table(\"\(folder.path)/wrods.csv\")")
    #expect(run.code == "missing-file")
    #expect(run.diagnostics.first?.hint == "Did you mean \"\(folder.path)/words.csv\"?")
    #expect(
      Session(version: "test").run("table(\"\(folder.path)\")").message.contains("is a folder"))
    #expect(Session(version: "test").run("read(\"/dev/zero\")").code == "wrong-file")
  }

  @Test("Values are saved by the extension")
  func saving() throws {
    let folder = try TemporaryFolder()
    let session = Session(version: "test")
    func save(_ source: String, _ name: String) -> String {
      let run = session.run("save(\(source), \"\(folder.path)/\(name)\")")
      #expect(run.diagnostics.isEmpty, "\(run.message)")
      return String(decoding: folder.read(name), as: UTF8.self)
    }
    #expect(
      try JSON(parsing: save("{a: [1, 0.5], b: none}", "a.json")) == ["a": [1, 0.5], "b": nil])
    #expect(save("table([{a: 1, b: \"x, y\"}])", "a.csv") == "a,b\n1,\"x, y\"\n")
    #expect(save("[{a: 1}, {b: 2}]", "b.csv") == "a,b\n1,\n,2\n")
    #expect(save("table([{a: 1}])", "a.svg").hasPrefix("<svg"))
    #expect(save("table([{a: 1}])", "a.html").contains("<!DOCTYPE html>"))
    #expect(save("\"文\"", "a.txt") == "文\n")
    _ = save("tensor([[1, 2], [3, 4]])", "a.npy")
    let array = try NPY.decode(folder.read("a.npy"))
    #expect(array == NPY(shape: [2, 2], values: .float32([1, 2, 3, 4])))
    _ = save("[0.1, 0.2]", "b.npy")
    #expect(try NPY.decode(folder.read("b.npy")) == NPY(shape: [2], values: .float64([0.1, 0.2])))
    #expect(session.run("save(1, \"\(folder.path)/no/a.json\")").code == "unwritable-file")
    #expect(session.run("save(1, \"\(folder.path)/a.svg\")").code == "no-figure")
  }
}
