public import DataFormats

/// A notebook file (nbformat 4).
///
/// The JSON it was read from is kept whole: fields that Vitrine doesn't know, and the order of all
/// fields, survive reading and writing.
public struct Notebook: Sendable, Equatable {
  /// The whole file's object.
  public var object: JSONObject

  /// Reads a notebook.
  ///
  /// - Throws: `NotebookError`, one sentence that says what is wrong.
  public init(parsing bytes: [UInt8]) throws(NotebookError) {
    let json: JSON
    do { json = try JSON(parsing: bytes) } catch { throw .notJSON(offset: error.offset) }
    guard case .object(let object) = json, let version = object["nbformat"]?.integer else {
      throw .notANotebook
    }
    guard version == 4 else { throw .unknownFormat(version) }
    guard let cells = object["cells"]?.array else { throw .notANotebook }
    for (index, cell) in cells.enumerated() {
      guard let cell = cell.object, let type = cell["cell_type"]?.string,
        NotebookCell.Kind(rawValue: type) != nil,
        cell["source"].map(MultilineText.join) ?? nil != nil
      else { throw .invalidCell(index: index) }
    }
    self.object = object
  }

  /// Makes a notebook (nbformat 4.5) of cells, which get the ids `cell-1`, `cell-2`, … where they
  /// have none.
  public init(
    cells: [NotebookCell], kernelName: String, displayName: String, language: LanguageInformation
  ) {
    object = [
      "cells": [],
      "metadata": [
        "kernelspec": [
          "display_name": .string(displayName), "language": .string(language.name),
          "name": .string(kernelName),
        ],
        "language_info": .object(language.content),
      ],
      "nbformat": 4, "nbformat_minor": 5,
    ]
    self.cells = cells
  }

  /// The cells in order.
  public var cells: [NotebookCell] {
    get {
      (object["cells"]?.array ?? []).compactMap { $0.object }.map { NotebookCell(object: $0) }
    }
    set {
      let wantsIdentifiers = object["nbformat_minor"]?.integer ?? 0 >= 5
      let cells = newValue.enumerated().map { index, cell -> JSON in
        guard wantsIdentifiers, cell.identifier == nil else { return .object(cell.object) }
        var cell = cell
        cell.identifier = "cell-\(index + 1)"
        return .object(cell.object)
      }
      object["cells"] = .array(cells)
    }
  }

  /// What is known of the notebook as a whole.
  public var metadata: JSONObject {
    get { object["metadata"]?.object ?? [:] }
    set { object["metadata"] = .object(newValue) }
  }

  /// The name of the kernel that the notebook wants.
  public var kernelName: String? { object["metadata"]?["kernelspec"]?["name"]?.string }

  /// The bytes of the file, indented and ended as Jupyter does.
  public func serializedBytes() -> [UInt8] {
    JSON.object(object).serializedBytes(indentation: 1) + [10]
  }
}

/// A cell of a notebook.
public struct NotebookCell: Sendable, Equatable {
  /// What a cell holds.
  public enum Kind: String, Sendable {
    case code
    case markdown
    case raw
  }

  /// The cell's object, with fields that Vitrine doesn't know.
  public var object: JSONObject

  init(object: JSONObject) { self.object = object }

  /// Makes a cell without outputs.
  public init(kind: Kind, source: String, identifier: String? = nil) {
    object = ["cell_type": .string(kind.rawValue)]
    if kind == .code { object["execution_count"] = .null }
    if let identifier { object["id"] = .string(identifier) }
    object["metadata"] = [:]
    if kind == .code { object["outputs"] = [] }
    self.source = source
  }

  /// What the cell holds.
  public var kind: Kind { object["cell_type"]?.string.flatMap(Kind.init) ?? .raw }

  /// The cell's id (since nbformat 4.5).
  public var identifier: String? {
    get { object["id"]?.string }
    set { object["id"] = newValue.map { .string($0) } }
  }

  /// The cell's text.
  public var source: String {
    get { object["source"].flatMap(MultilineText.join) ?? "" }
    set { object["source"] = MultilineText.split(newValue) }
  }

  /// The cell's metadata.
  public var metadata: JSONObject {
    get { object["metadata"]?.object ?? [:] }
    set { object["metadata"] = .object(newValue) }
  }

  /// The cell's tags, such as `parameters`.
  public var tags: [String] { (object["metadata"]?["tags"]?.array ?? []).compactMap(\.string) }

  /// The number of the cell's last execution; of code cells.
  public var executionCount: Int? {
    get { object["execution_count"]?.integer }
    set { object["execution_count"] = newValue.map { .integer($0) } ?? .null }
  }

  /// The cell's outputs in nbformat's form; of code cells.
  public var outputs: [JSONObject] {
    get { (object["outputs"]?.array ?? []).compactMap(\.object) }
    set { object["outputs"] = .array(newValue.map { .object($0) }) }
  }
}

/// Why a file isn't a notebook that can be run.
public enum NotebookError: Error, Sendable, Equatable, CustomStringConvertible {
  case notJSON(offset: Int)
  case notANotebook
  case unknownFormat(Int)
  case invalidCell(index: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .notJSON(let offset): "The notebook is not JSON (the trouble begins at byte \(offset))."
    case .notANotebook: "The file is JSON but not a notebook: it lacks nbformat or cells."
    case .unknownFormat(let version):
      "The notebook is of format \(version); only format 4 can be read. Jupyter converts it."
    case .invalidCell(let index):
      "Cell \(index + 1) of the notebook has no known cell_type or no source."
    }
  }
}

/// Texts as nbformat keeps them: a string, or a list of lines that keep their line feeds.
enum MultilineText {
  /// The text of a string or a list of strings; `nil` for anything else.
  static func join(_ value: JSON) -> String? {
    if let text = value.string { return text }
    guard let lines = value.array else { return nil }
    var text = ""
    for line in lines {
      guard let line = line.string else { return nil }
      text += line
    }
    return text
  }

  /// The text as a list of lines.
  static func split(_ text: String) -> JSON {
    var lines: [JSON] = []
    var rest = text.utf8[...]
    while let place = rest.firstIndex(of: 10) {
      let next = rest.index(after: place)
      lines.append(.string(String(rest[..<next]) ?? ""))
      rest = rest[next...]
    }
    if !rest.isEmpty { lines.append(.string(String(rest) ?? "")) }
    return .array(lines)
  }
}
