import DataFormats

extension Heatmap {
  /// The map with hover, zoom, pan and keyboard.
  public var interactiveView: InteractiveView? {
    guard face.rows > 0, face.columns > 0 else { return nil }
    var data = MapData.json(face, scale: scale, titles: [rowTitle, columnTitle, valueTitle])
    data["title"] = .string(VisibleText.line(title))
    if let note { data["note"] = .string(VisibleText.line(note)) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    MapData.addLabels(rows: rowLabels, columns: columnLabels, to: &data)
    data["ticks"] = ColorBar(scale: scale, title: valueTitle).tickJSON
    return InteractiveView(
      script: MapScript.library + HeatmapScript.start, data: .object(data))
  }
}

/// What a script needs to know of a map.
enum MapData {
  /// Labels in full take at most so many bytes; their details are left out beyond.
  private static let largestLabels = 60_000

  /// Size, colours and numbers: exact for small maps, in 65,535 and in 255 steps for larger ones.
  static func json(_ map: CellMap, scale: ColorScale, titles: [String]) -> JSONObject {
    var data: JSONObject = [
      "rows": .integer(map.originalRows), "columns": .integer(map.originalColumns),
      "block": .integer(map.block), "causal": .bool(map.isCausal),
      "low": .number(scale.low), "high": .number(scale.high),
      "colors": .string(scale.map.hexadecimal),
      "titles": .array(titles.map { .string(VisibleText.line($0)) }),
    ]
    let (encoding, text) = encoded(map, scale: scale, cells: map.rows * map.columns)
    data["encoding"] = .string(encoding)
    data["values"] = .string(text)
    return data
  }

  /// The numbers as Base64 of little-endian words, with the name of the words' form.
  static func encoded(_ map: CellMap, scale: ColorScale, cells: Int) -> (String, String) {
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
    if cells <= 262_144 {
      bytes.reserveCapacity(map.matrix.values.count * 2)
      for value in map.matrix.values {
        let level = value.isNaN ? 65_535 : scale.level(value, of: 65_535)
        bytes.append(UInt8(truncatingIfNeeded: level))
        bytes.append(UInt8(truncatingIfNeeded: level >> 8))
      }
      return ("u16", Base64.encode(bytes))
    }
    bytes.reserveCapacity(map.matrix.values.count)
    for value in map.matrix.values {
      bytes.append(value.isNaN ? 255 : UInt8(scale.level(value, of: 255)))
    }
    return ("u8", Base64.encode(bytes))
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
      data["rowDetails"] = .array(rows.map { .string(VisibleText.line($0.detail ?? "")) })
      if !areSame {
        data["columnDetails"] = .array(columns.map { .string(VisibleText.line($0.detail ?? "")) })
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
