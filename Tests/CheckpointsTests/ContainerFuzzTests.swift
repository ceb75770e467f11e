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
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(state: seed)
    var outcome = Outcome()
    let numbers: [[UInt8]] = [
      littleEndian(.max), littleEndian(1 << 63), littleEndian(1 << 62), littleEndian(1 << 32),
      littleEndian(0xffff_ffff), littleEndian(0), littleEndian(1), [0xff, 0xff], [0x7f], [0x80],
    ]
    for _ in 0..<cases {
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
      places: [60..<2_100, 60..<2_100, bytes.count - 2_200..<bytes.count], seed: seed, cases: 1_000)
    #expect(outcome.accepted > 20)
    #expect(outcome.refused > 400)
  }

  @Test(arguments: ["llama", "blocks", "deepseek2"], [1, 2]) func mutatedGGUFFiles(
    name: String, seed: UInt64
  ) throws {
    let outcome = try fuzz(
      try contents("\(fixtures)/\(name).gguf"), named: "fuzzed.gguf",
      places: [0..<600, 0..<1_400], seed: seed, cases: 600)
    #expect(outcome.accepted > 10)
    #expect(outcome.refused > 150)
  }
}
