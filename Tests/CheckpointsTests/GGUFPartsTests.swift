import Checkpoints
import Testing

private typealias G = GGUFBytes

/// Models that llama.cpp has cut into several files.
@Suite struct GGUFPartsTests {
  private static let architecture = G.key("general.architecture", 8, G.text("deepseek2"))

  /// A part with these keys besides its number, and tensors of f32 one after the other.
  private func part(
    _ number: Int, of count: Int, tensors total: Int, keys: [[UInt8]] = [],
    _ tensors: [(name: String, extents: [Int])], fill: UInt8
  ) -> [UInt8] {
    var file = G()
    file.keys =
      keys + [
        G.key("split.no", 2, littleEndian(number, 2)),
        G.key("split.count", 2, littleEndian(count, 2)),
        G.key("split.tensors.count", 5, littleEndian(total, 4)),
      ]
    var offset = 0
    for tensor in tensors {
      file.tensors.append(G.tensor(tensor.name, tensor.extents, offset: offset))
      offset += (tensor.extents.reduce(4, *) + 31) / 32 * 32
    }
    file.dataByteCount = 0
    return file.bytes + [UInt8](repeating: fill, count: offset)
  }

  private func write(
    to folder: TemporaryFolder, without missing: Int? = nil, secondNumber: Int = 1, total: Int = 4
  ) throws {
    let parts = [
      part(
        0, of: 3, tensors: total, keys: [Self.architecture],
        [("token_embd.weight", [4, 3]), ("blk.0.attn_k_b.weight", [2, 4, 2])], fill: 0),
      part(secondNumber, of: 3, tensors: total, [("blk.0.attn_v_b.weight", [4, 5, 2])], fill: 1),
      part(2, of: 3, tensors: total, [("output_norm.weight", [4])], fill: 2),
    ]
    for (number, bytes) in parts.enumerated() where number != missing {
      try folder.write(bytes, to: "tiny-0000\(number + 1)-of-00003.gguf")
    }
  }

  @Test func partsAreOneModelWhicheverIsGiven() throws {
    let folder = try TemporaryFolder()
    try write(to: folder)
    let one = Float(bitPattern: 0x0101_0101)
    let two = Float(bitPattern: 0x0202_0202)
    for path in [folder.path] + (1...3).map({ folder.file("tiny-0000\($0)-of-00003.gguf") }) {
      let checkpoint = try Checkpoint(path)
      #expect(checkpoint.files == (1...3).map { folder.file("tiny-0000\($0)-of-00003.gguf") })
      // Names are those of the architecture, which the first part alone tells.
      #expect(
        checkpoint.names == [
          "model.embed_tokens.weight", "model.layers.0.self_attn.kv_b_proj.weight",
          "model.norm.weight",
        ])
      let norm = try checkpoint.tensor(named: "model.norm.weight")
      #expect(norm.isMapped && norm.floats == [Float](repeating: two, count: 4))
      // Put together of two parts: in each of two heads 2 rows of keys and 5 of values.
      let joined = try checkpoint.tensor(named: "model.layers.0.self_attn.kv_b_proj.weight")
      #expect(joined.shape == [14, 4])
      let head = [Float](repeating: 0, count: 8) + [Float](repeating: one, count: 20)
      #expect(joined.floats == head + head)
    }
    #expect(try ModelFolder(path: folder.file("tiny-00002-of-00003.gguf")).name == "tiny")
  }

  @Test func partsThatDoNotBelongTogetherAreNamed() throws {
    func sentence(_ make: (TemporaryFolder) throws -> Void, path: String? = nil) throws -> String? {
      let folder = try TemporaryFolder()
      try make(folder)
      do {
        _ = try Checkpoint(path.map { folder.file($0) } ?? folder.path)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(
      try sentence { try write(to: $0, without: 1) }
        == #""tiny-00001-of-00003.gguf" belongs to a model of several files, of which "tiny-00002-of-00003.gguf" is missing."#
    )
    #expect(
      try sentence { try write(to: $0, without: 0) }
        == #""tiny-00002-of-00003.gguf" belongs to a model of several files, of which "tiny-00001-of-00003.gguf" is missing."#
    )
    #expect(
      try sentence { try write(to: $0, secondNumber: 2) }
        == #""tiny-00002-of-00003.gguf" is file 2 of 3 by its name, but says itself that it is another."#
    )
    #expect(
      try sentence { try write(to: $0, total: 7) }
        == #""tiny-00001-of-00003.gguf" belongs to a model of 7 tensors, but its files hold 4."#)
    #expect(
      try sentence {
        try $0.write(part(0, of: 3, tensors: 1, [("a", [1])], fill: 0), to: "renamed.gguf")
      }
        == #""renamed.gguf" is one of 3 files of a model, whose names should end in their numbers, as in "-00001-of-00003.gguf"."#
    )
    #expect(
      try sentence {
        try $0.write(part(0, of: 2, tensors: 2, [("a", [1])], fill: 0), to: "x-00001-of-00002.gguf")
        try $0.write(part(1, of: 2, tensors: 2, [("a", [1])], fill: 0), to: "x-00002-of-00002.gguf")
      } == #""x-00002-of-00002.gguf" names the tensor "a" twice."#)
    #expect(
      try sentence {
        try write(to: $0)
        try $0.write(part(0, of: 1, tensors: 1, [("a", [1])], fill: 0), to: "other.gguf")
      }?.contains("holds several models") == true)
  }
}
