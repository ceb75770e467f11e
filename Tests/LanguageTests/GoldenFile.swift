import Glibc
import Testing

/// A Markdown file of cases: a heading, then sections of a title and a fenced block each.
struct GoldenFile {
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String
    var title: String
    var sections: [String: String]

    var testDescription: String { "\(file): \(title)" }
  }

  static let folder: String = {
    let parts = #filePath.split(separator: "/").dropLast(2)
    return "/" + parts.joined(separator: "/") + "/Fixtures/Language/"
  }()

  static let names = ["literals", "expressions", "statements", "recovery", "foreign"]

  /// Whether this run writes the files anew.
  static let isRecording = getenv("VITRINE_RECORD") != nil

  var preamble: String
  var cases: [Case]

  init(name: String) {
    let lines = Self.read(Self.folder + name + ".md").split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    var preamble: [String] = []
    var cases: [Case] = []
    var title: String?
    var block: [String]?
    for line in lines {
      if let open = block {
        if line == "````" {
          if let title, !cases.isEmpty {
            cases[cases.count - 1].sections[title] = open.joined(separator: "\n")
          }
          block = nil
        } else {
          block = open + [line]
        }
      } else if line == "````" {
        block = []
      } else if line.hasPrefix("## ") {
        cases.append(Case(file: name, title: String(line.dropFirst(3)), sections: [:]))
      } else if cases.isEmpty {
        preamble.append(line)
      } else if !line.isEmpty {
        title = line
      }
    }
    while preamble.last?.isEmpty == true { preamble.removeLast() }
    self.preamble = preamble.joined(separator: "\n")
    self.cases = cases
  }

  func write(name: String) throws {
    var text = preamble
    for (index, entry) in cases.enumerated() {
      text += (index == 0 ? "\n\n" : "\n") + "## \(entry.title)\n"
      for title in ["SOURCE", "TREE", "DIAGNOSTICS"] {
        let content = entry.sections[title] ?? ""
        text += "\n\(title)\n````\n" + content + (content.isEmpty ? "" : "\n") + "````\n"
      }
    }
    let path = Self.folder + name + ".md"
    let file = try #require(fopen(path, "w"), "\(path) can't be written")
    let isWritten = fputs(text, file) >= 0
    #expect(fclose(file) == 0 && isWritten, "\(path) was not written whole")
  }

  private static func read(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
