import Checkpoints
import Testing

/// Files with mutated bytes are read whole or refused with one sentence; nothing else may happen.
@Suite struct ContainerFuzzTests {
  private struct Outcome {
    var accepted = 0
    var refused = 0
  }

  /// Mutates `original` inside `places` and reads every tensor of what is accepted.
  private func fuzz(
    _ original: [UInt8], named name: String, places: [Range<Int>], seed: UInt64, cases: Int
  ) throws -> Outcome {
    let numbers: [[UInt8]] = [
      littleEndian(.max), littleEndian(1 << 63), littleEndian(1 << 62), littleEndian(1 << 32),
      littleEndian(0xffff_ffff), littleEndian(0), littleEndian(1), [0xff, 0xff], [0x7f], [0x80],
    ]
    return try read(named: name, seed: seed, cases: cases) { generator in
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let range = places.randomElement(using: &generator)!.clamped(to: 0..<bytes.count)
        guard !range.isEmpty else { continue }
        let place = Int.random(in: range, using: &generator)
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2:
          let number = numbers.randomElement(using: &generator)!
          bytes.replaceSubrange(place..<min(bytes.count, place + number.count), with: number)
        case 3: bytes.remove(at: place)
        case 4: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        case 5:
          let other = Int.random(in: range, using: &generator)
          let length = min(8, bytes.count - max(place, other))
          bytes.replaceSubrange(place..<place + length, with: Array(bytes[other..<other + length]))
        default: bytes.removeLast(min(bytes.count - 1, Int.random(in: 1...40, using: &generator)))
        }
      }
      return bytes
    }
  }

  /// Reads every tensor of each file that `make` makes and that is accepted.
  private func read(
    named name: String, seed: UInt64, cases: Int, make: (inout SeededGenerator) -> [UInt8]
  ) throws -> Outcome {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(state: seed)
    var outcome = Outcome()
    for _ in 0..<cases {
      let bytes = make(&generator)
      let path = try folder.write(bytes, to: name)
      do {
        let checkpoint = try Checkpoint(path)
        for tensor in checkpoint.names {
          let tensor = try checkpoint.tensor(named: tensor)
          #expect(tensor.floats.count == tensor.count)
          // Joined and widened tensors are a few times larger than their bytes; none is out of proportion.
          #expect(tensor.byteCount <= 8 * bytes.count)
        }
        outcome.accepted += 1
      } catch {
        outcome.refused += 1
        #expect(error.description.hasSuffix("."))
        #expect(!error.description.utf8.contains(0x0a))
      }
    }
    return outcome
  }

  @Test(arguments: [1, 2, 3]) func mutatedTorchFiles(seed: UInt64) throws {
    let bytes = try contents("\(fixtures)/views.bin")
    // The pickle at the start, and the directory at the end.
    let outcome = try fuzz(
      bytes, named: "fuzzed.bin",
      places: [60..<2_100, 60..<2_100, bytes.count - 2_200..<bytes.count], seed: seed, cases: 15_000
    )
    #expect(outcome.accepted > 300)
    #expect(outcome.refused > 6_000)
  }

  @Test(arguments: ["llama", "blocks", "deepseek2"], [1, 2]) func mutatedGGUFFiles(
    name: String, seed: UInt64
  ) throws {
    let outcome = try fuzz(
      try contents("\(fixtures)/\(name).gguf"), named: "fuzzed.gguf",
      places: [0..<600, 0..<1_400], seed: seed, cases: 7_000)
    #expect(outcome.accepted > 120)
    #expect(outcome.refused > 1_700)
  }

  /// Opcodes in any order, among them those that call, that refer to what was made before, and that put a
  /// container into itself.
  @Test(arguments: [1, 2]) func picklesOfRandomOpcodes(seed: UInt64) throws {
    let pieces: [[UInt8]] = [
      [0x7d], [0x5d], [0x29], [0x28], [0x74], [0x85], [0x86], [0x87], [0x52], [0x62], [0x73],
      [0x75],
      [0x61], [0x65], [0x51], [0x4e], [0x88], [0x89], [0x71, 0], [0x71, 1], [0x68, 0], [0x68, 1],
      [0x6a, 0xff, 0xff, 0xff, 0x7f], [0x72, 0xff, 0xff, 0xff, 0xff], [0x4b, 3],
      [0x4a, 0xff, 0xff, 0xff, 0xff], Opcodes.integer(.max), Opcodes.integer(-1),
      [0x58, 0xff, 0xff, 0xff, 0xff], Opcodes.text("a"), Opcodes.text("0"),
      Opcodes.global("torch._utils", "_rebuild_tensor_v2"),
      Opcodes.global("collections", "OrderedDict"), Opcodes.global("os", "system"),
      Opcodes.storage(count: 4), Opcodes.storage(count: 1 << 61),
      Opcodes.tensor(Opcodes.storage(count: 4), shape: [4], strides: [1]),
      Opcodes.tensor(Opcodes.storage(count: 4), shape: [1 << 31, 1 << 31], strides: [0, 0]),
      Opcodes.tensor(Opcodes.storage(count: 4), shape: [1 << 40], strides: [0]),
      Opcodes.text("w")
        + Opcodes.tensor(Opcodes.storage(count: 4), shape: [2, 2], strides: [2, 1])
        + [0x73],
      [0x28] + Opcodes.text("v")
        + Opcodes.tensor(Opcodes.storage(count: 4), shape: [4], strides: [1]) + [0x75],
    ]
    let outcome = try read(named: "random.bin", seed: seed, cases: 15_000) { generator in
      var pickle: [UInt8] = [0x80, 2]
      if Bool.random(using: &generator) { pickle.append(0x7d) }
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        pickle += pieces.randomElement(using: &generator)!
      }
      return Opcodes.file(pickle + [0x2e])
    }
    #expect(outcome.accepted > 20)
    #expect(outcome.refused > 10_000)
  }

  /// GGUF files whose counts, extents, types and offsets say anything, names twice among them.
  @Test(arguments: [1, 2]) func absurdGGUFFiles(seed: UInt64) throws {
    let numbers = [0, 1, 2, 3, 31, 32, 33, 64, 256, 1 << 20, 1 << 31, 1 << 32, 1 << 62, .max, -1]
    let outcome = try read(named: "absurd.gguf", seed: seed, cases: 15_000) { generator in
      func number(_ usual: Int) -> Int {
        Int.random(in: 0..<8, using: &generator) == 0
          ? numbers.randomElement(using: &generator)! : usual
      }
      var file = GGUFBytes()
      file.version = number(3)
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let name = ["general.alignment", "a", "b"].randomElement(using: &generator)!
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: file.keys.append(GGUFBytes.key(name, number(4), littleEndian(number(32), 4)))
        case 1: file.keys.append(GGUFBytes.key(name, number(8), GGUFBytes.text("x")))
        default:
          file.keys.append(
            GGUFBytes.key(
              name, 9,
              littleEndian(number(5), 4) + littleEndian(number(2), 8) + littleEndian(7, 4)
                + littleEndian(8, 4)))
        }
      }
      for index in 0..<Int.random(in: 0...3, using: &generator) {
        let rank = Int.random(in: 1...3, using: &generator)
        file.tensors.append(
          GGUFBytes.tensor(
            ["a", "b", "c"].randomElement(using: &generator)!,
            (0..<rank).map { _ in number(2) }, type: number(0), offset: number(32 * index)))
      }
      file.keyCount = number(file.keys.count)
      file.tensorCount = number(file.tensors.count)
      file.dataByteCount = 96 + Int.random(in: 0...64, using: &generator)
      return file.bytes
    }
    #expect(outcome.accepted > 500)
    #expect(outcome.refused > 5_000)
  }

  /// Safetensors files, mapped and read, whose headers were changed after they were made.
  @Test(arguments: [1, 2]) func mutatedSafetensorsFiles(seed: UInt64) throws {
    let header = SafetensorsFuzzTests.header
    let original = littleEndian(header.count, 8) + header + [UInt8](repeating: 1, count: 40)
    let outcome = try fuzz(
      original, named: "fuzzed.safetensors", places: [0..<10, 8..<8 + header.count], seed: seed,
      cases: 10_000)
    #expect(outcome.accepted > 30)
    #expect(outcome.refused > 5_000)
  }
}
