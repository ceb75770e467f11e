public import DataFormats

/// Bars with a label and a number each, such as the most probable next tokens.
public struct BarChart: Figure {
  /// How the numbers are written.
  public enum Unit: Sendable, Hashable {
    /// Shares of one, written as percentages.
    case percent
    /// Plain numbers.
    case number
  }

  /// One bar.
  public struct Item: Sendable, Hashable {
    /// What the bar stands for; its text is shown with every space visible.
    public var label: TokenLabel
    /// Its length.
    public var value: Double
    /// Where the number may lie, drawn as whiskers; `nil` for none.
    public var interval: ClosedRange<Double>?
    /// What is said after the number, such as "not significant"; may be empty.
    public var remark: String
    /// Whether the bar is hollow: its number doesn't count.
    public var isHollow: Bool

    /// Makes a bar.
    public init(
      _ label: TokenLabel, _ value: Double, interval: ClosedRange<Double>? = nil,
      remark: String = "", isHollow: Bool = false
    ) {
      self.label = label
      self.value = value
      self.interval = interval
      self.remark = remark
      self.isHollow = isHollow
    }

    /// The ends of the bar and of its whiskers.
    var ends: [Double] {
      ([value] + (interval.map { [$0.lowerBound, $0.upperBound] } ?? [])).filter(\.isFinite)
    }
  }

  /// The heading.
  public let title: String
  /// The bars, from the top.
  public let items: [Item]
  /// How the numbers are written.
  public let unit: Unit
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// What the labels are, heading the table.
  public let labelTitle: String
  /// What the numbers are, heading the table.
  public let valueTitle: String
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// So many bars are drawn at most.
  private static let limit = 60

  /// Makes a chart.
  public init(
    title: String, items: [Item], unit: Unit = .number, note: String? = nil,
    labelTitle: String = "token", valueTitle: String = "value", provenance: Provenance? = nil
  ) {
    self.title = title
    self.items = items
    self.unit = unit
    self.note = note
    self.labelTitle = labelTitle
    self.valueTitle = valueTitle
    self.provenance = provenance
  }

  private func text(_ value: Double) -> String {
    switch unit {
    case .percent: NumberText.percent(value)
    case .number: NumberText.significant(value, 4)
    }
  }

  /// As pictures and tables write it.
  private func shown(_ value: Double) -> String { NumberText.shown(text(value)) }

  private var remainder: String? {
    let more = items.count - Self.limit
    return more > 0 ? "… \(NumberText.grouped(more)) more" : nil
  }

  /// A line for each bar: label, number, bar.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    let shown = items.prefix(Self.limit)
    let labels = shown.map { $0.label.fullText }
    let numbers = shown.map { text($0.value) }
    let widest = labels.map(TextMetrics.columns).max() ?? 0
    let longest = numbers.map(TextMetrics.columns).max() ?? 0
    let farthest = shown.map { abs($0.value) }.filter(\.isFinite).max() ?? 0
    for (index, item) in shown.enumerated() {
      let gap = String(repeating: " ", count: widest - TextMetrics.columns(labels[index]))
      let lead = String(repeating: " ", count: longest - TextMetrics.columns(numbers[index]))
      let share = farthest > 0 && item.value.isFinite ? abs(item.value) / farthest : 0
      let bar = String(
        repeating: item.isHollow ? "░" : "█", count: Int((share * 24).rounded()))
      var line = labels[index] + gap + "  " + lead + numbers[index] + "  " + bar
      if !item.remark.isEmpty { line += "  " + VisibleText.line(item.remark) }
      while line.last == " " { line.removeLast() }
      lines.append(line)
    }
    if let remainder { lines.append(remainder) }
    return lines.joined(separator: "\n")
  }

  /// The first ten bars in words.
  public var alternativeText: String {
    let bars = items.prefix(10).map {
      "\($0.label.fullText) \(shown($0.value))"
        + ($0.remark.isEmpty ? "" : " (\(VisibleText.sentence($0.remark)))")
    }
    let more = items.count > 10 ? ", and \(items.count - 10) more" : ""
    let lead = title.isEmpty ? "Bar chart" : "Bar chart: \(VisibleText.line(title))"
    return "\(lead). \(bars.joined(separator: ", "))\(more)."
  }

  /// `{kind, title, unit, items: [{label, value}]}`.
  public var json: JSON {
    [
      "kind": "bars", "title": .string(title), "unit": unit == .percent ? "share" : "number",
      "items": .array(
        items.map { item in
          [
            "label": .string(item.label.text),
            "value": item.value.isFinite ? .number(item.value) : .null,
          ]
        }),
    ]
  }

  /// Label, number, and what more is known of the label.
  public var dataTable: DataTable? {
    let hasDetails = items.contains { $0.label.detail != nil }
    let rows = items.prefix(300).map { item in
      [item.label.fullText, shown(item.value)]
        + (hasDetails ? [VisibleText.sentence(item.label.detail ?? "")] : [])
    }
    let more = items.count - rows.count
    return DataTable(
      columns: [labelTitle, valueTitle] + (hasDetails ? ["detail"] : []), rows: rows,
      note: more > 0 ? "… \(NumberText.grouped(more)) more" : "")
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let shown = Array(items.prefix(Self.limit))
    let size = 12.5
    let step = 24.0
    let labels = shown.map { TextMetrics.fitted($0.label.fullText, size: size, maximum: 210) }
    let numbers = shown.map { self.shown($0.value) }
    let labelWidth = labels.map { TextMetrics.width($0, size: size) }.max() ?? 0
    let remarks = shown.map { $0.remark.isEmpty ? "" : "  " + VisibleText.sentence($0.remark) }
    let numberWidth =
      zip(numbers, remarks).map { TextMetrics.width($0 + $1, size: 12) }.max() ?? 0
    let finite = shown.flatMap(\.ends)
    let highest = max(0, finite.max() ?? 0)
    let lowest = min(0, finite.min() ?? 0)
    let span = highest > lowest ? highest - lowest : 1
    let length = 320.0
    let numberSpace = numberWidth + 14
    let left = PictureFrame.margin + labelWidth + 12
    let zero = left + (lowest < 0 ? numberSpace : 0) + length * -lowest / span
    let width = max(
      380, left + (lowest < 0 ? numberSpace : 0) + length + numberSpace + PictureFrame.margin)
    let frame = PictureFrame(title: title, note: note, provenance: provenance, width: width)
    var canvas = SVGCanvas()
    var y = frame.top
    for (index, item) in shown.enumerated() {
      let middle = y + step / 2
      canvas.text(
        labels[index], x: left - 8, y: middle + size * 0.35, size: size, style: "t", anchor: .end)
      let share = item.value.isFinite ? length * item.value / span : 0
      let ends = item.ends.map { zero + length * $0 / span }
      if item.isHollow {
        let (from, to) = (min(zero, zero + share), max(zero, zero + share))
        for edge in [y + 4, y + step - 4] { canvas.line(from, edge, to, edge, style: "f") }
        canvas.line(zero + share, y + 4, zero + share, y + step - 4, style: "f")
      } else if !item.value.isFinite {
        // Neither a length nor zero: the number's text says what it is.
      } else if share >= 0 {
        canvas.rectangle(
          x: zero, y: y + 4, width: max(share, 0.75), height: step - 8, style: "a", radius: 1.5)
      } else {
        canvas.rectangle(
          x: zero + share, y: y + 4, width: max(-share, 0.75), height: step - 8, style: "b",
          radius: 1.5)
      }
      if item.interval != nil, let from = ends.min(), let to = ends.max() {
        // In ink, which shows on the bar and beside it.
        canvas.line(from, middle, to, middle, style: "k")
        for x in [from, to] { canvas.line(x, middle - 3, x, middle + 3, style: "k") }
      }
      let words = numbers[index] + remarks[index]
      if share >= 0 {
        canvas.text(
          words, x: max(zero + share, ends.max() ?? zero) + 8, y: middle + 4.2, size: 12, style: "t"
        )
      } else {
        canvas.text(
          words, x: min(zero + share, ends.min() ?? zero) - 8, y: middle + 4.2, size: 12,
          style: "t",
          anchor: .end)
      }
      y += step
    }
    canvas.line(zero, frame.top, zero, max(y, frame.top + 1), style: "f")
    if let remainder {
      canvas.text(remainder, x: zero, y: y + 15, size: 11, style: "m")
      y += 22
    }
    let height = y + 6 + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: title, description: alternativeText)
  }
}
