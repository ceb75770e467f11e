import DataFormats
import Foundation
import Interpreter
import Tensors
import Testing
import Training

@testable import Workbench

/// `train`, `history`, `evolution` and `compare` in the language.
@Suite struct TrainingFunctionsTests {
  private static let specimen =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
    + "/Kernelspec/models/specimen"
  private static let begin = """
    m = load("\(specimen)")
    texts = ["The sky is blue.", "The sea is blue.", "The tree is green.", "天是蓝的。"]
    """

  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.run(Self.begin)
    return bench
  }

  @Test func aModelLearnsAndTheOtherStays() throws {
    let bench = try bench()
    let output = try bench.run(
      "run = train(m, texts, steps: 40, held_out: 0, probes: [\"The sky is\"], every: 10, seed: 3, learning_rate: 0.001)"
    )
    // One picture, renewed in place; the last one says no times.
    #expect(output.displays.count == 1)
    let last = try #require(output.updates.last)
    #expect(last.plainText?.contains("step 40 of 40") == true)
    #expect(last.plainText?.contains("tokens a second") == false)
    #expect(try bench.shown("run.steps") == "40")
    #expect(try bench.shown("run.loss[39] < 0.5 * run.loss[0]") == "true")
    #expect(try bench.shown("len(run.loss)") == "40")
    // At steps 0, 10, 20, 30 and 40, five tokens each.
    #expect(try bench.shown("len(run.probes)") == "25")
    #expect(try bench.shown("len(run.attention_entropy)") == "125")
    // The model that is asked is still the first, and it is as it was.
    #expect(try bench.shown("info()").contains("specimen-trained") == false)
    #expect(
      try bench.text("generate(\"The sky is\", tokens: 6, using: run.model).text").contains("blue"))
    #expect(try !bench.text("generate(\"The sky is\", tokens: 6, using: m).text").contains("blue"))
    #expect(try bench.shown("history(run)").contains("learning rate") == true)
    let frames = try bench.shown("evolution(run)")
    #expect(frames.contains("5 maps of") == true)
    #expect(try bench.run("run[\"loss/train\"]").results.count == 1)
  }

  @Test(arguments: ["", ", method: \"lora\", rank: 2", ", round: true"])
  func theSameCallGivesTheSameNumbers(_ extra: String) throws {
    let call = "train(m, texts, steps: 5, held_out: 0.25, seed: 7\(extra))"
    let bench = try bench()
    try bench.run("a = \(call)\nb = \(call)")
    #expect(try bench.shown("a.loss == b.loss and a.held_out == b.held_out") == "true")
    let compared = try bench.shown("compare(a, b)")
    #expect(compared.contains("loss/held out") == true)
  }

  @Test func answersAloneAreLearned() throws {
    let bench = try bench()
    try write(
      Array("prompt,answer\n\"The sky is\",\" blue.\"\n\"The sea is\",\" blue.\"\n".utf8),
      to: bench.folder + "/pairs.csv")
    try write(
      Array("{\"text\": \"The sky is blue.\"}\n{\"text\": \"The sea is blue.\"}\n".utf8),
      to: bench.folder + "/texts.jsonl")
    try write(
      Array("The sky is blue.\r\n\nThe sea is blue.\n".utf8), to: bench.folder + "/lines.txt")
    try bench.run(
      """
      pairs = train(m, "\(bench.folder)/pairs.csv", steps: 1, held_out: 0)
      records = train(m, [{prompt: "The sky is", answer: " blue."}, {prompt: "The sea is", answer: " blue."}], steps: 1, held_out: 0)
      rows = train(m, "\(bench.folder)/texts.jsonl", steps: 1, held_out: 0)
      lines = train(m, "\(bench.folder)/lines.txt", steps: 1, held_out: 0)
      """)
    #expect(try bench.shown("pairs.loss == records.loss") == "true")
    #expect(try bench.shown("rows.loss == lines.loss") == "true")
    #expect(try bench.shown("pairs.loss == rows.loss") == "false")
  }

  @Test func aTextFileIsUTF8() throws {
    let bench = try bench()
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    try write(mark + Array("The sky is blue.\n".utf8), to: bench.folder + "/marked.txt")
    try write(Array("The sky is blue.".utf8), to: bench.folder + "/plain.txt")
    try bench.run(
      """
      marked = train(m, "\(bench.folder)/marked.txt", steps: 1, held_out: 0)
      plain = train(m, "\(bench.folder)/plain.txt", steps: 1, held_out: 0)
      """)
    #expect(try bench.shown("marked.loss == plain.loss") == "true")
    // What isn't UTF-8 isn't learned as replacement characters.
    try write(Array("The sky\n\ncaf".utf8) + [0xE9], to: bench.folder + "/latin.txt")
    let failure = try bench.failure("train(m, \"\(bench.folder)/latin.txt\")")
    #expect(failure.code == "wrong-file")
    #expect(failure.message.hasSuffix("/latin.txt\" is not a text in UTF-8: line 3 isn't."))
  }

  @Test func aFolderGetsTheModelItsStateAndItsRecords() throws {
    let bench = try bench()
    let folder = bench.folder + "/out"
    try bench.run(
      "run = train(m, texts, steps: 4, every: 2, held_out: 0.25, probes: \"The sky is\", into: \"\(folder)\")"
    )
    for file in [
      "config.json", "model.safetensors", "tokenizer.json", "training/state.safetensors",
    ] {
      #expect(FileManager.default.fileExists(atPath: folder + "/" + file), "\(file)")
    }
    var records = try RunFolder(path: folder + "/training")
    _ = try records.refresh { false }
    let run = try #require(records.runs.first)
    let losses = try #require(run.series("loss/train")).points.map(\.value)
    let shown = try bench.json("run.loss").array?.compactMap(\.number) ?? []
    // The format has them in single precision.
    #expect(losses == shown.map { Double(Float($0)) } && losses.count == 4)
    // Weights at steps 0, 2 and 4; gradients after the first.
    #expect(run.histograms["weights/lm_head.weight"]?.map(\.step) == [0, 2, 4])
    #expect(run.histograms["gradients/model.embed_tokens.weight"]?.map(\.step) == [2, 4])
    #expect(run.images["attention/probe 0"]?.count == 3)
    #expect(run.texts.keys.contains { $0.hasPrefix("next tokens/probe 0") })
    #expect(run.series("attention entropy/probe 0/layer 4 head 1")?.points.count == 3)
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: folder + "/training/" + name, encoding: .utf8)
    }
    #expect(try text("projector_config.pbtxt").contains("tensor_path: \"tokens.tensors.tsv\""))
    let words = try text("tokens.metadata.tsv").split(separator: "\n")
    #expect(words.first == "token\tid" && words.contains { $0.hasPrefix("The\t") })
    #expect(try text("tokens.tensors.tsv").split(separator: "\n").count == words.count - 1)
    #expect(
      try text("probes.metadata.tsv") == "text\tstep\nThe sky is\t0\nThe sky is\t2\nThe sky is\t4\n"
    )
    try bench.run("other = load(\"\(folder)\")")
    let top = try bench.shown("next(\"The sky is\", using: other, top: 2).probabilities")
    let same = try bench.shown("next(\"The sky is\", using: run.model, top: 2).probabilities")
    #expect(top == same)
  }

  @Test func anInterruptKeepsWhatWasLearned() throws {
    let bench = try bench()
    let folder = bench.folder + "/out"
    let cancellation = Cancellation()
    let recorder = Recorder(whenProgressing: { cancellation.cancel() })
    let outcome = bench.session.execute(
      "run = train(m, texts, steps: 1000000, held_out: 0, into: \"\(folder)\")", output: recorder,
      progress: recorder, cancellation: cancellation)
    guard case .interrupted = outcome else { throw Unexpected(outcome) }
    #expect(recorder.output.standardError.contains("What was learned before is in \(folder)"))
    #expect(try bench.shown("load(\"\(folder)\").layers") == "5")
    // Its history is kept too.
    #expect(try bench.shown("training().steps > 0 and training().steps < 1000000") == "true")
    #expect(try bench.shown("history()").contains("of 1000000, then stopped"))
    #expect(try bench.shown("next(\"The sky is\", using: training().model, top: 2)").contains("%"))
  }

  @Test func divergenceIsNamedWithItsStep() throws {
    let bench = try bench()
    let failure = try bench.failure(
      "train(m, texts, steps: 200, held_out: 0, warmup: 0, learning_rate: 10, weight_decay: 10)")
    #expect(failure.code == "training-diverged")
    #expect(failure.message.contains("The training diverged at step "), "\(failure.message)")
    let step = try #require(failure.message.firstMatch(of: /at step (\d+)/).flatMap { Int($0.1) })
    #expect(try bench.number("training().steps") == Double(step - 1))
    // What there is was learned by good steps.
    #expect(try bench.shown("[x for x in training().loss if not (x < 1e30)]") == "[]")
  }

  @Test func entropiesAreFollowedWithoutAProbe() throws {
    let bench = try bench()
    try bench.run("run = train(m, texts, steps: 2, every: 1, held_out: 0)")
    // Of one text, at steps 0, 1 and 2, of five heads in five layers.
    #expect(try bench.shown("len(run.attention_entropy)") == "75")
    let shown = try bench.shown("history()")
    #expect(shown.contains("Attention entropy (bits)") && shown.contains("3 maps of 5 × 5"))
    #expect(try bench.failure("evolution()").message == "Nothing was probed in this training.")
    #expect(
      try Bench().failure("training()").message == "Nothing was trained in this session.")
  }

  @Test(arguments: [
    ("train(m, [])", "There is no text of two tokens or more to learn from."),
    ("train(m, [1, 2])", "Element 0 of `data` is the number 1, not a text."),
    (
      "train(m, table([{word: \"a\"}]))",
      "The table has the columns word; what is learned is a column `text`, or `prompt` and `answer`."
    ),
    ("train(m, \"nowhere.txt\")", "nowhere.txt"),
    (
      "train(m, texts, method: \"lora\", modules: [\"kv_b_proj\"])",
      "The model has no map named `kv_b_proj` to adapt."
    ),
    ("train(m, texts, layer: 9, probes: \"a\")", "`layer` must lie in 0…4"),
    ("evolution(train(m, texts, steps: 1, held_out: 0))", "Nothing was probed in this training."),
  ]) func whatCannotBeLearnedIsSaid(source: String, sentence: String) throws {
    let message = try bench().failure(source).message
    #expect(message.contains(sentence), "\(message)")
  }
}
