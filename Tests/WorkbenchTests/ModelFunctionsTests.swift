import DataFormats
import FoundationEssentials
import Interpreter
import Testing
import Workbench

@Suite struct ModelFunctionsTests {
  @Test func loadsByPathAndByName() throws {
    let bench = try Bench("llama-deepseek-llm")
    let byPath: ModelValue = try bench.object("load(\"\(fixtures)/llama-grouped\")")
    #expect(byPath.model.name == "llama-grouped")
    let byName: ModelValue = try bench.object("load(\"llama-deepseek-llm\")")
    #expect(byName.model.name == "llama-deepseek-llm")
    #expect(byName.model.architecture == "Llama")
    let again: ModelValue = try bench.object("load(\"llama-deepseek-llm\")")
    #expect(again === byName)
    let renamed: ModelValue = try bench.object("load(\"llama-deepseek-llm\", name: \"小模型\")")
    #expect(renamed.model.name == "小模型")
    #expect(renamed !== byName)
  }

  @Test func theLastLoadedModelIsAskedUnlessAnotherIsNamed() throws {
    let bench = try Bench()
    try bench.run(
      """
      a = load("\(fixtures)/llama-deepseek-llm")
      b = load("\(fixtures)/llama-grouped")
      """)
    #expect(try bench.text("trace(ids: [1, 2]).model.name") == "llama-grouped")
    #expect(try bench.text("trace(ids: [1, 2], using: a).model.name") == "llama-deepseek-llm")
    try bench.run("load(\"\(fixtures)/llama-deepseek-llm\");")
    #expect(try bench.text("trace(ids: [1, 2]).model.name") == "llama-deepseek-llm")
  }

  @Test func theTrainedEncoderIsResidentWithoutALoad() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    #expect(try bench.text("trace(\"Hello.\").model.name") == "all-MiniLM-L6-v2")
    #expect(try bench.json("models()[0]")["resident"] == "current")
  }

  @Test func theSpecimenThatComesWithVitrineIsTheFirst() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let folder = bench.folder + "/shipped"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/specimen", withDestinationPath: "\(fixtures)/llama-deepseek-llm")
    let session = Workbench.makeSession(
      environment: ["VITRINE_MODELS": bench.folder + "/models", "HOME": bench.folder],
      shippedModels: [folder])
    let recorder = Recorder()
    _ = session.execute("trace(\"Hello.\").model.name", output: recorder, progress: recorder)
    #expect(recorder.output.results.first?.plainText == "\"specimen\"")
  }

  @Test func withoutAnyModelTheErrorSaysHowToGetOne() throws {
    let bench = try Bench()
    let failure = try bench.failure("trace(\"Hello.\")")
    #expect(failure.code == "no-model")
    #expect(failure.hint?.contains("vitrine install") == true)
    #expect(try bench.json("models()") == [])
  }

  @Test func modelsListsWhatIsResidentAndWhatLoadFinds() throws {
    let bench = try Bench("llama-deepseek-coder", "llama-deepseek-llm")
    try bench.run("load(\"llama-deepseek-llm\")\nload(\"\(fixtures)/llama-grouped\")")
    let models = try bench.json("models()").array ?? []
    #expect(
      models.map { $0["name"] } == ["llama-deepseek-llm", "llama-grouped", "llama-deepseek-coder"])
    #expect(models.map { $0["resident"] } == ["yes", "current", "no"])
  }

  @Test func theCacheOfHuggingFaceIsFoundByTheRepositorysName() throws {
    let bench = try Bench("llama-deepseek-llm")
    let session = Workbench.makeSession(
      environment: ["HF_HUB_CACHE": bench.folder + "/hub", "HOME": bench.folder])
    let recorder = Recorder()
    let snapshot = bench.folder + "/hub/models--deep--tiny/snapshots/0123"
    try copyModel("llama-deepseek-llm", to: snapshot)
    _ = session.execute("m = load(\"deep/tiny\")\nn = load(\"tiny\")", output: recorder)
    guard case .object(let object)? = session.value(of: "m"), let model = object as? ModelValue,
      case .object(let second)? = session.value(of: "n")
    else {
      Issue.record("the model was not loaded")
      return
    }
    #expect(model.model.name == "tiny")
    #expect(second === model)
    _ = session.execute("names = models()", output: recorder)
    #expect(session.value(of: "names")?.json.array?.map { $0["name"] } == ["tiny"])
  }

  @Test func infoTellsTheTypesTheFilesAndASecondStack() throws {
    let bench = try Bench()
    func shown(_ name: String) throws -> String {
      try bench.shown("info(load(\"\(fixtures)/\(name)\"))")
    }
    let quantised = try shown("deepseek-v3.gguf")
    #expect(quantised.contains("/deepseek-v3.gguf\n"))
    #expect(quantised.contains("bytes by type"))
    #expect(quantised.contains("q8_0 "))
    #expect(try shown("llama-grouped").contains("/llama-grouped (3 files of weights)\n"))
    let pair = try shown("t5")
    #expect(
      pair.contains("2 layers more, 3 × 6 heads on what is written, as many on what is read"))
    #expect(!pair.contains("bytes by type"))
    #expect(try shown("bert-masked").contains("KiB for 32 tokens"))
  }

  @Test func infoSaysWhatAModelIs() throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("m = load(\"llama-deepseek-llm\")")
    let shown = try bench.shown("info()")
    for fact in ["llama-deepseek-llm", "Llama", "24", "344", "4096"] {
      #expect(shown.contains(fact), "\(fact) is missing from:\n\(shown)")
    }
    #expect(try bench.shown("info(m)") == shown)
    #expect(
      try bench.json("[m.layers, m.heads, m.key_value_heads, m.head_dimension]") == [3, 3, 3, 8])
    #expect(
      try bench.json("[m.width, m.inner_width, m.vocabulary, m.context]") == [24, 40, 344, 4096])
    #expect(try bench.json("[m.causal, m.dtype, m.architecture]") == [true, "f32", "Llama"])
    // Embedding and head, and for each layer four projections, three of the feed-forward part and
    // two norms; the final norm.
    let layer = 4 * 24 * 24 + 3 * 24 * 40 + 2 * 24
    #expect(try bench.number("m.parameters") == Double(2 * 344 * 24 + 3 * layer + 24))
    #expect(
      try bench.text("m.sha256")
        == SHA256.hexadecimal(try bytes("\(fixtures)/llama-deepseek-llm/model.safetensors")))
  }

  @Test func everyFieldThatIsListedCanBeRead() throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run(
      """
      m = load("llama-deepseek-llm")
      t = trace("The model reads")
      objects = [m, t, t.tokens, t.hidden_states, t.attentions, t.attentions[0],
        attention(t), attention(t, layer: all, head: all), attention(t)[1], next(t), embed(t),
        similarity(embed(["a", "b"]))]
      """)
    guard case .list(let objects)? = bench.session.value(of: "objects") else {
      Issue.record("no list")
      return
    }
    for case .object(let object) in objects {
      #expect(!object.summary.isEmpty && !object.summary.contains("\n"))
      for name in object.fieldNames {
        #expect(object.fieldSummary(name)?.isEmpty == false, "\(object.typeName).\(name)")
        bench.session.bind("object", to: .object(object))
        try bench.run("object.\(name)")
      }
      #expect(try object.field("no such field") == nil)
    }
  }
}

/// `precision:` of `load` and `trace`.
@Suite struct PrecisionTests {
  @Test func aModelAndATraceComputeAsAsked() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    #expect(try bench.text("m.precision") == "full")
    #expect(try bench.text("trace(\"The model\", precision: \"fast\").model.precision") == "fast")
    #expect(try bench.text("trace(\"The model\").model.precision") == "full")
    // The same weights are the same model: a trace of either may be asked with `using: m`.
    try bench.run("t = trace(\"The model\", precision: \"fast\")\nnext(t, using: m)")
    try bench.run("load(\"\(fixtures)/llama-deepseek-llm\", precision: \"fast\")")
    #expect(try bench.text("trace(\"The model\").model.precision") == "fast")
    #expect(try bench.text("trace(\"The model\", precision: \"full\").model.precision") == "full")
    let failure = try bench.failure("trace(t, precision: \"full\")")
    #expect(failure.message.contains("fast"))
    #expect(
      try bench.failure("trace(\"The model\", precision: \"f64\")").message.contains("\"full\""))
  }
}
