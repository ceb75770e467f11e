import DataFormats
import Testing

@Suite struct ProtobufTests {
  @Test func writesTheDocumentedBytes() {
    // The examples of Protocol Buffers' encoding document.
    var writer = ProtobufWriter()
    writer.append(1, integer: 150)
    #expect(writer.bytes == [0x08, 0x96, 0x01])
    writer = ProtobufWriter()
    writer.append(2, text: "testing")
    #expect(writer.bytes == [0x12, 0x07] + Array("testing".utf8))
    writer = ProtobufWriter()
    writer.append(3) { $0.append(1, integer: 150) }
    #expect(writer.bytes == [0x1A, 0x03, 0x08, 0x96, 0x01])
    writer = ProtobufWriter()
    writer.append(1, integer: -2)
    #expect(writer.bytes == [0x08, 0xFE] + [UInt8](repeating: 0xFF, count: 8) + [0x01])
  }

  @Test func readsWhatItWrote() throws {
    var writer = ProtobufWriter()
    writer.append(1, double: -0.5)
    writer.append(2, float: 1.25)
    writer.append(3, integer: .min)
    writer.append(4, integer: .max)
    writer.append(536_870_911, text: "深度")
    writer.append(5, doubles: [1, -2])
    writer.append(6, floats: [3])
    writer.append(7, floats: [])
    var reader = ProtobufReader(writer.bytes)
    #expect(try reader.next()?.value.double == -0.5)
    #expect(try reader.next()?.value.float == 1.25)
    #expect(try reader.next()?.value.integer == .min)
    #expect(try reader.next()?.value.integer == .max)
    let text = try reader.next()
    #expect(text?.number == 536_870_911 && text?.value.text == "深度")
    #expect(try reader.next()?.value.doubles == [1, -2])
    #expect(try reader.next()?.value.floats == [3])
    #expect(try reader.next() == nil)
  }

  @Test(
    arguments: [
      ([0x08], ProtobufError.truncated(offset: 1)),
      ([0x08, 0x80], .truncated(offset: 1)),
      ([0x09, 1, 2, 3], .truncated(offset: 1)),
      ([0x0D, 1, 2, 3], .truncated(offset: 1)),
      ([0x12, 0x02, 0x41], .truncated(offset: 0)),
      ([0x12] + [UInt8](repeating: 0xFF, count: 9) + [0x01], .truncated(offset: 0)),
      ([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x02], .oversizedNumber(offset: 1)),
      ([0x08] + [UInt8](repeating: 0x80, count: 10) + [0x00], .oversizedNumber(offset: 1)),
      ([0x00, 0x00], .invalidFieldNumber(offset: 0)),
      ([0x80, 0x80, 0x80, 0x80, 0x10, 0x00], .invalidFieldNumber(offset: 0)),
      ([0x0E], .invalidWireType(offset: 0)), ([0x0F], .invalidWireType(offset: 0)),
      ([0x0C], .unbalancedGroup(offset: 0)), ([0x0B], .unbalancedGroup(offset: 1)),
      ([0x0B, 0x14], .unbalancedGroup(offset: 1)),
    ] as [([UInt8], ProtobufError)])
  func namesWhatIsWrong(_ bytes: [UInt8], _ error: ProtobufError) {
    #expect(throws: error) {
      var reader = ProtobufReader(bytes)
      while try reader.next() != nil {}
    }
  }

  @Test func passesOverGroups() throws {
    var reader = ProtobufReader([0x0B, 0x10, 0x05, 0x13, 0x14, 0x0C, 0x18, 0x07])
    let field = try reader.next()
    #expect(field?.number == 3 && field?.value.integer == 7)
    #expect(try reader.next() == nil)
  }

  @Test func arbitraryBytesNeverCrash() {
    var generator = SplitMix(state: 11)
    var errors = 0
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        Bool.random(using: &generator)
          ? UInt8.random(in: 0...0x1F, using: &generator) : .random(in: 0...255, using: &generator)
      }
      var reader = ProtobufReader(bytes)
      do {
        while let field = try reader.next() {
          _ = (field.value.doubles, field.value.floats, field.value.text, field.value.integer)
        }
      } catch { errors += 1 }
    }
    #expect(errors > 1000 && errors < 20_000)
  }
}

@Suite struct TFRecordTests {
  @Test func maskedChecksumIsTheReferences() {
    // What tensorboard's own function gives.
    #expect(TFRecord.maskedChecksum(Array("123456789".utf8)) == 0xC78A_B0E5)
  }

  @Test(arguments: [1, 3, 1000]) func readsPieceByPiece(_ size: Int) throws {
    let contents: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300), Array("深度".utf8)]
    let file = contents.flatMap { TFRecord.encode($0) }
    var reader = TFRecordReader()
    var found: [[UInt8]] = []
    for start in stride(from: 0, to: file.count, by: size) {
      reader.append(file[start..<min(file.count, start + size)])
      while let data = try reader.next() { found.append(data) }
    }
    #expect(found == contents)
    #expect(reader.offset == file.count && reader.pendingByteCount == 0)
  }

  @Test func everyFlippedBitIsNamedWithItsRecord() throws {
    let first = TFRecord.encode(Array("first".utf8))
    let second = TFRecord.encode(Array("second".utf8))
    for place in second.indices {
      for bit in 0..<8 {
        var damaged = second
        damaged[place] ^= 1 << UInt8(bit)
        var reader = TFRecordReader()
        reader.append(first + damaged)
        #expect(try reader.next() == Array("first".utf8))
        let expected: TFRecordError =
          place < 12
          ? .wrongLengthChecksum(offset: first.count) : .wrongDataChecksum(offset: first.count)
        #expect(throws: expected) { try reader.next() }
        #expect(expected.offset == first.count)
      }
    }
  }

  @Test func partialRecordIsWaitedFor() throws {
    let record = TFRecord.encode([1, 2, 3])
    for end in record.indices {
      var reader = TFRecordReader(offset: 50)
      reader.append(record[..<end])
      #expect(try reader.next() == nil)
      #expect(reader.offset == 50 && reader.pendingByteCount == end)
      reader.append(record[end...])
      #expect(try reader.next() == [1, 2, 3])
    }
  }

  @Test func refusesAnOversizedRecord() throws {
    var header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0x80]
    let checksum = TFRecord.maskedChecksum(header)
    for shift in [0, 8, 16, 24] as [UInt32] {
      header.append(UInt8(truncatingIfNeeded: checksum >> shift))
    }
    var reader = TFRecordReader()
    reader.append(header)
    #expect(throws: TFRecordError.oversizedRecord(offset: 0, byteCount: 1 << 63)) {
      try reader.next()
    }
  }
}

/// Random words from a seed (Steele, Lea and Flood 2014).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
