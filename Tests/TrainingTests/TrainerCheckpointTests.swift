import Checkpoints
import DataFormats
import Glibc
import Models
import Tensors
import Testing

@testable import Training

@Suite struct TrainerCheckpointTests {
  /// The bits of all weights and moments.
  private func state(_ trainer: Trainer) -> [[UInt32]] {
    trainer.parameters.entries.flatMap { entry in
      [entry.value, entry.mean, entry.square].map { $0.floats.map(\.bitPattern) }
    }
  }

  @Test(arguments: ["llama", "deepseek_v3"], [1, 2, 3, 8])
  func everyNumberOfThreadsGivesTheSameBits(family: String, threads: Int) throws {
    let reference = try ReferenceSteps(family)
    func run(_ threads: Int) throws -> ([StepRecord], [[UInt32]]) {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        () throws -> ([StepRecord], [[UInt32]]) in
        let trainer = try reference.trainer()
        return (try (0..<8).map { _ in try trainer.takeStep() }, state(trainer))
      }
    }
    let (records, bits) = try run(threads)
    let (expected, expectedBits) = try run(1)
    #expect(records == expected)
    #expect(bits == expectedBits)
  }

  @Test(arguments: ["qwen3", "deepseek_v3"])
  func resumedTrainingGoesOnBitForBit(family: String) throws {
    let folder = TemporaryFolder()
    let reference = try ReferenceSteps(family)
    var options = ReferenceSteps.options
    options.batchesPerStep = 2
    options.seed = 0xFFFF_FFFF_FFFF_FFF1
    options.divergenceNorm = nil
    let whole = try reference.trainer(options)
    let records = try (0..<12).map { _ in try whole.takeStep() }
    #expect(records.last?.epoch ?? 0 > 0)
    let first = try reference.trainer(options)
    for _ in 0..<7 { _ = try first.takeStep() }
    try first.save(to: folder.path + "/state")
    let second = try Trainer(resuming: folder.path + "/state", corpus: first.corpus)
    #expect(second.options == options)
    #expect(try (0..<5).map { _ in try second.takeStep() } == Array(records.suffix(5)))
    #expect(state(second) == state(whole))
  }

  @Test func killedTrainingLeavesAStateToGoOnFrom() async throws {
    let folder = TemporaryFolder()
    setenv("VITRINE_KILLED_TRAINING", folder.path, 1)
    // Saves after every step, and is killed from outside its own course, most likely within a save.
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let path = String(cString: try #require(getenv("VITRINE_KILLED_TRAINING")))
      let trainer = try ReferenceSteps("llama").trainer()
      _ = try trainer.takeStep()
      try trainer.save(to: path + "/state")
      var thread = pthread_t()
      pthread_create(
        &thread, nil,
        { _ in
          usleep(60_000)
          kill(getpid(), SIGKILL)
          return nil
        }, nil)
      while true {
        _ = try trainer.takeStep()
        try trainer.save(to: path + "/state")
      }
    }
    let reference = try ReferenceSteps("llama")
    let whole = try reference.trainer()
    let resumed = try Trainer(resuming: folder.path + "/state", corpus: whole.corpus)
    #expect(resumed.step > 0)
    while whole.step < resumed.step { _ = try whole.takeStep() }
    #expect(state(resumed) == state(whole))
    #expect(try resumed.takeStep() == whole.takeStep())
    #expect(state(resumed) == state(whole))
  }

  @Test(arguments: TrainerStepsTests.families) func exportedModelPredictsAsTheTrainer(
    _ family: String
  ) throws {
    let folder = TemporaryFolder()
    let reference = try ReferenceSteps(family)
    let trainer = try reference.trainer()
    for _ in 0..<3 { _ = try trainer.takeStep() }
    try trainer.export(to: folder.path + "/model", elementType: .float32)
    let model = try LanguageModel.load(path: folder.path + "/model")
    let document = reference.documents[0]
    let loss = try trainer.evaluate(TrainingCorpus([document], contextLength: 64))
    let trace = try model.run(ids: document.ids.dropLast().map { Int($0) })
    let logits = try trace.logits(of: 0..<document.ids.count - 1)
    var total = 0.0
    var count = 0
    for position in 1..<document.ids.count where document.isTarget?[position] ?? true {
      let row = logits.row(position - 1).map { Double($0) }
      let largest = try #require(row.max())
      let sum = row.reduce(0) { $0 + exp($1 - largest) }
      total += log(sum) + largest - row[Int(document.ids[position])]
      count += 1
    }
    #expect(abs(loss - total / Double(count)) < 1e-5)
  }

  @Test func otherTextsAndOtherFilesAreNamed() throws {
    let folder = TemporaryFolder()
    let reference = try ReferenceSteps("llama")
    let trainer = try reference.trainer()
    let path = folder.path + "/state"
    try trainer.save(to: path)
    #expect(throws: TrainingError.otherCorpus(path: path)) {
      _ = try Trainer(
        resuming: path,
        corpus: TrainingCorpus(Array(reference.documents.dropLast()), contextLength: 64))
    }
    try trainer.export(to: folder.path)
    #expect(throws: TrainingError.self) {
      _ = try Trainer(resuming: folder.path + "/model.safetensors", corpus: trainer.corpus)
    }
  }
}

@Suite struct TrainerBehaviourTests {
  @Test func divergenceNamesTheStepAndKeepsTheWeights() throws {
    let reference = try ReferenceSteps("llama")
    var options = ReferenceSteps.options
    options.learningRate = 1e30
    options.clipNorm = nil
    let trainer = try reference.trainer(options)
    var before = try trainer.weights.map { $0.tensor.floats }
    var taken = 0
    let error = #expect(throws: TrainingError.self) {
      while taken < 20 {
        before = try trainer.weights.map { $0.tensor.floats }
        _ = try trainer.takeStep()
        taken += 1
      }
    }
    guard case .diverged(let step, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(step == taken + 1)
    #expect(trainer.step == taken)
    #expect(try trainer.weights.map { $0.tensor.floats } == before)
  }

  @Test func interruptedStepLeavesNothingBehind() throws {
    let reference = try ReferenceSteps("llama")
    let trainer = try reference.trainer()
    let whole = try reference.trainer()
    for looks in [1, 2, 5, 20, 60, 100] {
      let cancellation = Cancellation(settingItselfAtLook: looks)
      #expect(throws: Cancelled.self) { _ = try trainer.takeStep(cancellation: cancellation) }
    }
    #expect(try trainer.takeStep() == whole.takeStep())
    #expect(try trainer.takeStep() == whole.takeStep())
    #expect(
      try trainer.weights.map { $0.tensor.floats } == (try whole.weights.map { $0.tensor.floats }))
  }

  @Test func aSnapshotDoesNotChange() throws {
    let trainer = try ReferenceSteps("llama").trainer()
    let snapshot = try trainer.weights
    let before = snapshot.map { $0.tensor.floats }
    _ = try trainer.takeStep()
    #expect(snapshot.map { $0.tensor.floats } == before)
    #expect(try trainer.weights.map { $0.tensor.floats } != before)
  }

  @Test func accumulatedBatchesAreOneLargeBatch() throws {
    let reference = try ReferenceSteps("llama")
    let (single, split) = (try reference.trainer(), try reference.trainer())
    let documents = Array(reference.documents.prefix(6))
    let one = try single.takeStep([TrainingBatch(documents)])
    let several = try split.takeStep(
      [
        TrainingBatch(documents[..<2]), TrainingBatch(documents[2..<3]),
        TrainingBatch(documents[3...]),
      ])
    #expect(abs(one.loss - several.loss) < 1e-6)
    #expect(abs(one.gradientNorm / several.gradientNorm - 1) < 1e-5)
    #expect(one.targets == several.targets)
  }

  @Test(arguments: [1, 7, 8, 19, 100]) func partsOfABatchAreItsTexts(tokens: Int) {
    let lengths = [4, 4, 9, 2, 31, 3, 3, 3]
    let documents = lengths.enumerated().map { index, length in
      TrainingDocument(
        ids: (0..<Int32(length)).map { $0 + Int32(100 * index) },
        isTarget: (0..<length).map { $0 % 3 != 1 })
    }
    let whole = TrainingBatch(documents)
    let parts = whole.parts(ofTokens: tokens)
    #expect(parts.flatMap(\.ids) == whole.ids)
    #expect(parts.flatMap(\.targets) == whole.targets)
    #expect(parts.flatMap(\.positions) == whole.positions)
    #expect(parts.flatMap { $0.segments.map(\.count) } == whole.segments.map(\.count))
    #expect(parts.allSatisfy { $0.ids.count <= tokens || $0.segments.count == 1 })
    // None could be joined with the one after it.
    #expect(
      zip(parts, parts.dropFirst()).allSatisfy { $0.ids.count + $1.segments[0].count > tokens })
  }

  @Test func everyEpochHasEveryDocumentOnce() {
    let documents = (0..<40).map { TrainingDocument(ids: Array(repeating: Int32($0), count: 3)) }
    let corpus = TrainingCorpus(documents, contextLength: 8)
    var order = DataOrder(seed: 3, count: 40)
    var epochs: [[Int32]] = []
    for _ in 0..<3 {
      var seen: [Int32] = []
      while seen.count < 40 {
        let batch = order.nextBatch(of: corpus, tokens: 8)
        #expect(batch.ids.count == 8)
        seen += batch.segments.map { batch.ids[$0.lowerBound] }
      }
      #expect(seen.sorted() == (0..<40).map { Int32($0) })
      epochs.append(seen)
    }
    #expect(Set(epochs).count == 3)
  }

  @Test func longTextsAreCutWithoutLosingATarget() {
    let corpus = TrainingCorpus(
      [TrainingDocument(ids: Array(0..<23)), TrainingDocument(ids: [1])], contextLength: 5)
    let batch = TrainingBatch(corpus.documents)
    #expect(batch.targets == Array(1..<23))
    #expect(batch.ids == Array(0..<22))
    #expect(batch.segments.allSatisfy { $0.count <= 5 })
    #expect(batch.positions == (0..<22).map { $0 % 5 })
  }

  @Test func tokensOutsideTheVocabularyAreNamed() throws {
    let reference = try ReferenceSteps("llama")
    #expect(throws: TrainingError.tokenOutOfRange(id: 32, vocabulary: 32)) {
      _ = try Trainer(
        configuration: reference.configuration,
        corpus: TrainingCorpus([TrainingDocument(ids: [1, 32])], contextLength: 8),
        options: TrainingOptions())
    }
    #expect(throws: TrainingError.emptyCorpus) {
      _ = try Trainer(
        configuration: reference.configuration, corpus: TrainingCorpus([], contextLength: 8),
        options: TrainingOptions())
    }
  }
}
