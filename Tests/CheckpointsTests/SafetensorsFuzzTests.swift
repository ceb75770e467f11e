import Testing

@testable import Checkpoints

/// A small generator with a seed (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct SafetensorsFuzzTests {
  static let header = Array(
    #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b.weight":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}"#
      .utf8)
  static let pieces: [[UInt8]] = [
    "9223372036854775807", "-1", "18446744073709551616", "1e308", "0", "null", "[", "]", "{", "}",
    "\"", "\\u0000", "\"dtype\":\"F16\",", "[0,0]", "\u{feff}", "4294967296", ",", ":",
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},",
  ].map { Array($0.utf8) }

  @Test(arguments: [1, 2, 3, 4])
  func mutatedHeadersNeverCrashAndNeverPassWithTensorsOutsideTheFile(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    var accepted = 0
    var refused = 0
    for _ in 0..<5_000 {
      var json = Self.header
      for _ in 0..<Int.random(in: 0...2, using: &generator) {
        let place = Int.random(in: 0..<json.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: json[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: json[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: json.insert(contentsOf: Self.pieces.randomElement(using: &generator)!, at: place)
        case 3: json.removeSubrange(place..<min(json.count, place + 5))
        default: json[place] = UInt8.random(in: 0x30...0x39, using: &generator)
        }
        if json.isEmpty { json = [0x7b] }
      }
      let fileByteCount =
        8 + json.count + [38, 40, 40, 40, 40, 40, 41].randomElement(using: &generator)!
      do {
        let header = try SafetensorsHeader(
          json: json, fileByteCount: fileByteCount, file: "fuzzed.safetensors")
        accepted += 1
        for entry in header.entries {
          #expect(entry.range.upperBound + header.dataStart <= fileByteCount)
          #expect(
            SafetensorsHeader.byteCount(shape: entry.shape, elementType: entry.elementType)
              == entry.range.count)
        }
      } catch {
        refused += 1
        #expect(error.description.hasSuffix("."))
        #expect(!error.description.utf8.contains(0x0a))
      }
    }
    // Both happen: the mutations are neither all harmless nor all fatal.
    #expect(accepted > 100)
    #expect(refused > 2_000)
  }

  @Test func everyHeaderLengthIsChecked() {
    var generator = SeededGenerator(state: 9)
    for _ in 0..<2_000 {
      let value =
        UInt64.random(in: 0 ... .max, using: &generator)
        >> UInt64.random(in: 0..<64, using: &generator)
      let size = Int.random(in: 0..<200, using: &generator)
      let count = try? SafetensorsHeader.headerByteCount(
        prefix: Array(littleEndian(value).prefix(size)), fileByteCount: size, file: "f")
      #expect(count == (size >= 8 && value <= UInt64(size - 8) ? Int(value) : nil))
    }
  }
}
