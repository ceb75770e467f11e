import Checkpoints
import Tensors
import Testing

@Suite struct SafetensorsWriterTests {
  @Test func writesTheReferencesBytes() throws {
    let source = fixtures + "/reference.safetensors"
    let file = try SafetensorsFile(path: source)
    let folder = try TemporaryFolder()
    let copy = folder.file("copy.safetensors")
    try SafetensorsWriter.write(
      tensors: try file.names.map { ($0, try file.tensor(named: $0)) }.shuffled(),
      metadata: file.metadata, to: copy)
    #expect(try contents(copy) == contents(source))
  }

  @Test func theSameTensorsGiveTheSameBytesInAnyOrder() throws {
    let folder = try TemporaryFolder()
    let a = Tensor(shape: [2], [1, 2])
    let b = Tensor(shape: [1, 1], [3])
    try SafetensorsWriter.write(tensors: [("b", b), ("a", a)], to: folder.file("1.safetensors"))
    try SafetensorsWriter.write(tensors: [("a", a), ("b", b)], to: folder.file("2.safetensors"))
    let bytes = try contents(folder.file("1.safetensors"))
    #expect(bytes == (try contents(folder.file("2.safetensors"))))
    let header =
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}"#
    let padding = (8 - header.utf8.count % 8) % 8
    #expect(
      String(decoding: bytes[8..<8 + header.utf8.count + padding], as: UTF8.self)
        == header + String(repeating: " ", count: padding))
  }

  @Test func twoTensorsOfOneNameAreRefused() throws {
    let folder = try TemporaryFolder()
    let tensor = Tensor(shape: [1], [1])
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsWriter.write(
        tensors: [("a", tensor), ("a", tensor)], to: folder.file("x.safetensors"))
    }
    #expect(error?.description == #""x.safetensors" names the tensor "a" twice."#)
  }

  @Test func aFolderThatIsNotThereIsNamed() {
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsWriter.write(
        tensors: [("a", Tensor(shape: [1], [1]))], to: "/nowhere/x.safetensors")
    }
    #expect(
      error?.description
        == #""/nowhere/x.safetensors" can't be written: No such file or directory."#)
  }
}
