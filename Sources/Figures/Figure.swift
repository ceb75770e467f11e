public import DataFormats

/// A picture of some data: pure values in, text, SVG and HTML out.
///
/// A conforming type says what it shows (`plainText`, `json`, `svg`); the bundle that Jupyter shows,
/// with a description, a data table and an interactive view, is assembled from that by default.
public protocol Figure: Sendable {
  /// The heading, such as `Attention · all-MiniLM-L6-v2 · layer 5 · head 3`; may be empty.
  var title: String { get }

  /// The key numbers for a terminal, a diff or a log: several lines without a final newline.
  var plainText: String { get }

  /// The raw numbers behind the picture.
  var json: JSON { get }

  /// Where the numbers come from; one small line under the picture, and in the bundle's metadata.
  var provenance: Provenance? { get set }

  /// What the picture shows, in words, for those who can't see it.
  var alternativeText: String { get }

  /// The picture as a standalone SVG document, without scripts and outside references.
  func svg(_ theme: FigureTheme) -> String

  /// The numbers shown beneath the picture as a table, where a table says them well.
  var dataTable: DataTable? { get }

  /// The view for viewers that run scripts, where there is one.
  var interactiveView: InteractiveView? { get }

  /// The HTML fragment of the bundle's `text/html`.
  func htmlFragment() -> String

  /// The representations that Jupyter chooses from.
  func mimeBundle() -> MIMEBundle
}

extension Figure {
  /// The first lines of the plain text, which begins with the title.
  public var alternativeText: String {
    let lines = plainText.split(separator: "\n", maxSplits: 12).prefix(12)
    return NumberText.shown(String(lines.joined(separator: "; ").prefix(600)))
  }

  /// No table.
  public var dataTable: DataTable? { nil }

  /// No interactive view.
  public var interactiveView: InteractiveView? { nil }

  /// The plain text, set in a monospaced face.
  public func svg(_ theme: FigureTheme) -> String {
    TextPicture.svg(plainText, provenance: provenance, theme: theme)
  }

  /// The picture with a description, its table, and its interactive view.
  public func htmlFragment() -> String { BundleAssembly.fragment(for: self) }

  /// `text/plain` and `text/html`, with the provenance as metadata under `vitrine`.
  public func mimeBundle() -> MIMEBundle {
    BundleAssembly.bundle(plainText: plainText, html: htmlFragment(), provenance: provenance)
  }

  /// A self-contained page with this figure alone.
  public func htmlPage() -> String {
    HTMLPage(title: title.isEmpty ? "Vitrine" : title, items: [.bundle(mimeBundle())]).html()
  }
}

/// A small table beneath a picture: what it shows, as text.
public struct DataTable: Sendable, Hashable {
  /// The column headings.
  public var columns: [String]
  /// The rows, each with one cell per column.
  public var rows: [[String]]
  /// A sentence under the table, such as how many rows are left out; may be empty.
  public var note: String
  /// How many leading columns are headings of their rows.
  public var rowHeadings: Int

  /// Makes a table.
  public init(columns: [String], rows: [[String]], note: String = "", rowHeadings: Int = 1) {
    self.columns = columns
    self.rows = rows
    self.note = note
    self.rowHeadings = rowHeadings
  }
}

/// What the script of a figure's interactive view is made of.
public struct InteractiveView: Sendable, Hashable {
  /// JavaScript declarations, among them `const start = (root, data, theme) => …`.
  public var script: String
  /// The data handed to the script, kept in the page as JSON.
  public var data: JSON

  /// Makes a view.
  public init(script: String, data: JSON) {
    self.script = script
    self.data = data
  }
}
