import DataFormats
import Interpreter
import Language
import Tensors
import Testing
import Workbench

/// A call that can't be answered: the code, the place that is marked, and what the sentence says.
struct BadCall: Sendable, CustomTestStringConvertible {
  let source: String
  let code: String
  let place: String
  let sentence: String
  let hint: String?
  var testDescription: String { source }

  init(
    _ source: String, _ code: String, at place: String, _ sentence: String, hint: String? = nil
  ) {
    self.source = source
    self.code = code
    self.place = place
    self.sentence = sentence
    self.hint = hint
  }
}

/// A checkpoint that was damaged: how, and the sentence about it.
struct Damage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: String
  let sentence: String
  let change: @Sendable (_ folder: String) throws -> Void

  init(
    _ what: String, _ code: String, _ sentence: String,
    _ change: @escaping @Sendable (_ folder: String) throws -> Void
  ) {
    testDescription = what
    self.code = code
    self.sentence = sentence
    self.change = change
  }
}

@Suite struct FailureTests {
  @Test(arguments: [
    BadCall(
      "next(\"The cat\", using: e)", "no-language-model-head", at: "next(\"The cat\", using: e)",
      "The model \"all-MiniLM-L6-v2\" has no language-model head, so it predicts no tokens.",
      hint: "Load a decoder to ask what comes next."),
    BadCall(
      "attention(\"The cat\", layer: 3)", "out-of-range", at: "3",
      "`layer` must lie in 0…2, or count from the end as -1…-3; 3 does not."),
    BadCall(
      "attention(\"The cat\", layer: 0...5)", "out-of-range", at: "0...5",
      "`layer` must lie in 0…2, or count from the end as -1…-3; 3 does not."),
    BadCall(
      "attention(\"The cat\", head: [0, 7])", "out-of-range", at: "[0, 7]",
      "`head` must lie in 0…2, or count from the end as -1…-3; 7 does not."),
    BadCall(
      "\"The cat\" |> attention(head: -4)", "out-of-range", at: "-4",
      "`head` must lie in 0…2, or count from the end as -1…-3; -4 does not."),
    BadCall(
      "next(\"The cat\", top: 0)", "out-of-range", at: "0",
      "`top` of `next` takes a whole number in 1…1000; the number 0 is none."),
    BadCall(
      "next(\"The cat\", position: 99)", "out-of-range", at: "99",
      "`position` must lie in 0…5, or count from the end as -1…-6; 99 does not."),
    BadCall(
      "trace(ids: [1, 344])", "token-out-of-range", at: "trace(ids: [1, 344])",
      "The token id 344 at position 1 is outside the vocabulary: ids run from 0 to 343."),
    BadCall(
      "trace(ids: [])", "empty-text", at: "trace(ids: [])",
      "There is nothing to run: the input has no tokens."),
    BadCall(
      "trace()", "missing-argument", at: "trace()", "`trace` needs a text, a trace, or `ids`."),
    BadCall(
      "trace(\"a\", ids: [1])", "wrong-value", at: "[1]", "Give either a text or `ids`, not both."),
    BadCall(
      "trace(trace(\"a\"), using: e)", "wrong-value", at: "e",
      "The trace was made with llama-deepseek-llm, not with all-MiniLM-L6-v2.",
      hint: "Give the text itself to ask another model."),
    BadCall(
      "load(\"llama-deepsek-llm\")", "missing-file", at: "\"llama-deepsek-llm\"",
      "There is no file, folder or known model \"llama-deepsek-llm\".",
      hint: "Did you mean \"llama-deepseek-llm\"?"),
    BadCall(
      "load(\"/nowhere\")", "missing-file", at: "\"/nowhere\"",
      "There is no file, folder or known model \"/nowhere\".",
      hint: "Give the path of a folder that holds config.json and the weights, or one of: "
        + "all-MiniLM-L6-v2, llama-deepseek-llm."),
  ])
  func aCallThatCannotBeAnsweredGetsOneSentenceAtItsPlace(call: BadCall) throws {
    let bench = try Bench("all-MiniLM-L6-v2", "llama-deepseek-llm")
    try bench.run("e = load(\"all-MiniLM-L6-v2\")\nm = load(\"llama-deepseek-llm\")")
    let failure = try bench.failure(call.source)
    #expect(failure.code == call.code)
    #expect(bench.place(failure, in: call.source) == call.place)
    #expect(failure.message == call.sentence)
    #expect(failure.hint == call.hint)
    // The session goes on.
    #expect(try bench.number("len(trace(\"The cat\"))") == 6)
  }

  @Test func textsThatAreTooLongAreRefusedWithFigures() throws {
    let bench = try Bench("all-MiniLM-L6-v2", "llama-deepseek-llm")
    #expect(
      try bench.failure("trace(ids: [101] * 513)").message.contains("513")
        || bench.failure("trace(ids: [101 for i in 0..<513])").message
          == "The input has 513 tokens, but the model takes at most 512."
    )
    let long = try bench.failure("attention(join([\"cat\" for i in 0..<600], \" \"))")
    #expect(long.code == "text-too-long")
    #expect(long.message == "The input has 602 tokens, but the model takes at most 512.")
  }

  @Test func anEmptyTextIsThatOfTheModelsMarks() throws {
    let bench = try Bench("all-MiniLM-L6-v2", "llama-deepseek-llm")
    #expect(try bench.json("trace(\"\").ids") == [101, 102])
    #expect(try bench.shown("attention(\"\")").contains("[CLS]"))
    #expect(try bench.tensor("embed(\"\").vectors").shape == [1, 384])
    #expect(try bench.tensor("embed(\"\", pool: \"max\").vectors").shape == [1, 384])
    try bench.run("attention(\"\", special: false)")
    #expect(try bench.failure("attention(\"\")[\"a\"]").code == "no-such-token")
    try bench.run("load(\"llama-deepseek-llm\")")
    #expect(try bench.json("trace(\"\").ids") == [315])
    #expect(try bench.number("len(next(\"\"))") == 10)
  }

  @Test func anEncoderWithAHeadDoesNotSayWhatComesNext() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/bert-masked\")")
    #expect(
      try bench.failure("next(ids: [3, 50, 4])").message
        == "bert-masked reads a text in both directions, so it doesn't say what comes next.")
  }

  @Test(arguments: [
    Damage(
      "offsets beyond the file", "broken-checkpoint",
      "The tensor \"model.norm.weight\" in \"model.safetensors\" ends at byte 99999999, but the file has only"
    ) { folder in
      try editHeader(folder + "/model.safetensors") { header in
        let place = header.firstRange(of: "model.norm.weight")!
        let offsets = header[place.upperBound...].firstMatch(of: #/\[\d+,\d+\]/#)!
        let begin = offsets.output.dropFirst().prefix { $0 != "," }
        return header.replacingCharacters(offsets.range, with: "[\(begin),99999999]")
          .replacingShape(of: "model.norm.weight", with: "[\((99_999_999 - Int(begin)!) / 4)]")
      }
    },
    Damage(
      "a size that overflows", "broken-checkpoint", "whose size can't be counted in 64 bits."
    ) { folder in
      try editHeader(folder + "/model.safetensors") {
        $0.replacingShape(
          of: "model.norm.weight", with: "[4611686018427387904,4611686018427387904]")
      }
    },
    Damage(
      "a shape that is not the offsets'", "broken-checkpoint",
      "The tensor \"model.norm.weight\" in \"model.safetensors\" needs 100 bytes (F32 [25]), but its offsets span 96."
    ) { folder in
      try editHeader(folder + "/model.safetensors") {
        $0.replacingShape(of: "model.norm.weight", with: "[25]")
      }
    },
    Damage(
      "an unknown dtype", "broken-checkpoint", "has the unknown dtype \"Q99\""
    ) { folder in
      try editHeader(folder + "/model.safetensors") { header in
        let place = header.firstRange(of: "F32")!
        return header.replacingCharacters(place, with: "Q99")
      }
    },
    Damage(
      "a header that is no JSON", "broken-checkpoint",
      "The header of \"model.safetensors\" is not a JSON object"
    ) {
      folder in try editHeader(folder + "/model.safetensors") { "x" + $0.dropFirst() }
    },
    Damage(
      "a header longer than the file", "broken-checkpoint", "claims a header of"
    ) { folder in
      var file = try bytes(folder + "/model.safetensors")
      file.replaceSubrange(0..<8, with: [255, 255, 255, 5, 0, 0, 0, 0])
      try write(file, to: folder + "/model.safetensors")
    },
    Damage("a file cut short", "broken-checkpoint", "but the file has only") { folder in
      let file = try bytes(folder + "/model.safetensors")
      try write(Array(file.dropLast(1_000)), to: folder + "/model.safetensors")
    },
    Damage("an empty file", "broken-checkpoint", "\"model.safetensors\" has 0 bytes") { folder in
      try write([], to: folder + "/model.safetensors")
    },
    Damage(
      "a missing tensor", "broken-model",
      "The weight \"model.layers.1.self_attn.q_proj.weight\", which config.json calls for, is missing"
    ) { folder in
      try editTensors(folder + "/model.safetensors") { tensors in
        tensors.removeAll { $0.name == "model.layers.1.self_attn.q_proj.weight" }
      }
    },
    Damage(
      "a tensor of another shape", "broken-model",
      "The weight \"model.norm.weight\" has the shape [23], but config.json says [24]."
    ) { folder in
      try editTensors(folder + "/model.safetensors") { tensors in
        let place = tensors.firstIndex { $0.name == "model.norm.weight" }!
        tensors[place].tensor = Tensor(zeros: [23])
      }
    },
    Damage(
      "a missing config.json", "broken-model",
      "holds no config.json, which says how the model is built."
    ) { folder in try remove(folder + "/config.json") },
    Damage("a broken config.json", "broken-model", "\"config.json\" can't be used: it is not JSON")
    {
      folder in try write(Array("{\"model_type\"".utf8), to: folder + "/config.json")
    },
    Damage("an unknown family", "broken-model", "The model type \"mamba\" is unknown: known are") {
      folder in try edit(folder + "/config.json") { $0["model_type"] = "mamba" }
    },
    Damage(
      "an absurd size", "broken-model", "config.json gives num_hidden_layers as 1000000000"
    ) { folder in try edit(folder + "/config.json") { $0["num_hidden_layers"] = 1_000_000_000 } },
    Damage(
      "a broken tokenizer.json", "broken-tokenizer", "The tokenizer's model should be an object."
    ) {
      folder in try write(Array("{}".utf8), to: folder + "/tokenizer.json")
    },
    Damage(
      "a tokenizer.json that is no JSON", "broken-model",
      "\"tokenizer.json\" can't be used: it is not JSON"
    ) { folder in try write(Array("{".utf8), to: folder + "/tokenizer.json") },
    Damage("no weights", "broken-checkpoint", "holds no weights") { folder in
      try remove(folder + "/model.safetensors")
    },
  ])
  func aDamagedCheckpointGetsOneSentenceAndTheSessionGoesOn(damage: Damage) throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("m = load(\"llama-deepseek-llm\")\nt = trace(\"The cat\")")
    let folder = bench.folder + "/damaged"
    try copyModel("llama-deepseek-llm", to: folder)
    try damage.change(folder)
    let source = "load(\"\(folder)\")"
    let failure = try bench.failure(source)
    #expect(failure.code == damage.code)
    #expect(failure.message.contains(damage.sentence), "\(failure.message)")
    #expect(bench.place(failure, in: source) != nil)
    #expect(try bench.text("trace(\"The dog\").model.name") == "llama-deepseek-llm")
    #expect(try bench.number("len(attention(t))") == 6)
    #expect(try bench.number("len(models())") == 1)
  }

  @Test func anInterruptedCellLeavesBindingsAndModelAsTheyAre() throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("m = load(\"llama-deepseek-llm\")\nx = 5")
    let session = bench.session
    let recorder = Recorder(whenProgressing: { session.interrupt() })
    let outcome = session.execute(
      "trace(\"The cat sat.\")\nx = 6", output: recorder, progress: recorder)
    guard case .interrupted = outcome else {
      Issue.record("the cell ended as \(outcome)")
      return
    }
    #expect(recorder.output.progress.count == 1)
    #expect(try bench.number("x") == 5)
    #expect(try bench.run("trace(\"The cat sat.\")").progress.count >= 3)
  }
}
