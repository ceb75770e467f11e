import Checkpoints
import Tensors
import Testing

/// What the reference implementations read in the files of `make_containers.py`.
@Suite struct ContainerTests {
  /// Checks that a checkpoint has exactly the expected tensors, with the same bits in every number.
  private func expectEqual(_ checkpoint: Checkpoint, to name: String) throws {
    let expected = try SafetensorsFile(path: "\(fixtures)/\(name)-expected.safetensors")
    #expect(Set(checkpoint.names) == Set(expected.names))
    for tensorName in expected.names {
      let (found, wanted) = (
        try checkpoint.tensor(named: tensorName), try expected.tensor(named: tensorName)
      )
      #expect(found.shape == wanted.shape, "\(tensorName)")
      #expect(checkpoint.layout(of: tensorName)?.shape == wanted.shape)
      #expect(checkpoint.layout(of: tensorName)?.elementType == found.elementType)
      if found.elementType == wanted.elementType {
        #expect(found.bytes == wanted.bytes, "\(tensorName)")
      } else {
        #expect(wanted.elementType == .float32)
      }
      #expect(
        found.floats.map(\.bitPattern) == wanted.floats.map(\.bitPattern), "\(tensorName)")
    }
  }

  @Test(arguments: ["views", "nested"])
  func readsTorchFiles(name: String) throws {
    let checkpoint = try Checkpoint("\(fixtures)/\(name).bin")
    try expectEqual(checkpoint, to: name)
  }

  @Test func readsShardedTorchFiles() throws {
    let checkpoint = try Checkpoint("\(fixtures)/sharded-bin")
    #expect(checkpoint.files.count == 2)
    #expect(checkpoint.names == ["one", "two", "three"])
    try expectEqual(checkpoint, to: "sharded-bin")
  }

  @Test func contiguousTensorsStayInTheFile() throws {
    let checkpoint = try Checkpoint("\(fixtures)/views.bin")
    for name in ["weight", "tied", "offset", "single row", "parameter"] {
      #expect(try checkpoint.tensor(named: name).isMapped, "\(name)")
    }
    for name in ["transposed", "columns", "every third", "permuted"] {
      #expect(try !checkpoint.tensor(named: name).isMapped, "\(name)")
    }
  }

  @Test(arguments: ["blocks", "llama", "deepseek2"])
  func readsGGUF(name: String) throws {
    try expectEqual(try Checkpoint("\(fixtures)/\(name).gguf"), to: name)
  }

  @Test func givesTheMetadataOfGGUF() throws {
    let checkpoint = try Checkpoint("\(fixtures)/blocks.gguf")
    let values = try #require(checkpoint.gguf).values
    let wanted: [(String, GGUFValue)] = [
      ("general.architecture", .string("test")), ("test.text", .string("héllo 你好")),
      ("test.u8", .integer(200)), ("test.i8", .integer(-5)), ("test.u16", .integer(60_000)),
      ("test.i16", .integer(-1_234)), ("test.u32", .integer(4_000_000_000)),
      ("test.i32", .integer(-7)), ("test.u64", .integer((1 << 40) + 3)),
      ("test.i64", .integer(-1 << 40)), ("test.f32", .number(0.5)),
      ("test.f64", .number(1e-300)), ("test.bool", .bool(true)),
      ("test.integers", .integers([1, -2, 3])), ("test.texts", .strings(["a", "β", ""])),
      ("test.numbers", .numbers([0.25, -1.5])), ("test.truths", .bools([true, false])),
    ]
    for (key, value) in wanted {
      #expect(values[key] == value, "\(key)")
    }
    #expect(values.entries.count == wanted.count)
    #expect(values["test.none"] == nil)
    #expect(
      checkpoint.metadata.first { $0.key == "test.texts" }?.value == "3 texts")
  }

  @Test func onlyReorderedTensorsOfGGUFAreCopied() throws {
    let checkpoint = try Checkpoint("\(fixtures)/llama.gguf")
    for name in checkpoint.names {
      let isPermuted = name.contains("q_proj") || name.contains("k_proj")
      #expect(try checkpoint.tensor(named: name).isMapped == !isPermuted, "\(name)")
    }
    #expect(
      try checkpoint.tensor(named: "model.layers.0.self_attn.q_proj.weight").elementType == .q4_0)
  }

  @Test func scalesEightBitWeights() throws {
    let checkpoint = try Checkpoint("\(fixtures)/scaled")
    try expectEqual(checkpoint, to: "scaled")
    let tensor = try checkpoint.tensor(named: "both.weight")
    #expect(tensor.isMapped)
    #expect(tensor.isScaled)
    #expect(tensor.elementType == .float8e4m3)
    #expect(checkpoint.summary.tensorCount == 4)
    let folder = try TemporaryFolder()
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsWriter.write(tensors: [("w", tensor)], to: folder.file("x.safetensors"))
    }
    #expect(error?.description.contains("no dtype for f8_e4m3 with scales") == true)
  }

  @Test func scalesThatDoNotFitAreNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      safetensors(
        header:
          #"{"w":{"dtype":"F8_E4M3","shape":[2,4],"data_offsets":[0,8]},"w_scale_inv":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}"#,
        dataByteCount: 16), to: "model.safetensors")
    let checkpoint = try Checkpoint(folder.file("model.safetensors"))
    #expect(checkpoint.names == ["w"])
    let error = #expect(throws: CheckpointError.self) { try checkpoint.tensor(named: "w") }
    #expect(
      error?.description
        == #"The scales of "w" in "model.safetensors" have the shape [2, 1], which doesn't give one to each block of [128, 128] in a weight of shape [2, 4]."#
    )
    // The folder's configuration gives another size of blocks, which these scales fit.
    try folder.write(
      Array(#"{"quantization_config":{"weight_block_size":[1,4]}}"#.utf8), to: "config.json")
    #expect(try Checkpoint(folder.path).tensor(named: "w").isScaled)
  }

  @Test func safetensorsComeFirstThenTorchThenGGUF() throws {
    let folder = try TemporaryFolder()
    for name in ["llama.gguf", "second.gguf"] {
      try folder.write(try contents("\(fixtures)/llama.gguf"), to: name)
    }
    let several = #expect(throws: CheckpointError.self) { try Checkpoint(folder.path) }
    #expect(
      several?.description
        == #""\#(folder.path)" holds several models: give the path of "llama.gguf" or "second.gguf"."#
    )
    try folder.write(try contents("\(fixtures)/nested.bin"), to: "pytorch_model.bin")
    #expect(try Checkpoint(folder.path).names == ["a", "b"])
    try folder.write(
      safetensors(
        header: #"{"z":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, dataByteCount: 1),
      to: "model.safetensors")
    #expect(try Checkpoint(folder.path).names == ["z"])
  }
}
