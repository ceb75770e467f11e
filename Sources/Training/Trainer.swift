public import Checkpoints
public import DataFormats
import Models
public import Tensors

/// Trains all weights of a decoder to predict the next token.
///
/// The same configuration, corpus and options give the same weights, bit for bit, for every number of threads and
/// wherever the training was saved and resumed in between. A step that is interrupted or diverges leaves the weights, the
/// moments and the place in the corpus as they were.
public final class Trainer {
  /// The model types, as `config.json` names them, whose weights can be trained.
  public static var modelTypes: [String] { TrainableDecoder.modelTypes }
  /// The model's configuration, as `config.json` has it.
  public let configuration: JSONObject
  /// How the training goes.
  public var options: TrainingOptions
  /// How many steps were taken.
  public internal(set) var step = 0
  /// What is trained in place of the weights themselves, or `nil` where they are.
  public let adaptation: LowRankAdaptation?
  let network: TrainableDecoder
  let parameters: ParameterStore
  var corpus: TrainingCorpus
  var order: DataOrder

  /// Makes a trainer of a model with new weights that `options.seed` decides.
  ///
  /// Matrices and embeddings begin as normal numbers of the standard deviation `initializer_range` (0.02 where the
  /// configuration has none), maps into the residual stream with that divided by √(2 · layers); norms begin as ones.
  ///
  /// - Throws: `ModelError` for a configuration that can't be right or isn't of a family that can be trained;
  ///   `TrainingError` for a corpus with nothing to learn or tokens outside the vocabulary.
  public convenience init(
    configuration: JSONObject, corpus: TrainingCorpus, options: TrainingOptions
  ) throws {
    let reader = ConfigurationReader(configuration)
    let deviation = try reader.positive("initializer_range", atMost: 10, absent: 0.02)
    let layers = try reader.integer("num_hidden_layers", in: 1...1_024)
    try self.init(
      configuration, corpus, options,
      .random(SeededGenerator(seed: options.seed), deviation: deviation, layers: layers))
  }

  /// Makes a trainer that goes on from the weights of a checkpoint, whatever they are stored in.
  ///
  /// - Throws: as above, and `CheckpointError` for a missing weight.
  public convenience init(
    configuration: JSONObject, weights: Checkpoint, corpus: TrainingCorpus,
    options: TrainingOptions, adaptation: LowRankAdaptation? = nil
  ) throws {
    try self.init(
      configuration: configuration, weights: weights, prefix: "", corpus: corpus, options: options,
      adaptation: adaptation)
  }

  convenience init(
    configuration: JSONObject, weights: Checkpoint, prefix: String, corpus: TrainingCorpus,
    options: TrainingOptions, adaptation: LowRankAdaptation?
  ) throws {
    try self.init(
      configuration, corpus, options, .checkpoint(weights, prefix: prefix), adaptation: adaptation)
  }

  private init(
    _ configuration: JSONObject, _ corpus: TrainingCorpus, _ options: TrainingOptions,
    _ source: ParameterDeclaration.Source, adaptation: LowRankAdaptation? = nil
  ) throws {
    var declaration = ParameterDeclaration(source, adaptation: adaptation, seed: options.seed)
    network = try TrainableDecoder(ConfigurationReader(configuration), &declaration)
    parameters = declaration.parameters
    parameters.weightType = options.roundsWeights ? .bfloat16 : .float32
    self.adaptation = adaptation
    if let adaptation, !parameters.entries.contains(where: { $0.role == .adapterDown }) {
      throw TrainingError.nothingAdapted(modules: adaptation.modules)
    }
    self.configuration = configuration
    self.corpus = corpus
    self.options = options
    order = DataOrder(seed: options.seed, count: corpus.documents.count)
    guard !corpus.documents.isEmpty else { throw TrainingError.emptyCorpus }
    for document in corpus.documents { try check(document.ids) }
  }

  /// How many numbers the training changes, the corrections of routers among them.
  public var parameterCount: Int {
    parameters.entries.reduce(0) {
      $0 + ($1.isTrained || $1.role == .correction && adaptation == nil ? $1.value.count : 0)
    }
  }

  private func check(_ ids: [Int32]) throws(TrainingError) {
    let vocabulary = network.sizes.vocabulary
    for id in ids where !(0..<vocabulary).contains(Int(id)) {
      throw .tokenOutOfRange(id: Int(id), vocabulary: vocabulary)
    }
  }

  /// Takes a step with the next texts of the corpus.
  ///
  /// - Throws: `Cancelled`; `TrainingError.diverged`. Either leaves everything as before the step.
  public func takeStep(cancellation: Cancellation? = nil) throws -> StepRecord {
    let before = order
    let batches = (0..<max(1, options.batchesPerStep)).map { _ in
      order.nextBatch(of: corpus, tokens: options.tokensPerBatch)
    }
    do {
      return try takeStep(batches, cancellation: cancellation)
    } catch {
      order = before
      throw error
    }
  }

  /// Takes a step with these texts.
  ///
  /// - Throws: `Cancelled`; `TrainingError.diverged`. Either leaves everything as before the step.
  public func takeStep(
    _ batches: [TrainingBatch], cancellation: Cancellation? = nil
  ) throws -> StepRecord {
    let targets = batches.reduce(0) { $0 + $1.targetCount }
    guard targets > 0 else { throw TrainingError.emptyCorpus }
    parameters.clearGradients()
    var total = 0.0
    var loads: [ExpertLoad] = []
    let texts = batches.reduce(0) { $0 + $1.segments.count }
    for batch in batches {
      try check(batch.ids)
      try check(batch.targets.filter { $0 >= 0 })
    }
    for batch in batches.flatMap({ $0.parts(ofTokens: Self.tokensAtOnce) }) {
      let tape = Tape(parameters, isRecording: true, cancellation: cancellation)
      total += try network.loss(
        batch, scale: 1 / Float(targets), balance: Float(options.balanceWeight) / Float(texts),
        tape: tape)
      try tape.runBackward()
      if loads.isEmpty {
        loads = tape.loads
      } else {
        for (index, load) in tape.loads.enumerated() {
          for expert in load.counts.indices { loads[index].counts[expert] += load.counts[expert] }
        }
      }
    }
    parameters.fillGradients()
    let loss = total / Double(targets)
    guard loss.isFinite else { throw TrainingError.diverged(step: step + 1, .loss(loss)) }
    let norms = partNorms()
    let norm = norms.reduce(0) { $0 + $1.norm * $1.norm }.squareRoot()
    guard norm.isFinite, norm <= options.divergenceNorm ?? .infinity else {
      throw TrainingError.diverged(
        step: step + 1, .gradientNorm(norm, limit: options.divergenceNorm))
    }
    step += 1
    let rate = options.rate(atStep: step)
    update(rate: rate, gradientNorm: norm)
    balance(loads)
    return StepRecord(
      step: step, loss: loss, gradientNorm: norm, learningRate: rate, partNorms: norms,
      tokens: batches.reduce(0) { $0 + $1.ids.count }, targets: targets, epoch: order.epoch,
      expertLoads: loads.map(\.counts))
  }

  /// Tokens of a batch that are computed together: what is kept of them for the backward pass stays in the cache.
  private static let tokensAtOnce = 512

  private func partNorms() -> [StepRecord.PartNorm] {
    var result: [StepRecord.PartNorm] = []
    for entry in parameters.entries where entry.hasGradient {
      let square = entry.gradient.sumOfSquares
      if let place = result.firstIndex(where: { $0.part == entry.part }) {
        result[place].norm += square
      } else {
        result.append(StepRecord.PartNorm(part: entry.part, norm: square))
      }
    }
    for place in result.indices { result[place].norm = result[place].norm.squareRoot() }
    return result
  }

  private func update(rate: Double, gradientNorm: Double) {
    var scale = 1.0
    if let limit = options.clipNorm { scale = min(1, limit / (gradientNorm + 1e-6)) }
    for index in parameters.entries.indices where parameters.entries[index].hasGradient {
      let decay = options.decay(of: parameters.entries[index].role)
      parameters.entries[index].take(
        AdamStep(
          number: step, rate: rate, beta1: options.beta1, beta2: options.beta2,
          epsilon: options.epsilon, decay: decay, gradientScale: scale))
    }
  }

  /// Moves the corrections of experts that had more tokens than the mean down, and those that had fewer up.
  ///
  /// Wang et al. 2024, arXiv:2408.15664.
  private func balance(_ loads: [ExpertLoad]) {
    guard adaptation == nil else { return }
    for load in loads {
      guard let correction = load.correction else { continue }
      let mean = Double(load.counts.reduce(0, +)) / Double(load.counts.count)
      var values = parameters[correction].floats
      for (expert, count) in load.counts.enumerated() where Double(count) != mean {
        values[expert] += Float(
          Double(count) < mean ? options.correctionRate : -options.correctionRate)
      }
      parameters.entries[correction.index].value = Tensor(shape: [values.count], values)
    }
  }

  /// The mean loss of the targets of documents that nothing is learned from, in nats.
  ///
  /// - Throws: `Cancelled`; `TrainingError` where there is nothing to predict or a token outside the vocabulary.
  public func evaluate(
    _ heldOut: TrainingCorpus, cancellation: Cancellation? = nil
  ) throws -> Double {
    var total = 0.0
    var targets = 0
    var next = 0
    while next < heldOut.documents.count {
      let first = next
      var tokens = 0
      while next < heldOut.documents.count,
        next == first || tokens + heldOut.documents[next].ids.count <= options.tokensPerBatch
      {
        tokens += heldOut.documents[next].ids.count
        next += 1
      }
      let batch = TrainingBatch(heldOut.documents[first..<next])
      try check(batch.ids)
      try check(batch.targets.filter { $0 >= 0 })
      let tape = Tape(parameters, isRecording: false, cancellation: cancellation)
      total += try network.loss(batch, scale: 1, tape: tape)
      targets += batch.targetCount
    }
    guard targets > 0 else { throw TrainingError.emptyCorpus }
    return total / Double(targets)
  }
}
