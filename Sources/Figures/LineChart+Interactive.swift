import DataFormats

extension LineChart {
  /// The chart with hover, zoom and keyboard.
  public var interactiveView: InteractiveView? {
    guard series.contains(where: { !$0.xs.isEmpty }) else { return nil }
    return LineData.view(
      title: title, note: fullNote, provenance: provenance, charts: [self],
      names: isBanded ? [] : series.map(\.name),
      colors: [isBanded ? series.map { _ in 0 } : Array(series.indices)], isGrid: false)
  }
}

extension LineChartGrid {
  /// The charts with hover, zoom and keyboard.
  public var interactiveView: InteractiveView? {
    let shown = Array(charts.prefix(Self.most))
    guard !shown.isEmpty else { return nil }
    let names = names
    return LineData.view(
      title: title, note: fullNote, provenance: provenance, charts: shown, names: names,
      colors: shown.map { Self.colors(of: $0, names: names) }, isGrid: true)
  }
}

/// What a script needs to know of lines.
private enum LineData {
  /// How many points all lines together may have.
  static let pointBudget = 24_000

  static func view(
    title: String, note: String?, provenance: Provenance?, charts: [LineChart], names: [String],
    colors: [[Int]], isGrid: Bool
  ) -> InteractiveView {
    let count = max(1, charts.reduce(0) { $0 + $1.series.count })
    let stretches = max(16, min(2000, pointBudget / count / 4))
    var data: JSONObject = [
      "title": .string(VisibleText.line(title)), "grid": .bool(isGrid),
      "names": .array(names.map { .string(cut($0)) }),
      "light": .array(LineColors.light.map { .string($0) }),
      "dark": .array(LineColors.dark.map { .string($0) }),
    ]
    data["odd"] = LineChartGrid.nonFinite(charts).json
    if let note { data["note"] = .string(VisibleText.sentence(note)) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    data["panels"] = .array(
      zip(charts, colors).map { chart, colors in
        [
          "title": .string(VisibleText.line(chart.title)), "axis": .string(chart.axis.rawValue),
          "log": .bool(chart.isLogarithmic), "xTitle": .string(VisibleText.line(chart.xTitle)),
          "yTitle": .string(VisibleText.line(chart.yTitle)),
          "bands": .bool(chart.isBanded),
          "lines": .array(
            zip(chart.series, colors).map { series, color in
              line(
                series, color: color, smoothing: chart.smoothing, stretches: stretches,
                isNamed: chart.isBanded)
            }),
        ]
      })
    return InteractiveView(script: LineScript.script, data: .object(data))
  }

  private static func line(
    _ series: LineSeries, color: Int, smoothing: Double, stretches: Int, isNamed: Bool
  ) -> JSON {
    let kept = LineSampling.kept(series.xs, series.ys, stretches: stretches)
    var object: JSONObject = ["color": .integer(color)]
    if isNamed { object["name"] = .string(cut(series.name)) }
    object["x"] = .string(doubles(kept.map { series.xs[$0] }))
    object["y"] = .string(floats(kept.map { series.ys[$0] }))
    if smoothing > 0 {
      let smoothed = series.smoothed(smoothing)
      object["s"] = .string(floats(kept.map { smoothed[$0] }))
    }
    return .object(object)
  }

  private static func doubles(_ values: [Double]) -> String {
    var bytes: [UInt8] = []
    for value in values {
      for shift in stride(from: 0, to: 64, by: 8) as StrideTo<UInt64> {
        bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
      }
    }
    return Base64.encode(bytes)
  }

  private static func floats(_ values: [Double]) -> String {
    var bytes: [UInt8] = []
    for value in values {
      for shift in [0, 8, 16, 24] as [UInt32] {
        bytes.append(UInt8(truncatingIfNeeded: Float(value).bitPattern >> shift))
      }
    }
    return Base64.encode(bytes)
  }

  /// A name's first 200 characters.
  private static func cut(_ name: String) -> String {
    let text = VisibleText.line(name)
    return text.unicodeScalars.count <= 200
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(199))) + "…"
  }
}
