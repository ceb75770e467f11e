public import DataFormats

/// Where a cell's output goes: Jupyter's messages, a terminal or a list in a test.
public protocol OutputSink: Sendable {
  /// Text for standard output or standard error.
  func stream(_ stream: OutputStream, _ text: String)
  /// Something to look at; with an identifier, `update` can replace it.
  func display(_ bundle: MIMEBundle, identifier: String?)
  /// Replaces what was displayed under an identifier.
  func update(_ bundle: MIMEBundle, identifier: String)
  /// The value of the cell.
  func result(_ bundle: MIMEBundle)
  /// Empties the cell's output, at once or when the next output comes.
  func clear(wait: Bool)
  /// Asks the user for a line.
  func readLine(prompt: String, isPassword: Bool) throws -> String
  /// Shows a help page beside the notebook, in Jupyter's pager.
  func page(_ bundle: MIMEBundle)
  /// Shows a panel of controls with its figure; where there are no live controls, the figure alone.
  ///
  /// - Parameters:
  ///   - kept: the panel's figure as a notebook keeps it.
  ///   - isResult: whether the panel is the value of the cell.
  func show(_ panel: any LivePanel, kept: MIMEBundle, isResult: Bool)
}

extension OutputSink {
  /// Shows the figure alone.
  public func show(_ panel: any LivePanel, kept: MIMEBundle, isResult: Bool) {
    if isResult { result(kept) } else { display(kept, identifier: nil) }
  }
  /// Displays the page among the cell's output, where there is no pager.
  public func page(_ bundle: MIMEBundle) { display(bundle, identifier: nil) }
}

/// The two streams of text that a cell writes.
public enum OutputStream: String, Sendable, Hashable {
  /// What the cell says.
  case standardOutput = "stdout"
  /// What the cell warns of.
  case standardError = "stderr"
}

/// Takes reports of progress from any thread.
public protocol ProgressSink: Sendable {
  /// Reports that a part of a work is done.
  ///
  /// - Parameters:
  ///   - label: what is being done.
  ///   - fraction: from 0 to 1.
  ///   - detail: more, such as "layer 3 of 12"; may be empty.
  func progress(_ label: String, fraction: Double, detail: String)
}
