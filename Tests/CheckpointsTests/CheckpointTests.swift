import Checkpoints
import Glibc
import Tensors
import Testing

private func file(_ names: [String]) -> [UInt8] {
  let entries = names.enumerated().map {
    #""\#($1)":{"dtype":"U8","shape":[1],"data_offsets":[\#($0),\#($0 + 1)]}"#
  }
  return safetensors(
    header: "{" + entries.joined(separator: ",") + "}", dataByteCount: names.count)
}

private func failure(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}

@Suite struct CheckpointTests {
  static let index = "model.safetensors.index.json"

  @Test func bindsShardsTogetherInTheIndexsOrder() throws {
    let folder = try TemporaryFolder()
    try folder.write(file(["a", "c"]), to: "one.safetensors")
    try folder.write(file(["b"]), to: "two.safetensors")
    try folder.write(
      Array(
        #"{"weight_map":{"c":"one.safetensors","b":"two.safetensors","a":"one.safetensors"}}"#.utf8),
      to: Self.index)
    let checkpoint = try Checkpoint(folder.path)
    #expect(checkpoint.names == ["c", "b", "a"])
    #expect(checkpoint.files == [folder.file("one.safetensors"), folder.file("two.safetensors")])
    #expect(checkpoint.contains("b"))
    #expect(!checkpoint.contains("d"))
    #expect(try checkpoint.tensor(named: "b").shape == [1])
    #expect(checkpoint.summary.tensorCount == 3)
    #expect(checkpoint.summary.byteCount == 3)
    #expect(checkpoint.summary.elementTypes.map(\.elementType) == [.uint8])
  }

  @Test(arguments: [
    (
      #"{"weight_map":{"a":"../one.safetensors"}}"#,
      #""model.safetensors.index.json" names the file "../one.safetensors": only plain file names inside the same folder are followed."#
    ),
    (
      #"{"weight_map":{"a":"/etc/passwd"}}"#,
      #""model.safetensors.index.json" names the file "/etc/passwd": only plain file names inside the same folder are followed."#
    ),
    (
      #"{"weight_map":{"a":".."}}"#,
      #""model.safetensors.index.json" names the file "..": only plain file names inside the same folder are followed."#
    ),
    (
      #"{"weight_map":{"a":"three.safetensors"}}"#,
      #"The file "three.safetensors", which "model.safetensors.index.json" names, is missing."#
    ),
    (
      #"{"weight_map":{"z":"one.safetensors"}}"#,
      #""model.safetensors.index.json" says that "one.safetensors" holds the tensor "z", but it doesn't."#
    ),
    (
      #"{"weight_map":{"a":"one.safetensors","a":"one.safetensors"}}"#,
      #""model.safetensors.index.json" names the tensor "a" twice."#
    ),
    (
      #"{"weight_map":{"a":7}}"#,
      #"The index "model.safetensors.index.json" can't be used: its weight_map gives no file name for "a"."#
    ),
    (
      #"{"weight_map":{}}"#,
      #"The index "model.safetensors.index.json" can't be used: it has no weight_map of tensor names and files."#
    ),
    (
      #"{"weight_map""#,
      #"The index "model.safetensors.index.json" can't be used: it is not JSON: the text ends too early at byte 13."#
    ),
  ])
  func aBrokenIndexGetsOneSentence(index: String, sentence: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(file(["a"]), to: "one.safetensors")
    try folder.write(Array(index.utf8), to: Self.index)
    #expect(failure { _ = try Checkpoint(folder.path) } == sentence)
  }

  @Test func scalesMayLieInAnotherFile() throws {
    let folder = try TemporaryFolder()
    let weight = #"{"a.weight":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]}}"#
    let scales =
      #"{"a.weight_scale_inv":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b.weight_scale_inv":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
    func bytes(_ header: String, _ data: [UInt8]) -> [UInt8] {
      littleEndian(header.utf8.count, 8) + Array(header.utf8) + data
    }
    // 1, 2, -1 and 0, by 0.5; the other scales belong to nothing, so that they are a tensor as others.
    try folder.write(bytes(weight, [0x38, 0x40, 0xb8, 0]), to: "one.safetensors")
    try folder.write(bytes(scales, [0, 0, 0, 0x3f, 0, 0, 0x80, 0x3f]), to: "two.safetensors")
    try folder.write(
      Array(
        #"{"weight_map":{"a.weight_scale_inv":"two.safetensors","a.weight":"one.safetensors","b.weight_scale_inv":"two.safetensors"}}"#
          .utf8), to: Self.index)
    let checkpoint = try Checkpoint(folder.path)
    #expect(checkpoint.names == ["a.weight", "b.weight_scale_inv"])
    #expect(try checkpoint.tensor(named: "a.weight").floats == [0.5, 1, -0.5, 0])
    #expect(try checkpoint.tensor(named: "b.weight_scale_inv").floats == [1])
  }

  @Test func followsTheCacheFoldersChosenSnapshot() throws {
    let folder = try TemporaryFolder()
    let model = "models--owner--tiny-model"
    try folder.makeFolder("\(model)/snapshots/old")
    try folder.makeFolder("\(model)/snapshots/new")
    try folder.makeFolder("\(model)/refs")
    try folder.makeFolder("\(model)/blobs")
    try folder.write(file(["a"]), to: "\(model)/blobs/0123")
    symlink("../../blobs/0123", folder.file("\(model)/snapshots/new/model.safetensors"))
    #expect(
      failure { _ = try Checkpoint(folder.file(model)) }
        == #""\#(folder.file(model))" holds several snapshots and no refs/main that chooses one: give the path of "new" or "old"."#
    )
    try folder.write(Array("new\n".utf8), to: "\(model)/refs/main")
    let found = try ModelFolder(path: folder.file(model))
    #expect(found.name == "tiny-model")
    #expect(found.path == folder.file("\(model)/snapshots/new"))
    #expect(try Checkpoint(folder.file(model)).names == ["a"])
    #expect(try ModelFolder(path: folder.file("\(model)/snapshots/new/")).name == "tiny-model")
    try folder.write(Array("../../..".utf8), to: "\(model)/refs/main")
    #expect(throws: CheckpointError.self) { try Checkpoint(folder.file(model)) }
  }

  @Test func takesAFileOrAFolderWithOneFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(file(["a", "b"]), to: "specimen.safetensors")
    let checkpoint = try Checkpoint(path)
    #expect(checkpoint.names == ["a", "b"])
    #expect(checkpoint.files == [path])
    #expect(try ModelFolder(path: path).name == "specimen")
    #expect(try Checkpoint(folder.path + "/").files == [path])
    let error = failure { _ = try checkpoint.tensor(named: "c") }
    #expect(error == #""specimen.safetensors" holds no tensor "c"; the nearest name is "a"."#)
  }

  @Test func saysWhatAFolderHoldsInstead() throws {
    let folder = try TemporaryFolder()
    #expect(
      failure { _ = try Checkpoint(folder.path) }
        == #"The folder "\#(folder.path)" holds no weights: model.safetensors, pytorch_model.bin, the index of either, or one .gguf file is expected."#
    )
    try folder.write([1], to: "model.onnx")
    #expect(
      failure { _ = try Checkpoint(folder.path) }
        == #"The folder "\#(folder.path)" holds its weights as model.onnx, which can't be read: model.safetensors, pytorch_model.bin, the index of either, or one .gguf file is expected."#
    )
  }

  @Test func aPathThatLeadsNowhereIsNamed() {
    #expect(
      failure { _ = try Checkpoint("/nowhere/at-all") }
        == #"There is no file or folder at "/nowhere/at-all"."#)
  }
}
