import DataFormats
import Glibc
import Testing

@testable import Training

@Suite struct EventFileReaderTests {
  /// Numbers as the expected values have them: those that aren't finite as texts.
  private static func number(_ json: JSON?) -> Double {
    if let text = json?.string { return Double(text) ?? 0 }
    return json?.number ?? json?.integer.map(Double.init) ?? .infinity
  }

  @Test(arguments: ["torch/first", "torch/first/hparams", "tensors"])
  func readsWhatOthersWrote(_ name: String) throws {
    let all = try JSON(parsing: TemporaryFolder.contents(of: fixtures + "/expected.json"))
    let expected = try #require(all[name])
    var folder = try RunFolder(path: fixtures + "/" + name)
    #expect(try folder.refresh())
    let run = try #require(folder.runs.first)
    #expect(run.name == "." && run.damages.isEmpty && run.pendingByteCount == 0)

    let scalars = try #require(expected["scalars"]?.object?.members)
    #expect(Set(run.scalarTags) == Set(scalars.map(\.key)))
    for member in scalars {
      let (tag, rows) = (member.key, member.value)
      let points = try #require(run.series(tag)?.points)
      let wanted = try #require(rows.array)
      #expect(points.count == wanted.count)
      for (point, row) in zip(points, wanted) {
        #expect(point.step == row[0]?.integer && point.wallTime == Self.number(row[1]))
        let value = Self.number(row[2])
        #expect(point.value == value || point.value.isNaN && value.isNaN, "\(tag)")
      }
    }
    let histograms = try #require(expected["histograms"]?.object?.members)
    #expect(Set(run.histograms.keys) == Set(histograms.map(\.key)))
    for member in histograms {
      let (tag, rows) = (member.key, member.value)
      let found = try #require(run.histograms[tag])
      let wanted = try #require(rows.array)
      #expect(found.count == wanted.count)
      for (value, row) in zip(found, wanted) {
        let histogram = value.content
        #expect(value.step == row[0]?.integer)
        if let moments = row[1]?.array {
          #expect(
            [
              histogram.minimum, histogram.maximum, histogram.count, histogram.sum,
              histogram.sumOfSquares,
            ] == moments.map { Self.number($0) })
        } else {
          #expect(histogram.count == histogram.counts.reduce(0, +))
        }
        #expect(histogram.limits == row[2]?.array?.map { Self.number($0) })
        #expect(histogram.counts == row[3]?.array?.map { Self.number($0) })
      }
    }
    let images = try #require(expected["images"]?.object?.members)
    #expect(Set(run.images.keys) == Set(images.map(\.key)))
    for member in images {
      let (tag, rows) = (member.key, member.value)
      let found = try #require(run.images[tag])
      #expect(found.count == rows.array?.count)
      for (value, row) in zip(found, rows.array ?? []) {
        #expect(
          value.step == row[0]?.integer && value.content.width == row[1]?.integer
            && value.content.height == row[2]?.integer
            && Base64.encode(value.content.encoded) == row[3]?.string)
      }
    }
    let texts = try #require(expected["texts"]?.object?.members)
    #expect(Set(run.texts.keys) == Set(texts.map(\.key)))
    for member in texts {
      let (tag, rows) = (member.key, member.value)
      let flat = (rows.array ?? []).flatMap { row in
        (row[1]?.array ?? []).map { (row[0]?.integer, $0.string) }
      }
      let found = try #require(run.texts[tag])
      #expect(found.map(\.step) == flat.map { $0.0 ?? -1 })
      #expect(found.map(\.content) == flat.map { $0.1 ?? "" })
    }
  }

  private static func file() -> (bytes: [UInt8], ends: [Int]) {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    for step in 0..<4 {
      let record = EventRecord(
        wallTime: 100 + Double(step), step: step,
        content: .summary([SummaryValue(tag: "loss", content: .scalar(Double(step)))]))
      bytes += TFRecord.encode(record.encoded())
      ends.append(bytes.count)
    }
    return (bytes, ends)
  }

  @Test func aFileCutAnywhereIsReadAndThenFollowed() throws {
    let (bytes, ends) = Self.file()
    let folder = TemporaryFolder()
    for cut in bytes.indices {
      folder.write(Array(bytes[..<cut]), to: "f")
      var reader = try EventFileReader(path: folder.path + "/f")
      let whole = ends.filter { $0 <= cut }
      #expect(try reader.read().count == whole.count)
      #expect(reader.damage == nil && reader.offset == whole.last ?? 0)
      #expect(reader.pendingByteCount == cut - (whole.last ?? 0))
      folder.write(Array(bytes[cut...]), to: "f", appending: true)
      #expect(try reader.read().map(\.step) == Array(whole.count..<4))
      #expect(reader.pendingByteCount == 0 && reader.recordCount == 4)
    }
  }

  @Test func damageAnywhereIsNamedAndWhatIsBeforeItIsRead() throws {
    let (bytes, ends) = Self.file()
    let folder = TemporaryFolder()
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 0x10
      folder.write(damaged, to: "f")
      var reader = try EventFileReader(path: folder.path + "/f")
      let sound = ends.filter { $0 <= place }
      #expect(try reader.read().count == sound.count)
      let damage = try #require(reader.damage)
      #expect(damage.offset == sound.last ?? 0 && damage.recordCount == sound.count)
      #expect(damage.description.contains("is damaged at byte \(damage.offset): "))
      #expect(try reader.read().isEmpty)
    }
  }

  @Test func bytesMissingInTheMiddleAreNamed() throws {
    let (bytes, ends) = Self.file()
    let folder = TemporaryFolder()
    for place in ends[0]..<ends[1] {
      folder.write(Array(bytes[..<place] + bytes[(place + 1)...]), to: "f")
      var reader = try EventFileReader(path: folder.path + "/f")
      #expect(try reader.read().count == 1)
      #expect(reader.damage?.offset == ends[0])
    }
  }

  @Test func aSoundRecordThatIsNoEventIsNamed() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file().bytes + TFRecord.encode([0x0F]), to: "f")
    var reader = try EventFileReader(path: folder.path + "/f")
    #expect(try reader.read().count == 4)
    #expect(reader.damage?.reason == .message(.invalidWireType(offset: 0)))
    #expect(reader.damage?.offset == Self.file().bytes.count)
  }

  @Test func aFileThatBecomesShorterIsNamed() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file().bytes, to: "f")
    var reader = try EventFileReader(path: folder.path + "/f")
    _ = try reader.read()
    folder.write([1, 2], to: "f")
    #expect(try reader.read().isEmpty)
    #expect(reader.damage?.reason == .shortened(byteCount: 2))
  }

  @Test func aFileThatAnotherReplacesIsNamed() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file().bytes, to: "f")
    var reader = try EventFileReader(path: folder.path + "/f")
    _ = try reader.read()
    folder.write(Self.file().bytes, to: "g")
    rename(folder.path + "/g", folder.path + "/f")
    #expect(try reader.read().isEmpty)
    #expect(reader.damage?.reason == .replaced)
  }

  @Test func arbitraryEventsNeverCrash() throws {
    let (bytes, _) = (TemporaryFolder.contents(of: fixtures + "/reference.records"), 0)
    var records: [[UInt8]] = []
    var frames = TFRecordReader()
    frames.append(bytes)
    while let data = try frames.next() { records.append(data) }
    var generator = SystemRandomNumberGenerator()
    var decoded = 0
    for data in records {
      for place in data.indices {
        for value in [0, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &generator)] {
          var changed = data
          changed[place] = value
          if (try? EventRecord(decoding: changed)) != nil { decoded += 1 }
        }
      }
    }
    #expect(decoded > 100)
  }

  @Test func namesWhatCannotBeOpened() {
    #expect(throws: TrainingRecordError.file(path: "/no/file", action: .open, code: 2)) {
      try EventFileReader(path: "/no/file")
    }
    #expect(throws: TrainingRecordError.missingFolder(path: "/no/folder")) {
      try RunFolder(path: "/no/folder")
    }
    #expect("\(TrainingRecordError.missingFolder(path: "/a"))" == "There is no folder `/a`.")
  }
}
