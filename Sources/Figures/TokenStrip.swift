public import DataFormats

/// A text as its tokens, in a row: where one ends and the next begins, with the ids beneath.
public struct TokenStrip: Figure {
  /// One token.
  public struct Item: Sendable, Hashable {
    /// The user's own characters.
    public var text: String
    /// The place in the vocabulary.
    public var id: Int
    /// The form in the vocabulary.
    public var piece: String
    /// The bytes of the text it stands for; `nil` for tokens that the tokenizer adds.
    public var byteRange: Range<Int>?
    /// Which part of its characters it is, counted from 1, where several tokens share them.
    public var part: Int?
    /// How many tokens share its characters.
    public var partCount: Int?
    /// Whether it is a sign for the model, not text.
    public var isSpecial: Bool

    /// Makes a token.
    public init(
      text: String, id: Int, piece: String, byteRange: Range<Int>? = nil, part: Int? = nil,
      partCount: Int? = nil, isSpecial: Bool = false
    ) {
      self.text = text
      self.id = id
      self.piece = piece
      self.byteRange = byteRange
      self.part = part
      self.partCount = partCount
      self.isSpecial = isSpecial
    }

    /// The text, with everything visible.
    var label: String { VisibleText.token(text) }

    /// `2/3` for the second of three tokens that share their characters; else empty.
    var share: String {
      if let part, let partCount { "\(part)/\(partCount)" } else { "" }
    }

    /// The bytes as `4–9`, the end not included; empty where there are none.
    var bytes: String { byteRange.map { "\($0.lowerBound)–\($0.upperBound)" } ?? "" }
  }

  /// The heading.
  public let title: String
  /// The tokens in order.
  public let items: [Item]
  /// Where the tokens come from.
  public var provenance: Provenance?

  /// So many tokens are drawn at most.
  private static let limit = 500

  /// Makes a strip.
  public init(title: String, items: [Item], provenance: Provenance? = nil) {
    self.title = title
    self.items = items
    self.provenance = provenance
  }

  /// The tokens with bars between them, then their ids.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    lines.append("\(items.count) \(items.count == 1 ? "token" : "tokens")")
    let shown = items.prefix(Self.limit)
    let more = items.count > shown.count ? " …" : ""
    lines.append(
      shown.map { $0.label + ($0.share.isEmpty ? "" : "(\($0.share))") }
        .joined(separator: "|") + more)
    lines.append("ids: " + shown.map { "\($0.id)" }.joined(separator: " ") + more)
    return lines.joined(separator: "\n")
  }

  /// How many tokens there are, and the first sixty.
  public var alternativeText: String {
    let lead = title.isEmpty ? "Tokens" : VisibleText.line(title)
    let more = items.count > 60 ? " and so on" : ""
    return "\(lead): \(items.count) in all: "
      + items.prefix(60).map(\.label).joined(separator: ", ") + more
  }

  /// `{kind, title, tokens: [{text, id, piece, bytes, part, special}]}`.
  public var json: JSON {
    let tokens = items.map { item -> JSON in
      var object: JSONObject = [
        "text": .string(item.text), "id": .integer(item.id), "piece": .string(item.piece),
        "bytes": item.byteRange.map { [.integer($0.lowerBound), .integer($0.upperBound)] } ?? .null,
        "special": .bool(item.isSpecial),
      ]
      if let part = item.part, let count = item.partCount {
        object["part"] = [.integer(part), .integer(count)]
      }
      return .object(object)
    }
    return ["kind": "tokens", "title": .string(title), "tokens": .array(tokens)]
  }

  /// One row for each token.
  public var dataTable: DataTable? {
    let rows = items.prefix(300).enumerated().map { index, item in
      [
        "\(index)", item.label + (item.share.isEmpty ? "" : " (\(item.share))"), "\(item.id)",
        VisibleText.line(item.piece), item.bytes,
      ]
    }
    let more = items.count - rows.count
    return DataTable(
      columns: ["#", "text", "id", "piece", "bytes"], rows: rows,
      note: more > 0 ? "… \(NumberText.grouped(more)) more tokens" : "")
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let room = 700.0
    let size = 14.0
    let gap = 3.0
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
    var widest = 0.0
    for item in items.prefix(Self.limit) {
      let text = TextMetrics.fitted(item.label, size: size, maximum: 260)
      let share = item.share.isEmpty ? 0 : TextMetrics.width(item.share, size: 9) + 3
      let width = max(
        TextMetrics.width(text, size: size) + share + 12,
        TextMetrics.width("\(item.id)", size: 9) + 4, 16)
      if x + width > room, x > 0 {
        x = 0
        row += 1
      }
      places.append(Place(item: item, text: text, x: x, row: row, width: width))
      x += width + gap
      widest = max(widest, x)
    }
    let width = max(300, widest - gap + 2 * PictureFrame.margin)
    let count = "\(NumberText.grouped(items.count)) \(items.count == 1 ? "token" : "tokens")"
    let frame = PictureFrame(title: title, note: count, provenance: provenance, width: width)
    var canvas = SVGCanvas()
    for (index, place) in places.enumerated() {
      let left = PictureFrame.margin + place.x
      let top = frame.top + Double(place.row) * 48
      let style = place.item.isSpecial ? "p" : index.isMultiple(of: 2) ? "c" : "d"
      canvas.rectangle(x: left, y: top, width: place.width, height: 26, style: style, radius: 4)
      let share = place.item.share
      let shift = share.isEmpty ? 0 : (TextMetrics.width(share, size: 9) + 3) / 2
      let middle = left + place.width / 2
      canvas.text(
        place.text, x: middle - shift, y: top + 18, size: size,
        style: place.item.isSpecial ? "m" : "t", anchor: .middle)
      if !share.isEmpty {
        canvas.text(
          share, x: left + place.width - 5, y: top + 11, size: 9, style: "m", anchor: .end)
      }
      canvas.text(
        "\(place.item.id)", x: middle, y: top + 37, size: 9, style: "m", anchor: .middle)
    }
    var y = frame.top + Double(row + 1) * 48 - 8
    if items.count > Self.limit {
      canvas.text(
        "… \(NumberText.grouped(items.count - Self.limit)) more tokens", x: PictureFrame.margin,
        y: y + 10, size: 11, style: "m")
      y += 20
    }
    let height = y + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: title, description: alternativeText)
  }

  /// Chips that tell id, vocabulary piece and bytes under the pointer or the arrow keys.
  public var interactiveView: InteractiveView? {
    guard !items.isEmpty else { return nil }
    var data: JSONObject = ["title": .string(VisibleText.line(title))]
    data["tokens"] = .array(
      items.prefix(5000).map { item in
        [
          .string(item.label), .integer(item.id), .string(VisibleText.line(item.piece)),
          .string(item.bytes), .string(item.share), .bool(item.isSpecial),
        ]
      })
    data["count"] = .integer(items.count)
    if let provenance { data["provenance"] = .string(provenance.line) }
    return InteractiveView(script: TokenStripScript.start, data: .object(data))
  }
}

/// The script of a token strip.
enum TokenStripScript {
  static let start = """
    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      add(root, "div", "note", data.count.toLocaleString("en") + (data.count === 1 ? " token" : " tokens"));
      const stage = add(root, "div", "stage");
      const chips = add(stage, "div", "chips"), tip = add(stage, "div", "tip");
      chips.tabIndex = 0;
      chips.setAttribute("role", "img");
      chips.setAttribute("aria-label", description + " Arrow keys move from token to token.");
      const bar = add(root, "div", "bar"), status = add(bar, "div", "status");
      status.setAttribute("aria-live", "polite");
      status.style.marginLeft = "0";
      const hint = "Point at a token, or use the arrow keys";
      status.textContent = hint;
      let at = -1;
      const cells = data.tokens.map(([text, id, piece, bytes, share, special], index) => {
        const chip = add(chips, "div", "chip"), face = add(chip, "bdi", "face", text);
        face.style.cssText = "padding:2px 6px;border-radius:4px;font-size:14px;white-space:pre";
        if (share) { const small = add(face, "sup", "", " " + share); small.style.fontSize = "9px"; }
        const under = add(chip, "div", "", String(id));
        under.style.cssText = "font-size:9px;opacity:.7;line-height:1.5";
        chip.addEventListener("pointerenter", () => point(index));
        return { chip, face, special };
      });
      chips.addEventListener("pointerleave", () => point(-1));
      const point = index => {
        if (cells[at]) cells[at].face.style.boxShadow = "";
        at = index;
        if (at < 0) { tip.style.display = "none"; status.textContent = hint; return; }
        const [text, id, piece, bytes, share, special] = data.tokens[at], chip = cells[at].chip;
        cells[at].face.style.boxShadow = "0 0 0 2px var(--accent)";
        tip.replaceChildren();
        const line = (name, value) => {
          const element = add(tip, "div");
          add(element, "span", "", name + " ");
          add(element, "bdi", "", value);
        };
        line("token " + at + (special ? ", special" : "") + (share ? ", part " + share : ""), text);
        line("id", String(id));
        line("vocabulary", piece);
        line("bytes", bytes || "none: added by the tokenizer");
        tip.style.display = "block";
        placeTip(tip, [chip.offsetLeft, chip.offsetTop, 0, chip.offsetTop + chip.offsetHeight], "under", 6);
        status.textContent = `token ${at}: ${text}, id ${id}, vocabulary ${piece}` + (bytes ? `, bytes ${bytes}` : "");
      };
      chips.addEventListener("keydown", event => {
        if (event.key === "Escape") { point(-1); event.stopPropagation(); return; }
        const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
        if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
        point(Math.min(cells.length - 1, Math.max(0, at + step)));
        event.preventDefault();
        event.stopPropagation();
      });
      chips.addEventListener("blur", () => point(-1));
      if (data.count > data.tokens.length)
        add(root, "div", "note", `… ${data.count - data.tokens.length} more tokens`);
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      const paint = () => {
        const tints = dark() ? ["#1f3a57", "#4f301b", "#1e2227"] : ["#d5e3f3", "#f8e4d4", "#f2f4f6"];
        cells.forEach(({ face, special }, index) => {
          face.style.background = special ? tints[2] : tints[index % 2];
          face.style.color = special ? "var(--muted)" : "";
        });
      };
      paint();
      return paint;
    };
    """
}
