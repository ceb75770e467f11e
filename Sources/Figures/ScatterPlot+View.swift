import DataFormats

extension ScatterPlot {
  /// The points to pan, zoom, turn, search and ask.
  public var interactiveView: InteractiveView? {
    guard !points.isEmpty else { return nil }
    let colors = ScatterColors(points)
    var data: JSONObject = [
      "title": .string(VisibleText.line(title)),
      "axes": .array(
        zip(axisTitles, places).map { title, values in
          [
            "title": .string(VisibleText.line(title)), "values": .string(Self.encoded(values)),
          ]
        }),
      "labels": .array(points.map { .string(Self.cut($0.label.fullText)) }),
    ]
    if let note { data["note"] = .string(VisibleText.sentence(note)) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    if isSpatial {
      let camera = camera(extents)
      data["yaw"] = .number(camera.yaw)
      data["pitch"] = .number(camera.pitch)
    }
    if !extents.beyond.isEmpty {
      data["beyond"] = .integer(extents.beyond.count)
      data["inner"] = .array(
        extents.inner.map { .array([.number($0.low), .number($0.high)]) })
    }
    if !colors.names.isEmpty {
      data["categories"] = .array(
        colors.categories.map { ["name": .string($0.name), "color": .string($0.color)] })
      data["groups"] = .string(Base64.encode(colors.members.map { UInt8($0 ?? 255) }))
      data["groupNames"] = .array(colors.names.map { .string(Self.cut(VisibleText.line($0))) })
      data["names"] = .array(colors.nameIndices.map { $0.map { .integer($0) } ?? .null })
    }
    if let scale = colors.scale {
      data["values"] = .string(Self.encoded(points.map { $0.value ?? .nan }))
      data["low"] = .number(scale.low)
      data["high"] = .number(scale.high)
      data["colors"] = .string(scale.map.hexadecimal)
      data["valueTitle"] = .string(VisibleText.line(valueTitle))
    }
    let radii = ScatterColors.radii(points)
    if points.contains(where: { $0.size != nil }) {
      data["radii"] = .string(Base64.encode(radii.map { UInt8(min(255, ($0 * 16).rounded())) }))
    } else {
      data["radius"] = .number(radii[0])
    }
    return InteractiveView(script: ScatterScript.start, data: .object(data))
  }

  /// Numbers as Base64 of little-endian single-precision words.
  private static func encoded(_ values: [Double]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * values.count)
    for value in values {
      let bits = Float(value).bitPattern
      for shift in [0, 8, 16, 24] as [UInt32] {
        bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
      }
    }
    return Base64.encode(bytes)
  }

  /// A label's first 120 characters, which a tip can hold.
  private static func cut(_ text: String) -> String {
    text.unicodeScalars.count <= 120
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(119))) + "…"
  }
}
