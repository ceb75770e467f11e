import DataFormats
import Testing

@testable import JupyterProtocol

private let text = """
  {
   "nbformat_minor": 5,
   "zzz": {
    "b": 1,
    "a": [
     1.5
    ]
   },
   "cells": [
    {
     "id": "first",
     "unknown": true,
     "cell_type": "markdown",
     "metadata": {},
     "source": [
      "# 标题\\n",
      "text"
     ],
     "attachments": {}
    },
    {
     "cell_type": "code",
     "execution_count": 3,
     "id": "second",
     "metadata": {
      "tags": [
       "parameters"
      ]
     },
     "outputs": [],
     "source": "layer = 5"
    }
   ],
   "metadata": {
    "kernelspec": {
     "name": "vitrine"
    }
   },
   "nbformat": 4
  }

  """

@Suite struct NotebookTests {
  @Test func readingAndWritingChangesNoByte() throws {
    let notebook = try Notebook(parsing: Array(text.utf8))
    #expect(String(decoding: notebook.serializedBytes(), as: UTF8.self) == text)
    var same = notebook
    same.cells = notebook.cells
    #expect(String(decoding: same.serializedBytes(), as: UTF8.self) == text)
  }

  @Test func cellsAreUnderstood() throws {
    let notebook = try Notebook(parsing: Array(text.utf8))
    #expect(notebook.kernelName == "vitrine")
    let cells = notebook.cells
    #expect(cells.map(\.kind) == [.markdown, .code])
    #expect(cells[0].source == "# 标题\ntext")
    #expect(cells[1].tags == ["parameters"])
    #expect(cells[1].executionCount == 3 && cells[1].identifier == "second")
  }

  @Test func anExecutedCellIsWritten() throws {
    var notebook = try Notebook(parsing: Array(text.utf8))
    var record = CellOutputRecord()
    record.stream(.standardOutput, "a\nb")
    var cells = notebook.cells
    cells[1].outputs = record.outputs
    cells[1].executionCount = 1
    notebook.cells = cells
    let again = try Notebook(parsing: notebook.serializedBytes())
    #expect(again.cells[1].outputs[0]["text"] == ["a\n", "b"])
    #expect(again.cells[1].executionCount == 1)
    #expect(again.cells[0].object["unknown"] == true)
  }

  @Test func aNewNotebookHasIdentifiers() throws {
    let notebook = Notebook(
      cells: [
        NotebookCell(kind: .markdown, source: "a\r\nb\n"),
        NotebookCell(kind: .code, source: "x", identifier: "mine"),
      ], kernelName: "vitrine", displayName: "Vitrine",
      language: LanguageInformation(
        name: "vitrine", version: "1", mimeType: "text/x-vitrine", fileExtension: ".vit"))
    let again = try Notebook(parsing: notebook.serializedBytes())
    #expect(again.cells.map(\.identifier) == ["cell-1", "mine"])
    #expect(again.cells[0].object["source"] == ["a\r\n", "b\n"])
    #expect(again.cells[0].source == "a\r\nb\n")
    #expect(again.cells[0].object["outputs"] == nil)
    #expect(again.cells[1].object["execution_count"] == .null)
  }

  @Test func mutatedNotebooksAreReadOrRefused() {
    var random = SeededGenerator(state: 3)
    var accepted = 0
    for _ in 0..<5_000 {
      var bytes = Array(text.utf8)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = Array("{}[]\",:1 x".utf8)[Int.random(in: 0..<10, using: &random)]
      }
      guard var notebook = try? Notebook(parsing: bytes) else { continue }
      accepted += 1
      notebook.cells = notebook.cells
      #expect((try? Notebook(parsing: notebook.serializedBytes())) == notebook)
    }
    #expect(accepted > 500 && accepted < 4_500)
  }

  @Test(arguments: [
    ("", NotebookError.notJSON(offset: 0)), ("[]", .notANotebook),
    ("{\"nbformat\": 4}", .notANotebook),
    ("{\"nbformat\": 3, \"worksheets\": []}", .unknownFormat(3)),
    ("{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\"}]}", .invalidCell(index: 0)),
    (
      "{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"x\", \"source\": \"\"}]}",
      .invalidCell(index: 0)
    ),
  ])
  func whatIsNoNotebookIsRefused(_ text: String, _ error: NotebookError) {
    #expect(throws: error) { try Notebook(parsing: Array(text.utf8)) }
  }
}

@Suite struct CellOutputRecordTests {
  @Test func streamsAreJoinedUntilSomethingElseComes() {
    var record = CellOutputRecord()
    record.stream(.standardOutput, "a")
    record.stream(.standardOutput, "b\n")
    record.stream(.standardError, "c")
    record.display(MIMEBundle(plainText: "d"))
    record.stream(.standardError, "e")
    #expect(
      record.outputs.map { $0["output_type"]?.string } == [
        "stream", "stream", "display_data", "stream",
      ])
    #expect(record.outputs[0]["text"] == ["ab\n"])
    #expect(record.plainText == "ab\ncd\ne")
  }

  @Test func updatesReplaceByIdentifier() {
    var record = CellOutputRecord()
    record.display(MIMEBundle(plainText: "0%"), identifier: "p")
    record.display(MIMEBundle(plainText: "other"), identifier: "q")
    record.result(MIMEBundle(plainText: "0"), identifier: "p", executionCount: 2)
    let isFound = record.update(MIMEBundle(plainText: "100%"), identifier: "p")
    let isUnknownFound = record.update(MIMEBundle(plainText: "x"), identifier: "unknown")
    #expect(isFound && !isUnknownFound)
    #expect(record.plainText == "100%\nother\n100%\n")
    #expect(record.outputs[2]["execution_count"] == 2)
  }

  @Test func clearingMayWait() {
    var record = CellOutputRecord()
    record.stream(.standardOutput, "a")
    record.clear(wait: true)
    #expect(!record.isEmpty)
    record.stream(.standardOutput, "b")
    #expect(record.plainText == "b")
    record.clear(wait: false)
    #expect(record.isEmpty)
  }

  @Test func broadcastsAreApplied() throws {
    var record = CellOutputRecord()
    let bundle = MIMEBundle(data: [
      "text/html": "<p>\n</p>", "application/json": ["a": "x\ny"], "image/png": "iVBO",
    ])
    try record.apply(
      type: "display_data", content: DisplayContent(bundle: bundle, displayIdentifier: "d").content)
    try record.apply(type: "status", content: ExecutionState.busy.content)
    try record.apply(
      type: "error", content: ErrorContent(name: "E", message: "m", traceback: ["t"]).content)
    #expect(record.outputs.count == 2)
    let data = record.outputs[0]["data"]
    #expect(data?["text/html"] == ["<p>\n", "</p>"])
    #expect(data?["application/json"] == ["a": "x\ny"])
    #expect(data?["image/png"] == "iVBO")
    #expect(record.outputs[1]["ename"] == "E")
    try record.apply(
      type: "update_display_data",
      content: DisplayContent(bundle: MIMEBundle(plainText: "n"), displayIdentifier: "d").content)
    #expect(record.outputs[0]["data"]?["text/plain"] == ["n"])
  }
}
