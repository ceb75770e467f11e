import Figures
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
    /// A text whose attention's entropy is followed where nothing is probed.
    let measured: TrainingProbe?
  }

  /// The numbers by tag, in the order of their first.
  private(set) var series: [(tag: String, series: ScalarSeries)] = []
  private(set) var probes: [TrainingProbe]
  private(set) var measured: TrainingProbe?
  let trainer: Trainer
  private let heldOut: TrainingCorpus?
  private let base: LanguageModel
  private let plan: Plan
  private let context: ExecutionContext
  private let journal: TrainingJournal?
  private let identifier = "train-\(UInt64.random(in: 0...UInt64.max))"
  private var shown: ContinuousClock.Instant?
  private var saving = SavingSchedule()
  private var tokens = 0
  /// The step that the training began or goes on with.
  private let first: Int
  private let began = ContinuousClock.now

  init(
    _ trainer: Trainer, learned: TrainingCorpus, heldOut: TrainingCorpus?, probes: [TrainingProbe],
    base: LanguageModel, plan: Plan, in context: ExecutionContext
  ) throws {
    self.trainer = trainer
    first = trainer.step
    self.heldOut = heldOut
    self.probes = probes
    measured = probes.isEmpty ? plan.measured : nil
    self.base = base
    self.plan = plan
    self.context = context
    journal = try plan.records.map {
      try TrainingJournal(folder: $0, corpus: learned, tokenizer: base.tokenizer)
    }
  }

  /// Takes all steps; an interrupt or a divergence leaves the weights after the last good one.
  func run() throws {
    try look()
    while trainer.step < plan.steps {
      let record = try trainer.takeStep(cancellation: context.cancellation)
      tokens += record.tokens
      for (tag, value) in TrainingJournal.numbers(record) { try note(tag, value) }
      let isLast = trainer.step == plan.steps
      if isLast || trainer.step.isMultiple(of: plan.interval) { try look() }
      if saving.isDue() { try save() }
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
    try measured?.look(model, step: trainer.step, cancellation: context.cancellation)
    probes = looked
    if let frame = (probes.first ?? measured)?.frames.last {
      for (layer, entropies) in frame.entropies.enumerated() {
        let mean = entropies.reduce(0, +) / Double(entropies.count)
        try note("attention entropy/layer \(layer)", mean)
      }
    }
    guard let journal else { return }
    try journal.note(probes.isEmpty ? measured.map { [$0] } ?? [] : probes)
    try journal.distributions(of: trainer)
    try journal.project(trainer, probes, isLast: trainer.step == plan.steps)
  }

  /// Saves the state to go on from, where a folder was asked for.
  func save() throws {
    guard let records = plan.records else { return }
    let start = ContinuousClock.now
    try trainer.save(to: ResumedTraining.state(in: records))
    saving.note(from: start)
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
    try journal?.scalar(tag, value, step: trainer.step)
  }

  private var progressWords: String {
    let seconds = began.duration(to: .now) / .seconds(1)
    return
      "step \(trainer.step) of \(plan.steps), \(Int(Double(tokens) / max(seconds, 1e-3))) tokens a second"
  }

  /// Renews the picture; the last one says nothing of times, so that two runs leave the same bytes.
  func show(isLast: Bool = false, note: String? = nil) {
    var parts = ["step \(trainer.step) of \(plan.steps)"]
    if !isLast, trainer.step > first {
      let seconds = began.duration(to: .now) / .seconds(1)
      let left = seconds / Double(trainer.step - first) * Double(plan.steps - trainer.step)
      parts = [progressWords, "\(Int(left.rounded(.up))) s left"]
    }
    if let note { parts.append(note) }
    let figure = TrainingFigures.dashboard(
      plan.name, series: series, probes: probes, measured: probes.first ?? measured,
      heads: base.configuration.heads,
      note: parts.joined(separator: " · "), provenance: context.provenance(model: base.name))
    if shown == nil {
      context.output.display(figure.mimeBundle(), identifier: identifier)
    } else {
      context.output.update(figure.mimeBundle(), identifier: identifier)
    }
    shown = .now
  }
}
