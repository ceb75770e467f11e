import Checkpoints
import Tensors
import Testing

/// A lie that a file tells, and the one sentence about it.
struct Lie: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  let sentence: String
  var testDescription: String { name }

  init(_ name: String, bytes: [UInt8], _ sentence: String) {
    self.name = name
    self.bytes = bytes
    self.sentence = sentence
  }

  init(_ name: String, header: String, data: Int, _ sentence: String) {
    self.init(name, bytes: safetensors(header: header, dataByteCount: data), sentence)
  }
}

let lies: [Lie] = [
  Lie(
    "empty file", bytes: [],
    #""bad.safetensors" has 0 bytes: a safetensors file starts with 8 bytes that give its header's length."#
  ),
  Lie(
    "seven bytes", bytes: [1, 2, 3, 4, 5, 6, 7],
    #""bad.safetensors" has 7 bytes: a safetensors file starts with 8 bytes that give its header's length."#
  ),
  Lie(
    "largest header length", bytes: littleEndian(.max) + Array("{}".utf8),
    #""bad.safetensors" claims a header of 18446744073709551615 bytes: at most 100000000 are allowed."#
  ),
  Lie(
    "header longer than the file", bytes: littleEndian(99_000_000) + Array("{}".utf8),
    #""bad.safetensors" claims a header of 99000000 bytes, but the whole file has 10."#),
  Lie(
    "not JSON", header: "{\"a\": nope}", data: 0,
    #"The header of "bad.safetensors" is not JSON: byte 111 has no place at byte 7."#),
  Lie(
    "cut JSON", header: "{\"a\": ", data: 0,
    #"The header of "bad.safetensors" is not JSON: the text ends too early at byte 6."#),
  Lie(
    "a list", header: "[1, 2]", data: 0,
    #"The header of "bad.safetensors" is not a JSON object of tensor names."#),
  Lie(
    "deep nesting", header: "{\"a\":" + String(repeating: "[", count: 5_000), data: 0,
    #"The header of "bad.safetensors" is not JSON: more than 8 lists and objects are open at byte 12."#
  ),
  Lie(
    "metadata that is a number", header: #"{"__metadata__":{"made":7}}"#, data: 0,
    #"The header of "bad.safetensors" has a __metadata__ entry "made" that is not a text."#),
  Lie(
    "no dtype", header: #"{"w":{"shape":[1],"data_offsets":[0,4]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" has no valid dtype: a name such as F32 is expected."#),
  Lie(
    "unknown dtype", header: #"{"w":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" has the unknown dtype "F31": known are U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, F8_E8M0, F8_E4M3, F8_E5M2, I8, U8, BOOL."#
  ),
  Lie(
    "negative extent", header: #"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" has no valid shape: a list of whole numbers from 0 is expected."#
  ),
  Lie(
    "fractional extent", header: #"{"w":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#,
    data: 4,
    #"The tensor "w" in "bad.safetensors" has no valid shape: a list of whole numbers from 0 is expected."#
  ),
  Lie(
    "extent beyond 64 bits",
    header: #"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" has no valid shape: a list of whole numbers from 0 is expected."#
  ),
  Lie(
    "size beyond 64 bits",
    header: #"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" has the shape [4294967296, 4294967296], whose size can't be counted in 64 bits."#
  ),
  Lie(
    "three offsets", header: #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" has no valid data_offsets: a list of two whole numbers from 0 is expected."#
  ),
  Lie(
    "reversed offsets", header: #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, data: 4,
    #"The tensor "w" in "bad.safetensors" begins at byte 4 and ends before it, at byte 0."#),
  Lie(
    "offsets beyond the file", header: #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    data: 4,
    #"The tensor "w" in "bad.safetensors" ends at byte 8, but the file has only 4 bytes of data."#),
  Lie(
    "wrong dtype for the bytes",
    header: #"{"w":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}}"#, data: 8,
    #"The tensor "w" in "bad.safetensors" needs 16 bytes (F64 [2]), but its offsets span 8."#),
  Lie(
    "overlap",
    header:
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
    data: 12, #"The tensors "a" and "b" in "bad.safetensors" overlap."#),
  Lie(
    "gap",
    header:
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
    data: 12,
    #"Bytes 4 to 8 of the data in "bad.safetensors" belong to no tensor: the tensors must cover the data without gaps."#
  ),
  Lie(
    "bytes after the last tensor",
    header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 5,
    #"Bytes 4 to 5 of the data in "bad.safetensors" belong to no tensor: the tensors must cover the data without gaps."#
  ),
  Lie(
    "one name twice",
    header:
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    data: 8, #""bad.safetensors" names the tensor "a" twice."#),
  Lie(
    "a name with a line break",
    header: #"{"a\nb":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#, data: 1,
    #"The tensor "a\u{a}b" in "bad.safetensors" needs 2 bytes (U8 [2]), but its offsets span 1."#),
]

@Suite struct SafetensorsFileTests {
  @Test(arguments: lies)
  func everyLieGetsOneSentence(lie: Lie) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(lie.bytes, to: "bad.safetensors")
    let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
    #expect(error?.description == lie.sentence)
  }

  @Test func readsWhatTheReferenceWrote() throws {
    let file = try SafetensorsFile(path: fixtures + "/reference.safetensors")
    #expect(file.metadata.map(\.key) == ["format"])
    #expect(file.metadata.map(\.value) == ["pt"])
    #expect(
      Set(file.names) == [
        "weight", "half", "brain", "wide", "ids", "flags", "bytes", "eight", "scalar", "empty",
        "名字",
      ])
    let weight = try file.tensor(named: "weight")
    #expect(weight.shape == [2, 3])
    #expect(weight.elementType == .float32)
    let expected: [Float] = [0, -1.5, 2.25, 3.0e38, -0.0, Float(1.0e-40 as Double)]
    #expect(weight.bytes == expected.flatMap { littleEndian(UInt64($0.bitPattern)).prefix(4) })
    #expect(try file.tensor(named: "ids").bytes.suffix(8) == [0, 0, 0, 0, 0, 1, 0, 0])
    #expect(try file.tensor(named: "flags").bytes == [1, 0, 1])
    #expect(try file.tensor(named: "bytes").bytes == [0, 255, 7])
    #expect(try file.tensor(named: "eight").elementType == .float8e4m3)
    #expect(try file.tensor(named: "scalar").shape == [])
    #expect(try file.tensor(named: "empty").shape == [0, 3])
    #expect(try file.tensor(named: "empty").bytes == [])
    #expect(file.layout(of: "half")?.shape == [3])
    #expect(file.layout(of: "absent") == nil)
  }

  @Test func aMissingTensorIsNamedWithTheNearestName() throws {
    let file = try SafetensorsFile(path: fixtures + "/reference.safetensors")
    let error = #expect(throws: CheckpointError.self) { try file.tensor(named: "weigth") }
    #expect(
      error?.description
        == #""reference.safetensors" holds no tensor "weigth"; the nearest name is "weight"."#)
    let far = #expect(throws: CheckpointError.self) { try file.tensor(named: "lm_head.weight") }
    #expect(far?.description == #""reference.safetensors" holds no tensor "lm_head.weight"."#)
  }

  @Test func aMissingFileIsNamed() {
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsFile(path: "/nowhere/model.safetensors")
    }
    #expect(
      error?.description == #"There is no file or folder at "/nowhere/model.safetensors"."#)
  }

  @Test func aFolderIsNoFile() throws {
    let folder = try TemporaryFolder()
    #expect(throws: CheckpointError.self) { try SafetensorsFile(path: folder.path) }
  }

  @Test func namesEqualOnlyInUnicodesEyesStayApart() throws {
    // U+212A KELVIN SIGN is canonically equivalent to K, but names are bytes.
    let folder = try TemporaryFolder()
    let header =
      #"{"K":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\#u{212a}":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#
    let path = try folder.write(safetensors(header: header, dataByteCount: 3), to: "a.safetensors")
    let file = try SafetensorsFile(path: path)
    #expect(file.layout(of: "K")?.shape == [1])
    #expect(file.layout(of: "\u{212a}")?.shape == [2])
  }
}
