public import DataFormats

/// A text as it reads, each token tinted by a number: blue above zero, orange below.
public struct ScoredText: Figure {
  /// One token.
  public struct Item: Sendable, Hashable {
    /// The user's own characters.
    public var text: String
    /// The number that tints it; `nil` for tokens that have none, which are shown muted.
    public var score: Double?
    /// More about it, a line each, such as what else could have stood there.
    public var details: [String]
    /// Whether it is marked with a frame, as what a score is about.
    public var isMarked: Bool

    /// Makes a token.
    public init(
      _ text: String, score: Double? = nil, details: [String] = [], isMarked: Bool = false
    ) {
      self.text = text
      self.score = score
      self.details = details
      self.isMarked = isMarked
    }

    /// The text, with everything visible but a space before a word, which is shown as room.
    var face: String {
      let visible = VisibleText.token(beginsWord ? String(text.dropFirst()) : text)
      return visible.isEmpty ? "·" : visible
    }

    /// Whether it is a space with a word or a sign after it.
    var beginsWord: Bool {
      guard text.first == " ", let next = text.dropFirst().first else { return false }
      return !next.isWhitespace
    }
  }

  /// The heading.
  public let title: String
  /// The tokens in order.
  public let items: [Item]
  /// What the numbers are, such as `probability`.
  public let scoreName: String
  /// Lines under the heading.
  public var notes: [String]
  /// The number at which the tint is strongest; `nil` for the largest there is.
  public var limit: Double?
  /// Whether numbers are shown as percentages.
  public var isShare: Bool
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// So many tokens are drawn at most.
  private static let drawn = 1_000
  /// The strongest tint, which leaves the ink readable on it.
  private static let strongest = 0.6

  /// Makes a text with scores.
  public init(
    title: String, items: [Item], scoreName: String, notes: [String] = [], limit: Double? = nil,
    isShare: Bool = false, provenance: Provenance? = nil
  ) {
    self.title = title
    self.items = items
    self.scoreName = scoreName
    self.notes = notes
    self.limit = limit
    self.isShare = isShare
    self.provenance = provenance
  }

  private var scale: Double {
    if let limit, limit > 0 { return limit }
    let largest = items.compactMap(\.score).filter(\.isFinite).map(abs).max() ?? 0
    return largest > 0 ? largest : 1
  }

  private var hasNegative: Bool { items.contains { ($0.score ?? 0) < 0 } }

  private func words(_ score: Double) -> String {
    isShare ? NumberText.percent(score) : NumberText.short(score)
  }

  /// As pictures, tables and hints write it.
  private func shown(_ score: Double) -> String { NumberText.shown(words(score)) }

  /// The strength of a tint, from 0 to 1.
  private func strength(_ score: Double) -> Double {
    score.isFinite ? min(1, abs(score) / scale) : 0
  }

  /// The notes, then the strongest tokens with their numbers.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    lines += notes.map(VisibleText.line)
    let scored = items.filter { $0.score != nil }
    lines.append(
      items.prefix(200).map { item in
        guard let score = item.score else { return item.face }
        return "\(item.face)(\(words(score)))"
      }.joined(separator: " ") + (items.count > 200 ? " …" : ""))
    lines.append(
      "\(scored.count) of \(items.count) tokens with \(VisibleText.line(scoreName))"
        + (isShare ? "" : ", tint full at ±\(NumberText.short(scale))"))
    return lines.joined(separator: "\n")
  }

  /// The strongest tokens in words.
  public var alternativeText: String {
    let strongest = items.enumerated().filter { $0.element.score?.isFinite == true }
      .sorted {
        (-abs($0.element.score ?? 0), $0.offset) < (-abs($1.element.score ?? 0), $1.offset)
      }
      .prefix(8).map { "\($0.element.face) \(shown($0.element.score ?? 0))" }
    let lead = title.isEmpty ? "A text" : VisibleText.line(title)
    return "\(lead): \(items.count) tokens tinted by \(VisibleText.line(scoreName)). Strongest: "
      + strongest.joined(separator: ", ")
  }

  /// `{kind, title, score, tokens: [{text, score, details}]}`.
  public var json: JSON {
    [
      "kind": "scored-text", "title": .string(title), "score": .string(scoreName),
      "tokens": .array(
        items.map { item in
          [
            "text": .string(item.text),
            "score": item.score.flatMap { $0.isFinite ? .number($0) : nil } ?? .null,
            "details": .array(item.details.map { .string($0) }),
          ]
        }),
    ]
  }

  /// One row for each token.
  public var dataTable: DataTable? {
    let rows = items.prefix(300).enumerated().map { index, item in
      [
        "\(index)", item.face, item.score.map(shown) ?? "",
        VisibleText.line(item.details.joined(separator: " · ")),
      ]
    }
    let more = items.count - rows.count
    return DataTable(
      columns: ["#", "text", VisibleText.line(scoreName), "more"], rows: rows,
      note: more > 0 ? "… \(NumberText.grouped(more)) more tokens" : "")
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let room = 700.0
    let size = 15.0
    let rise = 30.0
    struct Place {
      let item: Item
      let text: String
      let x: Double
      let row: Int
      let width: Double
    }
    var places: [Place] = []
    var x = 0.0
    var row = 0
    for item in items.prefix(Self.drawn) {
      let text = TextMetrics.fitted(item.face, size: size, maximum: 320)
      let width = max(TextMetrics.width(text, size: size) + 7, 9)
      if item.beginsWord { x += 5 }
      if x + width > room, x > 0 {
        x = 0
        row += 1
      }
      places.append(Place(item: item, text: text, x: x, row: row, width: width))
      x += width + 1
      // A line break of the text is one of the picture.
      if item.text.contains("\n") {
        x = 0
        row += 1
      }
    }
    let frame = PictureFrame(
      title: title, note: notes.isEmpty ? nil : notes.joined(separator: " — "),
      provenance: provenance, width: room + 2 * PictureFrame.margin)
    var canvas = SVGCanvas()
    for place in places {
      let left = PictureFrame.margin + place.x
      let top = frame.top + Double(place.row) * rise
      if let score = place.item.score, strength(score) > 0.01 {
        canvas.rectangle(
          x: left, y: top, width: place.width, height: 24, style: score >= 0 ? "a" : "b", radius: 3,
          opacity: strength(score) * Self.strongest)
      }
      if place.item.isMarked {
        canvas.rectangle(
          x: left, y: top + 24, width: place.width, height: 2.5, style: "t", radius: 1)
      }
      canvas.text(
        place.text, x: left + place.width / 2, y: top + 17, size: size,
        style: place.item.score == nil && !place.item.isMarked ? "m" : "t", anchor: .middle)
    }
    var y = frame.top + Double(row + 1) * rise + 2
    if items.count > Self.drawn {
      canvas.text(
        "… \(NumberText.grouped(items.count - Self.drawn)) more tokens", x: PictureFrame.margin,
        y: y + 10, size: 11, style: "m")
      y += 20
    }
    y = legend(on: &canvas, y)
    let height = y + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: frame.width, height: height, theme: theme, title: title, description: alternativeText)
  }

  /// Draws what the tints mean; gives where it ends.
  private func legend(on canvas: inout SVGCanvas, _ y: Double) -> Double {
    let steps = hasNegative ? Array(-4...4) : Array(0...4)
    var x = PictureFrame.margin
    let low = shown(hasNegative ? -scale : 0)
    canvas.text(low, x: x, y: y + 11, size: 10, style: "m")
    x += TextMetrics.width(low, size: 10) + 5
    for step in steps {
      canvas.rectangle(
        x: x, y: y + 2, width: 14, height: 10, style: step < 0 ? "b" : "a",
        opacity: Double(abs(step)) / 4 * Self.strongest)
      x += 14
    }
    canvas.text(
      "\(words(scale))  \(VisibleText.line(scoreName))", x: x + 5, y: y + 11, size: 10, style: "m")
    return y + 16
  }

  /// Tokens that tell their number and what else is known under the pointer or the arrow keys.
  public var interactiveView: InteractiveView? {
    guard !items.isEmpty else { return nil }
    var data: JSONObject = ["title": .string(VisibleText.line(title))]
    data["tokens"] = .array(
      items.prefix(5_000).map { item in
        [
          .string(item.face), item.score.map { .number(strength($0) * ($0 < 0 ? -1 : 1)) } ?? .null,
          .string(item.score.map(shown) ?? ""),
          .array(item.details.map { .string(VisibleText.line($0)) }), .bool(item.isMarked),
          .bool(item.text.contains("\n")), .bool(item.beginsWord),
        ]
      })
    data["count"] = .integer(items.count)
    data["score"] = .string(VisibleText.line(scoreName))
    data["ends"] = [.string(shown(hasNegative ? -scale : 0)), .string(shown(scale))]
    data["signed"] = .bool(hasNegative)
    data["notes"] = .array(notes.map { .string(VisibleText.sentence($0)) })
    if let provenance { data["provenance"] = .string(provenance.line) }
    return InteractiveView(script: ScoredTextScript.start, data: .object(data))
  }
}

/// The script of a text with scores.
enum ScoredTextScript {
  static let start = """
    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      for (const note of data.notes) add(root, "div", "note", note);
      const stage = add(root, "div", "stage");
      const text = add(stage, "div"), tip = add(stage, "div", "tip");
      text.style.cssText = "max-width:760px;font-size:15px;line-height:1.9;margin:4px 0;outline-offset:4px;overflow-wrap:anywhere";
      text.tabIndex = 0;
      text.setAttribute("role", "img");
      text.setAttribute("aria-label", description + " Arrow keys move from token to token.");
      const bar = add(root, "div", "bar"), status = add(bar, "div", "status");
      status.setAttribute("aria-live", "polite");
      status.style.marginLeft = "0";
      // What the tints mean.
      add(bar, "span", "note", data.ends[0]);
      const ramp = add(bar, "div");
      ramp.style.cssText = "width:112px;height:10px;border-radius:2px;flex:none";
      add(bar, "span", "note", data.ends[1] + "  " + data.score);
      for (const words of bar.querySelectorAll("span")) words.style.cssText = "margin:0;white-space:pre";
      const hint = "Point at a token, or use the arrow keys";
      status.textContent = hint;
      let at = -1;
      const cells = data.tokens.map(([face, strength, number, details, marked, breaks, spaced], index) => {
        const cell = add(text, "bdi", "", face);
        cell.style.cssText = "padding:1px 3px;border-radius:3px;white-space:pre-wrap;margin-right:1px;display:inline-block;max-width:100%;line-height:1.45";
        if (spaced) cell.style.marginLeft = "5px";
        if (marked) cell.style.borderBottom = "2.5px solid currentColor";
        cell.addEventListener("pointerenter", () => point(index));
        if (breaks) add(text, "br");
        return cell;
      });
      text.addEventListener("pointerleave", () => point(-1));
      const point = index => {
        if (cells[at]) cells[at].style.boxShadow = "";
        at = index;
        if (at < 0) { tip.style.display = "none"; status.textContent = hint; return; }
        const [face, strength, number, details] = data.tokens[at], cell = cells[at];
        cell.style.boxShadow = "0 0 0 2px var(--accent)";
        tip.replaceChildren();
        add(add(tip, "div"), "bdi", "", face);
        if (number) { const line = add(tip, "div"); add(line, "span", "", data.score + " "); add(line, "b", "", number); }
        for (const line of details) addFacts(tip, line);
        tip.style.display = "block";
        placeTip(tip, [cell.offsetLeft, cell.offsetTop, 0, cell.offsetTop + cell.offsetHeight], "under", 6);
        status.textContent = `token ${at}: ${face}` + (number ? `, ${data.score} ${number}` : "");
      };
      text.addEventListener("keydown", event => {
        if (event.key === "Escape") { point(-1); event.stopPropagation(); return; }
        const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
        if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
        point(Math.min(cells.length - 1, Math.max(0, at + step)));
        event.preventDefault();
        event.stopPropagation();
      });
      text.addEventListener("blur", () => point(-1));
      if (data.count > data.tokens.length)
        add(root, "div", "note", `… ${data.count - data.tokens.length} more tokens`);
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      const paint = () => {
        const [above, below] = dark() ? ["110,168,232", "240,151,90"] : ["47,107,179", "194,87,26"];
        ramp.style.background = "linear-gradient(to right," + (data.signed ? `rgba(${below},.6),rgba(${below},0),` : "")
          + `rgba(${above},0),rgba(${above},.6))`;
        cells.forEach((cell, index) => {
          const strength = data.tokens[index][1];
          cell.style.background = strength ? `rgba(${strength > 0 ? above : below},${(Math.abs(strength) * 0.6).toFixed(3)})` : "";
          cell.style.color = strength === null && !data.tokens[index][4] ? "var(--muted)" : "";
        });
      };
      paint();
      return paint;
    };
    """
}
