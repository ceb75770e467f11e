/// The cells of a `.vit` script.
enum ScriptCells {
  /// Divides a script at the lines that begin with `# %%`; without any it is one cell.
  ///
  /// The dividing line stays with its cell, as the comment that names it.
  static func split(_ text: String) -> [String] {
    var cells: [[Substring]] = [[]]
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      if line.hasPrefix("# %%") { cells.append([]) }
      cells[cells.count - 1].append(line)
    }
    return cells.map { lines in
      var lines = lines[...]
      while let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
      while let first = lines.first, first.allSatisfy(\.isWhitespace) { lines.removeFirst() }
      return lines.joined(separator: "\n")
    }.filter { !$0.isEmpty }
  }
}
