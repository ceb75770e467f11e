public import DataFormats

/// A grid with a token in every cell, coloured by its probability: what each layer would say at each
/// position.
///
/// Rows are layers, columns positions. A cell shows its most likely candidate; the pointer or the arrow
/// keys tell the others.
public struct TokenGrid: Figure {
  /// One token that a cell stands for.
  public struct Candidate: Sendable, Hashable {
    /// The token's text.
    public var text: String
    /// How likely it is, from 0 to 1.
    public var probability: Double

    /// Makes a candidate.
    public init(_ text: String, _ probability: Double) {
      self.text = text
      self.probability = probability
    }
  }

  /// One cell.
  public struct Cell: Sendable, Hashable {
    /// The candidates, most likely first.
    public var candidates: [Candidate]
    /// More about the cell, such as a divergence; `nil` for nothing.
    public var detail: String?

    /// Makes a cell.
    public init(_ candidates: [Candidate], detail: String? = nil) {
      self.candidates = candidates
      self.detail = detail
    }

    /// The text in the cell.
    var text: String { candidates.first.map { VisibleText.axis($0.text) } ?? "" }
    /// The number of the cell's colour; NaN where there is no candidate.
    var value: Float { candidates.first.map { Float($0.probability) } ?? .nan }
  }

  /// The heading.
  public let title: String
  /// The cells, row by row; short rows are filled up with empty ones.
  public let rows: [[Cell]]
  /// What stands beside the rows.
  public let rowLabels: [TokenLabel]
  /// The tokens beneath the columns.
  public let columnLabels: [TokenLabel]
  /// What a row is.
  public let rowTitle: String
  /// What a column is.
  public let columnTitle: String
  /// The colours of probabilities from 0 to 1.
  public let colorMap: ColorMap
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// The language of the labels, such as `zh`, where it is known.
  public let language: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// Makes a grid; labels that are missing are the row's or column's number.
  public init(
    title: String, rows: [[Cell]], rowLabels: [TokenLabel], columnLabels: [TokenLabel],
    rowTitle: String = "layer", columnTitle: String = "position", colorMap: ColorMap = .viridis,
    note: String? = nil, language: String? = nil, provenance: Provenance? = nil
  ) {
    let columns = rows.map(\.count).max() ?? 0
    self.title = title
    self.rows = rows.map { $0 + Array(repeating: Cell([]), count: columns - $0.count) }
    self.rowLabels = Heatmap.completed(rowLabels, count: rows.count)
    self.columnLabels = Heatmap.completed(columnLabels, count: columns)
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.colorMap = colorMap
    self.note = note
    self.language = language
    self.provenance = provenance
  }

  /// How many columns there are.
  var columnCount: Int { columnLabels.count }

  private var sizeSentence: String {
    VisibleText.line(
      "\(rows.count) × \(columnCount) (\(rowTitle.isEmpty ? "row" : rowTitle) × "
        + "\(columnTitle.isEmpty ? "column" : columnTitle)), most likely tokens")
  }

  /// At most so many of a count's indices, evenly spread, the first and the last among them.
  static func spread(_ count: Int, most: Int) -> [Int] {
    guard count > most, most > 1 else { return Array(0..<count) }
    return (0..<most).map { $0 * (count - 1) / (most - 1) }
  }

  /// Title, size, and the tokens of the last columns, row by row.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    lines.append(sizeSentence)
    let columns = Array(max(0, columnCount - 10)..<columnCount)
    var table = [[""] + columns.map { VisibleText.token(columnLabels[$0].text) }]
    for row in Self.spread(rows.count, most: 24) {
      table.append(
        [VisibleText.line(rowLabels[row].text)]
          + columns.map { column in
            let cell = rows[row][column]
            return cell.candidates.first.map {
              "\(TextMetrics.fitted(cell.text, size: 1, maximum: 12))"
                + " \(NumberText.percent($0.probability))"
            } ?? ""
          })
    }
    let widths = (0...columns.count).map { column in
      table.map { TextMetrics.columns($0[column]) }.max() ?? 0
    }
    for row in table {
      var line = ""
      for (column, text) in row.enumerated() {
        line += text
        guard column < columns.count else { continue }
        line += String(repeating: " ", count: widths[column] - TextMetrics.columns(text) + 2)
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }

  /// Title, size, and what the last row says at the last position.
  public var alternativeText: String {
    var sentence = "Grid of tokens"
    if !title.isEmpty { sentence += ": \(VisibleText.line(title))" }
    sentence += ". \(sizeSentence)."
    if let row = rows.indices.last, let cell = rows[row].last, let first = cell.candidates.first {
      sentence += " \(VisibleText.line(rowLabels[row].text)) says \"\(cell.text)\" "
      sentence += "(\(NumberText.percent(first.probability))) at the last position."
    }
    return sentence
  }

  /// `{kind, title, rows, columns, cells: [[{candidates: [{text, probability}], detail}]]}`.
  public var json: JSON {
    let cells = rows.map { row -> JSON in
      .array(
        row.map { cell in
          [
            "candidates": .array(
              cell.candidates.map {
                ["text": .string($0.text), "probability": JSON(finite: $0.probability)]
              }), "detail": cell.detail.map { .string($0) } ?? .null,
          ]
        })
    }
    return [
      "kind": "token_grid", "title": .string(title), "row_title": .string(rowTitle),
      "column_title": .string(columnTitle), "rows": .array(rowLabels.map { .string($0.text) }),
      "columns": .array(columnLabels.map { .string($0.text) }), "cells": .array(cells),
    ]
  }

  /// The tokens with their probabilities, of the last twelve columns where there are more.
  public var dataTable: DataTable? {
    guard !rows.isEmpty, columnCount > 0 else { return nil }
    let columns = Array(max(0, columnCount - 12)..<columnCount)
    let shown = Self.spread(rows.count, most: 64)
    let table = shown.map { row in
      [VisibleText.line(rowLabels[row].text)]
        + columns.map { column in
          let cell = rows[row][column]
          return cell.candidates.first.map {
            "\(VisibleText.token($0.text)) \(NumberText.percent($0.probability))"
          } ?? ""
        }
    }
    let isWhole = columns.count == columnCount && shown.count == rows.count
    return DataTable(
      columns: ["\(rowTitle) ↓  \(columnTitle) →"] + columns.map { columnLabels[$0].fullText },
      rows: table,
      note: isWhole
        ? ""
        : "\(shown.count) of \(rows.count) rows, the last \(columns.count) of "
          + "\(NumberText.grouped(columnCount)) columns.")
  }
}

extension JSON {
  /// A number, or null where it is not finite.
  init(finite value: Double) { self = value.isFinite ? .number(value) : .null }
}
