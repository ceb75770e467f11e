import DataFormats

extension Heatmap {
  /// The map with hover, zoom, pan and keyboard.
  public var interactiveView: InteractiveView? {
    guard face.rows > 0, face.columns > 0 else { return nil }
    var data = MapData.json(
      face, scale: scale, titles: [rowTitle, columnTitle, valueTitle])
    let (encoding, text) = MapData.encoded(
      face, farthest: summary.farthest, cells: face.rows * face.columns)
    data["encoding"] = .string(encoding)
    data["values"] = .string(text)
    data["farthest"] = .number(Double(summary.farthest))
    data["odd"] = summary.nonFinite.json
    data["title"] = .string(VisibleText.line(title))
    if let note { data["note"] = .string(VisibleText.sentence(note)) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    MapData.addLabels(rows: rowLabels, columns: columnLabels, to: &data)
    data["ticks"] = ColorBar(scale: scale, title: valueTitle).tickJSON
    if face.block > 1 {
      let tiles = MapTiles(
        CellMap(values, isCausal: isCausal), budget: MapTiles.room(beside: .object(data)))
      data["tiles"] = tiles.json
      data["note"] = .string(
        [note.map(VisibleText.sentence), tiles.sentence].compactMap { $0 }.joined(separator: " · "))
    }
    return InteractiveView(
      script: MapScript.library + HeatmapScript.start, data: .object(data))
  }
}

/// What a script needs to know of a map.
enum MapData {
  /// Labels in full take at most so many bytes; their details are left out beyond.
  private static let largestLabels = 60_000

  /// Size, colours, and what the axes are.
  static func json(_ map: CellMap, scale: ColorScale, titles: [String]) -> JSONObject {
    [
      "rows": .integer(map.originalRows), "columns": .integer(map.originalColumns),
      "block": .integer(map.block), "causal": .bool(map.isCausal),
      "low": .number(scale.low), "high": .number(scale.high),
      "colors": .string(scale.map.hexadecimal),
      "titles": .array(titles.map { .string(VisibleText.line($0)) }),
    ]
  }

  /// The numbers as Base64 of little-endian words, with the name of the words' form.
  ///
  /// `f32` exact; `u16z` and `u8z` compressed by Deflate, 65,533 and 253 steps between minus and plus the number farthest from
  /// zero, finer near zero: the step's distance from the middle is the square root of the number. The three
  /// words after the last step are NaN, ∞ and −∞.
  ///
  /// - Parameter half: how many steps of a byte lie between zero and the farthest number, at most 126.
  static func encoded(
    _ map: CellMap, farthest: Float, cells: Int, half byteHalf: Int = 126
  ) -> (String, String) {
    var bytes: [UInt8] = []
    if cells <= 65_536 {
      bytes.reserveCapacity(map.matrix.values.count * 4)
      for value in map.matrix.values {
        let bits = value.bitPattern
        for shift in [0, 8, 16, 24] as [UInt32] {
          bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
      }
      return ("f32", Base64.encode(bytes))
    }
    let isWide = cells <= 262_144
    let half = isWide ? 32_766 : byteHalf
    bytes.reserveCapacity(map.matrix.values.count * (isWide ? 2 : 1))
    for value in map.matrix.values {
      let level = step(value, farthest: farthest, half: half)
      bytes.append(UInt8(truncatingIfNeeded: level))
      if isWide { bytes.append(UInt8(truncatingIfNeeded: level >> 8)) }
    }
    return (isWide ? "u16z" : "u8z", Base64.encode(Deflate.compress(bytes)))
  }

  /// A number as a step from 0 for minus the farthest number to twice `half` for the farthest, or a word
  /// beyond for what is none.
  static func step(_ value: Float, farthest: Float, half: Int) -> Int {
    if let kind = NonFinite(value) { return 2 * half + 1 + kind.rawValue }
    guard farthest > 0 else { return half }
    let most = Float(half)
    let share = min(1, abs(value) / farthest).squareRoot()
    return Int((most + (value < 0 ? -most : most) * share).rounded())
  }

  /// The labels of both axes, once where they are the same.
  static func addLabels(rows: [TokenLabel], columns: [TokenLabel], to data: inout JSONObject) {
    var size = rows.reduce(0) { $0 + cut($1.text).utf8.count + 4 }
    let areSame = rows == columns
    if !areSame { size += columns.reduce(0) { $0 + cut($1.text).utf8.count + 4 } }
    let details = (rows + columns).reduce(0) { $0 + ($1.detail ?? "").utf8.count + 4 }
    let hasDetails = (rows + columns).contains { $0.detail != nil }
    data["rowLabels"] = .array(rows.map { .string(cut($0.fullText)) })
    if !areSame { data["columnLabels"] = .array(columns.map { .string(cut($0.fullText)) }) }
    if hasDetails, size + details <= largestLabels {
      data["rowDetails"] = .array(rows.map { .string(VisibleText.sentence($0.detail ?? "")) })
      if !areSame {
        data["columnDetails"] = .array(
          columns.map { .string(VisibleText.sentence($0.detail ?? "")) })
      }
    }
  }

  /// A label's first 200 characters, which a tip over the map can hold.
  private static func cut(_ text: String) -> String {
    text.unicodeScalars.count <= 200
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(199))) + "…"
  }
}

/// The script of a single heatmap.
enum HeatmapScript {
  static let start = """

    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      if (data.note) add(root, "div", "note", data.note);
      const view = mapView(root, data, decodeMap(data, data.values), dark, description);
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      return view.draw;
    };
    """
}
