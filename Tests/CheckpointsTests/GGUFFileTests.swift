import Checkpoints
import Testing

private typealias G = GGUFBytes

private func file(_ change: (inout GGUFBytes) -> Void) -> [UInt8] {
  var bytes = GGUFBytes()
  change(&bytes)
  return bytes.bytes
}

private let llama = G.key("general.architecture", 8, G.text("llama"))

private let ggufLies: [Lie] = [
  Lie("empty", bytes: [], #""bad.gguf" is no GGUF file: it doesn't start with "GGUF"."#),
  Lie(
    "a text", bytes: Array("hello".utf8),
    #""bad.gguf" is no GGUF file: it doesn't start with "GGUF"."#),
  Lie(
    "cut", bytes: Array("GGUF".utf8) + [3, 0],
    #""bad.gguf" ends too early, at byte 6 of its header."#
  ),
  Lie(
    "version 1", bytes: file { $0.version = 1 },
    #""bad.gguf" is a GGUF file of version 1: versions 2 and 3 are read."#),
  Lie(
    "highest byte first", bytes: file { $0.version = 3 << 24 },
    #""bad.gguf" is a GGUF file with the highest byte first, which is not read."#),
  Lie(
    "many tensors", bytes: file { $0.tensorCount = -1 },
    #""bad.gguf" claims 18446744073709551615 tensors, which its remaining 72 bytes can't hold."#),
  Lie(
    "many keys", bytes: file { $0.keyCount = 1 << 40 },
    #""bad.gguf" claims 1099511627776 keys, which its remaining 72 bytes can't hold."#),
  Lie(
    "a long key", bytes: file { $0.keys = [littleEndian(1 << 40, 8)] },
    #""bad.gguf" claims 1099511627776 bytes of a text, which its remaining 64 bytes can't hold."#),
  Lie(
    "a long list",
    bytes: file { $0.keys = [G.key("a", 9, littleEndian(4, 4) + littleEndian(1 << 62, 8))] },
    #""bad.gguf" claims 4611686018427387904 values, which its remaining 79 bytes can't hold."#),
  Lie(
    "a long list of texts",
    bytes: file { $0.keys = [G.key("a", 9, littleEndian(8, 4) + littleEndian(1 << 62, 8))] },
    #""bad.gguf" claims 4611686018427387904 texts, which its remaining 79 bytes can't hold."#),
  Lie(
    "a list of lists",
    bytes: file { $0.keys = [G.key("a", 9, littleEndian(9, 4) + littleEndian(1, 8))] },
    #""bad.gguf" gives the key "a" a list of lists, which is not read."#),
  Lie(
    "an unknown type", bytes: file { $0.keys = [G.key("a", 13, [])] },
    #""bad.gguf" gives the key "a" a value of the unknown type 13."#),
  Lie(
    "one key twice", bytes: file { $0.keys = [G.key("a", 0, [1]), G.key("a", 0, [2])] },
    #""bad.gguf" has the key "a" twice."#),
  Lie(
    "a key that is no text",
    bytes: file { $0.keys = [littleEndian(1, 8) + [0xff] + littleEndian(0, 4) + [1]] },
    #""bad.gguf" has a key that is not UTF-8."#),
  Lie(
    "alignment 3", bytes: file { $0.keys = [G.key("general.alignment", 4, littleEndian(3, 4))] },
    #""bad.gguf" has the alignment 3: a power of two up to 65536 is expected."#),
  Lie(
    "alignment 0", bytes: file { $0.keys = [G.key("general.alignment", 4, littleEndian(0, 4))] },
    #""bad.gguf" has the alignment 0: a power of two up to 65536 is expected."#),
  Lie(
    "five axes", bytes: file { $0.tensors = [G.tensor("w", [1, 1, 1, 1, 1])] },
    #""bad.gguf" gives the tensor "w" 5 axes: at most 4 are known."#),
  Lie(
    "a type that is not read", bytes: file { $0.tensors = [G.tensor("w", [256], type: 10)] },
    #""bad.gguf" stores the tensor "w" as Q2_K, which is not read: known are F32, F16, BF16, F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, I8, I16, I32, I64."#
  ),
  Lie(
    "a type that nobody knows", bytes: file { $0.tensors = [G.tensor("w", [256], type: 999)] },
    #""bad.gguf" stores the tensor "w" as type 999, which is not read: known are F32, F16, BF16, F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, I8, I16, I32, I64."#
  ),
  Lie(
    "not aligned", bytes: file { $0.tensors = [G.tensor("w", [1], offset: 4)] },
    #""bad.gguf" has the tensor "w" at byte 4 of its data, which is no multiple of 32."#),
  Lie(
    "behind the file", bytes: file { $0.tensors = [G.tensor("w", [17])] },
    #"The tensor "w" in "bad.gguf" ends at byte 68, but the file has only 64 bytes of data."#),
  Lie(
    "an offset behind the file", bytes: file { $0.tensors = [G.tensor("w", [1], offset: 1 << 62)] },
    #"The tensor "w" in "bad.gguf" ends at byte 4611686018427387908, but the file has only 64 bytes of data."#
  ),
  Lie(
    "overlap",
    bytes: file { $0.tensors = [G.tensor("a", [9]), G.tensor("b", [1], offset: 32)] },
    #"The tensors "a" and "b" in "bad.gguf" overlap."#),
  Lie(
    "beyond 64 bits", bytes: file { $0.tensors = [G.tensor("w", [1 << 32, 1 << 32])] },
    #"The tensor "w" in "bad.gguf" has the shape [4294967296, 4294967296], whose size can't be counted in 64 bits."#
  ),
  Lie(
    "an extent beyond 63 bits", bytes: file { $0.tensors = [G.tensor("w", [-1])] },
    #"The tensor "w" in "bad.gguf" has no valid shape: a list of whole numbers from 0 is expected."#
  ),
  Lie(
    "cut blocks", bytes: file { $0.tensors = [G.tensor("w", [33], type: 8)] },
    #"The tensor "w" in "bad.gguf" has the shape [33], whose rows are no whole blocks of 32 elements, as q8_0 needs."#
  ),
  Lie(
    "one name twice",
    bytes: file { $0.tensors = [G.tensor("w", [1]), G.tensor("w", [1], offset: 32)] },
    #""bad.gguf" names the tensor "w" twice."#),
  Lie(
    "no number of heads",
    bytes: file {
      $0.keys = [llama]
      $0.tensors = [G.tensor("blk.0.attn_q.weight", [2, 4])]
    }, #""bad.gguf" has no valid key "llama.attention.head_count"."#),
  Lie(
    "heads without pairs",
    bytes: file {
      $0.keys = [llama, G.key("llama.attention.head_count", 4, littleEndian(4, 4))]
      $0.tensors = [G.tensor("blk.0.attn_q.weight", [2, 4])]
    },
    #""bad.gguf" has 4 rows in "blk.0.attn_q.weight", which are no pairs for each of 4 heads."#),
  Lie(
    "keys without values",
    bytes: file {
      $0.keys = [G.key("general.architecture", 8, G.text("deepseek2"))]
      $0.tensors = [G.tensor("blk.0.attn_k_b.weight", [1, 2, 2])]
    },
    #""bad.gguf" has tensors whose shapes can't be put together to "model.layers.0.self_attn.kv_b_proj.weight"."#
  ),
]

@Suite struct GGUFFileTests {
  @Test(arguments: ggufLies) func everyLieGetsOneSentence(lie: Lie) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(lie.bytes, to: "bad.gguf")
    let error = #expect(throws: CheckpointError.self) { try GGUFFile(path: path) }
    #expect(error?.description == lie.sentence)
  }

  /// Shapes without elements take no bytes, so that nothing in the file limits their other extents.
  @Test func emptyTensorsOfHugeExtentsCostNothing() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      file {
        $0.keys = [llama, G.key("llama.attention.head_count", 10, littleEndian(1 << 40, 8))]
        $0.tensors = [
          G.tensor("blk.0.attn_q.weight", [0, 1 << 41]),
          G.tensor("blk.0.ffn_up_exps.weight", [0, 1, 1 << 41]),
        ]
      }, to: "empty.gguf")
    let file = try GGUFFile(path: path)
    #expect(file.names.count == 2)
    for name in file.names { #expect(try file.tensor(named: name).count == 0) }
  }

  /// Some files of `deepseek2` have the two halves of `kv_b_proj`, in shapes of their own, beside the whole.
  @Test func theWholeCountsWhereItsPartsLieBesideIt() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      file {
        $0.keys = [G.key("general.architecture", 8, G.text("deepseek2"))]
        $0.tensors = [
          G.tensor("blk.0.attn_k_b.weight", [2, 2]),
          G.tensor("blk.0.attn_kv_b.weight", [2, 4], offset: 32),
          G.tensor("blk.0.attn_v_b.weight", [2, 2], offset: 64),
        ]
        $0.dataByteCount = 80
      }, to: "both.gguf")
    let checkpoint = try Checkpoint(path)
    #expect(checkpoint.names == ["model.layers.0.self_attn.kv_b_proj.weight"])
    #expect(try checkpoint.tensor(named: checkpoint.names[0]).shape == [4, 2])
  }

  @Test func otherArchitecturesKeepTheirNames() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      file { $0.tensors = [G.tensor("blk.0.attn_q.weight", [2, 4])] }, to: "other.gguf")
    #expect(try Checkpoint(path).names == ["blk.0.attn_q.weight"])
    #expect(try Checkpoint(path).tensor(named: "blk.0.attn_q.weight").shape == [4, 2])
  }
}
