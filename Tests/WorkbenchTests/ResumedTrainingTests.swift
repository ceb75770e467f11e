import DataFormats
import Foundation
import Glibc
import Interpreter
import Synchronization
import Tensors
import Testing
import Training

@testable import Workbench

/// `train(…, resume: true)` goes on where a training was ended, as if nothing had ended it.
@Suite struct ResumedTrainingTests {
  private static let begin = """
    m = load("\(shippedModels)/specimen")
    texts = ["The sky is blue.", "The sea is blue.", "The tree is green.", "天是蓝的。", "树是绿的。"]
    """

  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.run(Self.begin)
    return bench
  }

  /// The bytes of a folder's model and state: all weights, all moments, the options and the place in the texts.
  private func bytes(_ folder: String) throws -> [Data] {
    try ["model.safetensors", "training/state.safetensors"].map {
      try Data(contentsOf: URL(filePath: folder + "/" + $0))
    }
  }

  @Test(arguments: [
    "", ", method: \"lora\", rank: 2, modules: [\"q_proj\", \"down_proj\"]", ", round: true",
  ])
  func moreStepsGiveTheWeightsOfATrainingThatWentOn(_ extra: String) throws {
    let bench = try bench()
    func call(_ steps: Int, _ folder: String, _ resume: Bool) -> String {
      "train(m, texts, steps: \(steps), batch: 12, warmup: 0, schedule: \"constant\", held_out: 0.2, seed: 7, "
        + "into: \"\(bench.folder)/\(folder)\", resume: \(resume)\(extra))"
    }
    try bench.run("whole = \(call(8, "whole", false))")
    // Where nothing was saved yet it begins.
    try bench.run("part = \(call(3, "part", true))")
    #expect(try bytes(bench.folder + "/part") != bytes(bench.folder + "/whole"))
    try bench.run("rest = \(call(8, "part", true))")
    #expect(try bytes(bench.folder + "/part") == bytes(bench.folder + "/whole"))
    #expect(try bench.shown("rest.steps") == "8")
    let losses = try #require(try bench.json("whole.loss").array)
    #expect(try bench.json("part.loss").array == Array(losses[..<3]))
    #expect(try bench.json("rest.loss").array == Array(losses[3...]))
    // Its records are those of one training.
    var records = try RunFolder(path: bench.folder + "/part/training")
    _ = try records.refresh { false }
    let series = try #require(records.runs.first?.series("loss/train"))
    #expect(records.runs.count == 1)
    #expect(series.points.map(\.step) == Array(1...8))
    #expect(
      series.points.map { Float($0.value) } == losses.compactMap { $0.number.map { Float($0) } })
  }

  @Test func anInterruptedTrainingGoesOnWithTheSameCall() throws {
    let bench = try bench()
    func call(_ folder: String) -> String {
      "run = train(m, texts, steps: 6, batch: 12, held_out: 0, seed: 2, into: \"\(bench.folder)/\(folder)\", resume: true)"
    }
    let cancellation = Cancellation()
    let output = Interrupter(cancellation)
    let outcome = bench.session.execute(
      call("part"), output: output, cancellation: cancellation)
    guard case .interrupted = outcome else { throw Unexpected(outcome) }
    #expect(output.errors.value.contains("Stopped after step 1 of 6."))
    #expect(output.errors.value.contains("The same call with resume: true goes on from there."))
    try bench.run(call("part"))
    #expect(try bench.shown("len(run.loss)") == "5")
    try bench.run(call("whole"))
    #expect(try bytes(bench.folder + "/part") == bytes(bench.folder + "/whole"))
  }

  @Test func aKilledTrainingGoesOnWithTheSameWeights() async throws {
    let bench = try bench()
    let folder = bench.folder + "/part"
    setenv("VITRINE_KILLED_CALL", folder, 1)
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let folder = String(cString: try #require(getenv("VITRINE_KILLED_CALL")))
      let watcher = Thread {
        while access(folder + "/training/state.safetensors", F_OK) != 0 { usleep(20_000) }
        usleep(300_000)
        kill(getpid(), SIGKILL)
      }
      watcher.start()
      let session = Workbench.makeSession(environment: ["HOME": folder, "TMPDIR": folder])
      _ = session.execute(
        Self.begin + "\n" + Self.killed(folder, steps: 1_000_000), output: Recorder())
    }
    let state = try SavedTraining(path: folder + "/training/state.safetensors")
    #expect(state.step > 0 && state.step < 1_000_000)
    let whole = bench.folder + "/whole"
    try bench.run(Self.killed(folder, steps: state.step + 3))
    try bench.run(Self.killed(whole, steps: state.step + 3))
    #expect(try bytes(folder) == bytes(whole))
  }

  private static func killed(_ folder: String, steps: Int) -> String {
    "train(m, texts, steps: \(steps), batch: 12, warmup: 0, schedule: \"constant\", held_out: 0, seed: 4, "
      + "every: 1000, learning_rate: 0.0001, into: \"\(folder)\", resume: true);"
  }

  @Test(arguments: [
    ("learning_rate: 0.002", "has `learning_rate` 0.001, and this call 0.002."),
    ("schedule: \"constant\"", "has `schedule` cosine, and this call constant."),
    ("weight_decay: 0.02", "has `weight_decay` 0.01, and this call 0.02."),
    ("batch: 300", "has `batch` 512, and this call 300."),
    ("round: true", "has `round` false, and this call true."),
    ("seed: 8", "has `seed` 7, and this call 8."),
    ("method: \"lora\"", "has `method` full, and this call lora."),
    ("steps: 2", "has taken 2 steps already, and `steps` is 2."),
    ("steps: 1", "has taken 2 steps already, and `steps` is 1."),
    (
      "data: [\"The sun is red.\"]",
      "was saved by a training on other texts; going on needs the same ones."
    ),
  ]) func whatIsNotTheSameTrainingIsNamed(change: String, sentence: String) throws {
    let bench = try bench()
    let into = "into: \"\(bench.folder)/out\""
    try bench.run(
      "train(m, texts, steps: 2, learning_rate: 0.001, held_out: 0, seed: 7, \(into));")
    var arguments = ["data: texts", "steps: 4", "learning_rate: 0.001", "seed: 7"]
    let name = change.prefix { $0 != ":" } + ":"
    arguments.removeAll { $0.hasPrefix(name) }
    let before = try bytes(bench.folder + "/out")
    let message = try bench.failure(
      "train(m, \((arguments + [change]).joined(separator: ", ")), held_out: 0, \(into), resume: true)"
    ).message
    #expect(message.contains(bench.folder + "/out") && message.hasSuffix(sentence), "\(message)")
    #expect(try bytes(bench.folder + "/out") == before)
  }

  @Test(arguments: [
    ("rank: 3", "has `rank` 2, and this call 3."),
    ("alpha: 4", "has `alpha` 16, and this call 4."),
    (
      "modules: [\"v_proj\", \"o_proj\"]",
      "has `modules` q_proj, v_proj, and this call v_proj, o_proj."
    ),
    ("method: \"full\"", "has `method` lora, and this call full."),
  ]) func otherAdaptationsAreNamed(change: String, sentence: String) throws {
    let bench = try bench()
    let into = "steps: 1, learning_rate: 0.001, held_out: 0, into: \"\(bench.folder)/out\""
    try bench.run("train(m, texts, method: \"lora\", rank: 2, \(into));")
    let kept = ["method: \"lora\"", "rank: 2"].filter { $0.prefix(4) != change.prefix(4) }
    let message = try bench.failure(
      "train(m, texts, \((kept + [change]).joined(separator: ", ")), \(into), resume: true)"
    ).message
    #expect(message.hasSuffix(sentence), "\(message)")
  }

  @Test func anotherModelNoFolderAndABrokenStateAreNamed() throws {
    let bench = try bench()
    let out = bench.folder + "/out"
    try bench.run("train(m, texts, steps: 1, held_out: 0, into: \"\(out)\");")
    let other = try bench.failure(
      "train(load(\"\(shippedModels)/specimen-moe\"), texts, steps: 2, held_out: 0, into: \"\(out)\", resume: true)"
    ).message
    #expect(other.contains("is of another model: its `"), "\(other)")
    #expect(
      try bench.failure("train(m, texts, steps: 2, resume: true)").message
        == "`resume` goes on with the training in the folder `into`, which isn't given.")
    // What it wrote is another model of the same kind: it can be gone on from.
    try bench.run(
      "train(load(\"\(out)\"), texts, steps: 2, held_out: 0, into: \"\(out)\", resume: true);")
    let state = out + "/training/state.safetensors"
    try FileManager.default.removeItem(atPath: state)
    try FileManager.default.copyItem(atPath: out + "/model.safetensors", toPath: state)
    #expect(
      try bench.failure("train(m, texts, steps: 3, held_out: 0, into: \"\(out)\", resume: true)")
        .message
        == "`\(state)` can't be gone on from: it has no kind, so it isn't a saved training.")
  }
}

/// Interrupts a cell when it first shows something.
private final class Interrupter: OutputSink {
  private let cancellation: Cancellation
  let errors = Collected()

  init(_ cancellation: Cancellation) { self.cancellation = cancellation }

  func stream(_ stream: Interpreter.OutputStream, _ text: String) {
    if stream == .standardError { errors.add(text) }
  }
  func display(_ bundle: MIMEBundle, identifier: String?) { cancellation.cancel() }
  func update(_ bundle: MIMEBundle, identifier: String) {}
  func result(_ bundle: MIMEBundle) {}
  func clear(wait: Bool) {}
  func readLine(prompt: String, isPassword: Bool) throws -> String { "" }
}

/// Text that comes in parts.
private final class Collected: Sendable {
  private let text = Mutex("")
  var value: String { text.withLock { $0 } }
  func add(_ part: String) { text.withLock { $0 += part } }
}
