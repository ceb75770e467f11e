import Figures
import Training

/// The pictures of a training.
enum TrainingFigures {
  /// The curves by group: losses, rates, norms, entropies.
  static func curves(
    _ name: String, series: [(tag: String, series: ScalarSeries)], note: String?,
    provenance: Provenance?
  ) -> LineChartGrid {
    var groups: [(name: String, lines: [LineSeries])] = []
    let order = ["loss", "learning rate", "gradient norm", "attention entropy"]
    for (tag, numbers) in series {
      let parts = tag.split(separator: "/", maxSplits: 1).map(String.init)
      // A layer has one colour in all charts.
      let line = LineSeries(
        name: parts.count > 1 ? parts[1].replacing("layers.", with: "layer ") : tag,
        xs: numbers.points.map { Double($0.step) },
        ys: numbers.points.map(\.value))
      if let place = groups.firstIndex(where: { $0.name == parts[0] }) {
        groups[place].lines.append(line)
      } else {
        groups.append((parts[0], [line]))
      }
    }
    groups.sort { left, right in
      (order.firstIndex(of: left.name) ?? order.count)
        < (order.firstIndex(of: right.name) ?? order.count)
    }
    return LineChartGrid(
      title: "Training · \(name)",
      charts: groups.map { group in
        LineChart(
          title: titles[group.name] ?? group.name, series: group.lines,
          isLogarithmic: group.name == "gradient norm")
      }, note: note, provenance: provenance)
  }

  private static let titles = [
    "loss": "loss (nats a token)", "gradient norm": "gradient norm, before clipping",
    "attention entropy": "attention entropy (bits), mean over heads",
  ]

  /// The entropy of every head's attention to a probe, at every look.
  static func entropies(
    _ name: String, _ probe: TrainingProbe, provenance: Provenance?
  ) -> MapSequence? {
    guard let first = probe.frames.first else { return nil }
    return MapSequence(
      title: "Attention entropy (bits) · \(name)",
      frames: probe.frames.map { frame in
        let mean = frame.entropies.joined().reduce(0, +) / Double(frame.entropies.joined().count)
        return MapSequence.Frame(
          title: "step \(frame.step)", note: "mean \(NumberText.significant(mean, 4))",
          values: Matrix(frame.entropies.map { $0.map(Float.init) }))
      }, rowLabels: first.entropies.indices.map { TokenLabel("\($0)") },
      columnLabels: (first.entropies.first ?? []).indices.map { TokenLabel("\($0)") },
      rowTitle: "layer", columnTitle: "head", valueTitle: "bits", noteTitle: "mean, in bits",
      provenance: provenance)
  }

  /// The curves, and beneath them the heads' entropies and the probes.
  static func dashboard(
    _ name: String, series: [(tag: String, series: ScalarSeries)], probes: [TrainingProbe],
    measured: TrainingProbe?, heads: Int, note: String?, provenance: Provenance?
  ) -> GroupFigure {
    let curves = curves(name, series: series, note: note, provenance: provenance)
    let entropies = measured.flatMap { Self.entropies(name, $0, provenance: nil) }
    let maps = probes.filter { !$0.frames.isEmpty }.prefix(4).map { probe -> any Figure in
      probe.figure(title: probe.title(name, heads: heads), provenance: nil)
    }
    return GroupFigure(figures: [curves] + (entropies.map { [$0] } ?? []) + maps)
  }
}
