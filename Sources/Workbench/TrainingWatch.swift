import Figures
import FoundationEssentials
import Interpreter
import Models
import Tensors
import Training

/// A training as it goes: its steps, what is recorded of them, and the picture that follows it.
final class TrainingWatch {
  /// What decides when something is looked at.
  struct Plan {
    let steps: Int
    /// Held-out loss and probes are taken after so many steps.
    let interval: Int
    let name: String
    let records: String?
  }

  /// The numbers by tag, in the order of their first.
  private(set) var series: [(tag: String, series: ScalarSeries)] = []
  private(set) var probes: [TrainingProbe]
  let trainer: Trainer
  private let heldOut: TrainingCorpus?
  private let base: LanguageModel
  private let plan: Plan
  private let context: ExecutionContext
  private let events: EventFileWriter?
  private let identifier = "train-\(UInt64.random(in: 0...UInt64.max))"
  private var shown: ContinuousClock.Instant?
  private var tokens = 0
  private let began = ContinuousClock.now

  init(
    _ trainer: Trainer, heldOut: TrainingCorpus?, probes: [TrainingProbe], base: LanguageModel,
    plan: Plan, in context: ExecutionContext
  ) throws {
    self.trainer = trainer
    self.heldOut = heldOut
    self.probes = probes
    self.base = base
    self.plan = plan
    self.context = context
    events = try plan.records.map {
      try EventFileWriter(folder: $0, wallTime: Date().timeIntervalSince1970)
    }
  }

  /// Takes all steps; an interrupt or a divergence leaves the weights after the last good one.
  func run() throws {
    try look()
    while trainer.step < plan.steps {
      let record = try trainer.takeStep(cancellation: context.cancellation)
      tokens += record.tokens
      try note("loss/train", record.loss)
      try note("learning rate", record.learningRate)
      try note("gradient norm/all", record.gradientNorm)
      for part in record.partNorms where part.norm.isFinite && part.norm > 0 {
        try note("gradient norm/\(part.part)", part.norm)
      }
      let isLast = trainer.step == plan.steps
      if isLast || trainer.step.isMultiple(of: plan.interval) { try look() }
      if shown.map({ $0.duration(to: .now) > .milliseconds(500) }) ?? true { show() }
    }
  }

  /// Held-out loss, probes, and the weights' distributions.
  private func look() throws {
    if let heldOut {
      try note("loss/held out", try trainer.evaluate(heldOut, cancellation: context.cancellation))
    }
    let model = try base.replacingWeights(with: try trainer.weights, name: plan.name)
    var looked = probes
    for index in looked.indices {
      try looked[index].look(model, step: trainer.step, cancellation: context.cancellation)
    }
    probes = looked
    for (index, probe) in probes.enumerated() {
      guard let frame = probe.frames.last else { continue }
      for (layer, entropies) in frame.entropies.enumerated() {
        let mean = entropies.reduce(0, +) / Double(entropies.count)
        if index == 0 { try note("attention entropy/layer \(layer)", mean) }
        for (head, entropy) in entropies.enumerated() {
          try record("attention entropy/probe \(index)/layer \(layer) head \(head)", entropy)
        }
      }
      let time = Date().timeIntervalSince1970
      try events?.text(
        "next tokens/probe \(index)", TrainingProbe.words(frame.next), step: trainer.step,
        wallTime: time)
      if let image = TrainingProbe.image(frame.map) {
        try events?.image(
          "attention/probe \(index)", image, step: trainer.step, wallTime: time)
      }
    }
    if let events {
      for (name, tensor) in try trainer.weights where tensor.shape.count == 2 {
        try events.histogram(
          "weights/\(name)", tensor.floats.lazy.prefix(100_000).map(Double.init),
          step: trainer.step, wallTime: Date().timeIntervalSince1970)
      }
    }
  }

  /// Keeps a number of the step that was taken.
  private func note(_ tag: String, _ value: Double) throws {
    let place =
      series.firstIndex { $0.tag == tag }
      ?? {
        series.append((tag, ScalarSeries()))
        return series.count - 1
      }()
    // What a notebook keeps doesn't depend on when it was computed.
    series[place].series.append(
      ScalarSeries.Point(step: trainer.step, wallTime: 0, value: value))
    try record(tag, value)
  }

  /// Writes a number to the event file, where there is one.
  private func record(_ tag: String, _ value: Double) throws {
    try events?.scalar(
      tag, value, step: trainer.step, wallTime: Date().timeIntervalSince1970)
  }

  private var progressWords: String {
    let seconds = began.duration(to: .now) / .seconds(1)
    return
      "step \(trainer.step) of \(plan.steps), \(Int(Double(tokens) / max(seconds, 1e-3))) tokens a second"
  }

  /// Renews the picture; the last one says nothing of times, so that two runs leave the same bytes.
  func show(isLast: Bool = false, note: String? = nil) {
    var parts = ["step \(trainer.step) of \(plan.steps)"]
    if !isLast, trainer.step > 0 {
      let seconds = began.duration(to: .now) / .seconds(1)
      let left = seconds / Double(trainer.step) * Double(plan.steps - trainer.step)
      parts = [progressWords, "\(Int(left.rounded(.up))) s left"]
    }
    if let note { parts.append(note) }
    let figure = TrainingFigures.dashboard(
      plan.name, series: series, probes: probes, heads: base.configuration.heads,
      note: parts.joined(separator: " · "), provenance: context.provenance(model: base.name))
    if shown == nil {
      context.output.display(figure.mimeBundle(), identifier: identifier)
    } else {
      context.output.update(figure.mimeBundle(), identifier: identifier)
    }
    shown = .now
  }
}

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

  /// The curves, and the probes beneath them.
  static func dashboard(
    _ name: String, series: [(tag: String, series: ScalarSeries)], probes: [TrainingProbe],
    heads: Int, note: String?, provenance: Provenance?
  ) -> GroupFigure {
    let curves = curves(name, series: series, note: note, provenance: provenance)
    let maps = probes.filter { !$0.frames.isEmpty }.prefix(4).map { probe -> any Figure in
      probe.figure(title: probe.title(name, heads: heads), provenance: nil)
    }
    return GroupFigure(figures: [curves] + maps)
  }
}
