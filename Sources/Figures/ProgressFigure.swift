public import DataFormats

/// How far a long computation has come: a bar, and the same in words.
public struct ProgressFigure: Figure {
  /// What is being done.
  public let label: String
  /// How much is done, 0…1; `nil` where that isn't known.
  public let fraction: Double?
  /// More in words, such as how many of how many.
  public let detail: String
  /// The time that is left, in seconds, where it can be estimated.
  public let secondsLeft: Double?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// Makes a bar.
  public init(label: String, fraction: Double?, detail: String = "", secondsLeft: Double? = nil) {
    self.label = label
    self.fraction = fraction.map { $0.isFinite ? min(1, max(0, $0)) : 0 }
    self.detail = detail
    self.secondsLeft = secondsLeft
  }

  /// The label.
  public var title: String { label }

  private var words: String {
    var words: [String] = []
    if let fraction { words.append("\(Int((fraction * 100).rounded(.down))) %") }
    if !detail.isEmpty { words.append(VisibleText.line(detail)) }
    if let secondsLeft, secondsLeft.isFinite, secondsLeft >= 0, (fraction ?? 0) < 1 {
      words.append(Self.duration(secondsLeft) + " left")
    }
    return words.joined(separator: " · ")
  }

  /// A time in seconds, minutes or hours.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// The label, a bar of blocks, and the words.
  public var plainText: String {
    let bar = fraction.map { fraction in
      let full = Int((fraction * 20).rounded(.down))
      return String(repeating: "█", count: full) + String(repeating: "░", count: 20 - full)
    }
    return [VisibleText.line(label), bar, words].compactMap { $0 }.filter { !$0.isEmpty }
      .joined(separator: "  ")
  }

  /// `{kind, label, fraction, detail, seconds_left}`.
  public var json: JSON {
    [
      "kind": "progress", "label": .string(label),
      "fraction": fraction.map { .number($0) } ?? .null, "detail": .string(detail),
      "seconds_left": secondsLeft.flatMap { $0.isFinite ? .number($0) : nil } ?? .null,
    ]
  }

  /// A `<progress>` element with its words beside it.
  public func htmlFragment() -> String {
    let value = fraction.map { " value=\"\(NumberText.fixed($0, 4))\"" } ?? ""
    let label = Markup.escape(VisibleText.line(label))
    return BundleAssembly.host(
      "<p><span>\(label)</span> <progress max=\"1\"\(value)></progress>"
        + " <span>\(Markup.escape(words))</span></p>\n",
      script: nil)
  }

  /// The bar as a picture.
  public func svg(_ theme: FigureTheme) -> String {
    let text = [VisibleText.line(label), words].filter { !$0.isEmpty }.joined(separator: " · ")
    let shown = TextMetrics.fitted(text, size: 12, maximum: 568)
    let frame = PictureFrame(
      title: "", note: nil, provenance: provenance,
      width: max(300, TextMetrics.width(shown, size: 12) + 2 * PictureFrame.margin))
    var canvas = SVGCanvas()
    let inner = frame.width - 2 * PictureFrame.margin
    canvas.text(shown, x: PictureFrame.margin, y: frame.top + 11, size: 12)
    canvas.rectangle(
      x: PictureFrame.margin, y: frame.top + 20, width: inner, height: 8, style: "p", radius: 4)
    if let fraction, fraction > 0 {
      canvas.rectangle(
        x: PictureFrame.margin, y: frame.top + 20, width: max(8, inner * fraction), height: 8,
        style: "a", radius: 4)
    }
    let height = frame.top + 30 + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: frame.width, height: height, theme: theme, title: label, description: plainText)
  }
}
