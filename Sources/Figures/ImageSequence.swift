public import DataFormats

/// Pictures that a program recorded one after another, such as those of a training: the last one, and where scripts
/// run a slider through all.
public struct ImageSequence: Figure {
  /// One picture.
  public struct Frame: Sendable {
    /// When it was, such as `step 40`.
    public let title: String
    /// In pixels, as its file says.
    public let width: Int
    /// In pixels, as its file says.
    public let height: Int
    /// The file: PNG, JPEG or GIF; others aren't shown.
    public let encoded: [UInt8]

    /// Makes a picture.
    public init(title: String, width: Int, height: Int, encoded: [UInt8]) {
      self.title = title
      self.width = width
      self.height = height
      self.encoded = encoded
    }

    /// What the file is by its first bytes, or `nil` for one that viewers can't be trusted to show.
    var mediaType: String? {
      if encoded.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
        return "image/png"
      }
      if encoded.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
      if encoded.starts(with: Array("GIF8".utf8)) { return "image/gif" }
      return nil
    }

    /// The file as a data URI.
    var address: String? { mediaType.map { "data:\($0);base64,\(Base64.encode(encoded))" } }
  }

  /// The heading.
  public let title: String
  /// The pictures in the order of time.
  public let frames: [Frame]
  /// Where they come from.
  public var provenance: Provenance?
  /// How many bytes of files the interactive view holds; pictures beyond are thinned evenly.
  public let byteBudget: Int

  /// How many bytes the file of the static picture may have.
  static let mostShownBytes = 165_000
  /// The longest side of a picture, in pixels of the page.
  static let side = 440.0

  /// Makes a sequence.
  public init(
    title: String, frames: [Frame], byteBudget: Int = 900_000, provenance: Provenance? = nil
  ) {
    self.title = title
    self.frames = frames
    self.byteBudget = byteBudget
    self.provenance = provenance
  }

  /// Title, and when there were how large pictures.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    lines.append("\(frames.count) \(frames.count == 1 ? "picture" : "pictures")")
    for frame in MapSequence.thinned(frames, to: 20) {
      lines.append("  \(VisibleText.line(frame.title))  \(facts(frame))")
    }
    return lines.joined(separator: "\n")
  }

  private func facts(_ frame: Frame) -> String {
    let kind =
      frame.mediaType?.split(separator: "/").last.map { $0.uppercased() } ?? "of an unknown kind"
    return
      "\(frame.width) × \(frame.height), \(kind), \(NumberText.grouped(frame.encoded.count)) bytes"
  }

  /// `{kind, title, frames: [{title, width, height, bytes}]}`.
  public var json: JSON {
    [
      "kind": "image_sequence", "title": .string(title),
      "frames": .array(
        frames.map { frame in
          [
            "title": .string(frame.title), "width": .integer(frame.width),
            "height": .integer(frame.height), "bytes": .integer(frame.encoded.count),
          ]
        }),
    ]
  }

  /// When there were how large pictures.
  public var dataTable: DataTable? {
    DataTable(
      columns: ["when", "width", "height", "bytes"],
      rows: frames.prefix(300).map { frame in
        [
          VisibleText.line(frame.title), "\(frame.width)", "\(frame.height)",
          NumberText.grouped(frame.encoded.count),
        ]
      })
  }

  /// How large a picture is shown: whole multiples where it is small.
  private static func size(_ frame: Frame) -> (width: Double, height: Double) {
    let width = Double(max(1, frame.width))
    let height = Double(max(1, frame.height))
    let share = side / max(width, height)
    let scale = share >= 2 ? min(share.rounded(.down), 16) : min(1, share)
    return (max(1, (width * scale).rounded()), max(1, (height * scale).rounded()))
  }

  /// The last picture that can be shown, as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let shown = frames.last { $0.mediaType != nil && $0.encoded.count <= Self.mostShownBytes }
    let size = shown.map(Self.size) ?? (width: 360, height: 40)
    let note = shown.map { "\($0.title), the last of \(frames.count)" }
    let frame = PictureFrame(
      title: title, note: note, provenance: provenance,
      width: max(300, size.width + 2 * PictureFrame.margin))
    var canvas = SVGCanvas()
    if let shown, let address = shown.address {
      canvas.raw(
        "<image x=\"\(SVGCanvas.number(PictureFrame.margin))\" y=\"\(SVGCanvas.number(frame.top))\""
          + " width=\"\(SVGCanvas.number(size.width))\" height=\"\(SVGCanvas.number(size.height))\""
          + " class=\"px\" preserveAspectRatio=\"none\" href=\"\(address)\"/>")
      canvas.rectangle(
        x: PictureFrame.margin, y: frame.top, width: size.width, height: size.height, style: "f")
    } else {
      canvas.text(
        frames.isEmpty ? "no pictures" : "too large to be shown here, or of an unknown kind",
        x: PictureFrame.margin, y: frame.top + 16, size: 12)
    }
    let height = frame.top + size.height + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: frame.width, height: height, theme: theme, title: VisibleText.line(title),
      description: alternativeText)
  }

  /// The pictures with a slider.
  public var interactiveView: InteractiveView? {
    let known = frames.filter { $0.mediaType != nil && $0.encoded.count <= byteBudget }
    var count = known.count
    var shown = known
    while count > 1, shown.reduce(0, { $0 + $1.encoded.count }) > byteBudget {
      count = max(1, min(count - 1, count * 3 / 4))
      shown = count == 1 ? Array(known.suffix(1)) : MapSequence.thinned(known, to: count)
    }
    guard shown.count > 1 else { return nil }
    var data: JSONObject = ["title": .string(VisibleText.line(title))]
    if let provenance { data["provenance"] = .string(provenance.line) }
    data["frames"] = .array(
      shown.map { frame in
        let size = Self.size(frame)
        return [
          "title": .string(VisibleText.line(frame.title)), "source": .string(frame.address ?? ""),
          "width": .number(size.width), "height": .number(size.height),
        ]
      })
    return InteractiveView(script: ImageSequenceScript.start, data: .object(data))
  }
}

/// The script of a sequence of pictures.
enum ImageSequenceScript {
  static let start = #"""
    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      const bar = add(root, "div", "bar"), slider = add(bar, "input"), label = add(bar, "span", "status");
      slider.type = "range"; slider.min = 0; slider.max = data.frames.length - 1; slider.step = 1;
      slider.value = data.frames.length - 1;
      slider.style.width = "260px";
      slider.setAttribute("aria-label", "which picture, from the first to the last");
      const box = add(root, "div"), image = add(box, "img");
      let tall = 0;
      for (const frame of data.frames) tall = Math.max(tall, frame.height);
      box.style.minHeight = tall + "px"; box.style.marginTop = "6px";
      image.style.cssText = "image-rendering:pixelated;display:block;max-width:100%";
      const show = () => {
        const index = Number(slider.value), frame = data.frames[index];
        label.textContent = frame.title + " (" + (index + 1) + " of " + data.frames.length + ")";
        slider.setAttribute("aria-valuetext", frame.title);
        image.src = frame.source;
        image.alt = (data.title ? data.title + ", " : "") + frame.title;
        image.width = frame.width; image.height = frame.height;
      };
      slider.addEventListener("input", show);
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      show();
      return () => {};
    };
    """#
}
