import FoundationEssentials
import Interpreter
import Workbench

/// `vitrine doc`: the reference page of the language, from the catalogue.
enum DocCommand {
  static let usage = """
    vitrine doc [-o FILE]

      Writes the reference of all functions, as Markdown, to FILE or to standard output.
    """

  static func run(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(arguments, valued: [["-o", "--output"]])
    let page = Workbench.catalogue.referenceMarkdown()
    guard let file = arguments.value("--output") else {
      print(page)
      return
    }
    try writeFile(Array((page + "\n").utf8), to: file)
  }
}

/// Writes a file whole or not at all.
func writeFile(_ bytes: [UInt8], to path: String) throws(UsageError) {
  do {
    try Data(bytes).write(to: URL(filePath: path), options: .atomic)
  } catch {
    throw UsageError("\(path) can't be written; does its folder exist, and may you write there?")
  }
}
