import DataFormats
import Testing
import Training

@Suite struct EventFileWriterTests {
  static let png = try! Base64.decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
  )

  @Test func bytesAreThoseOfProtobufsOwnLibrary() throws {
    let folder = TemporaryFolder()
    let time = 1_700_000_000.0
    let writer = try EventFileWriter(
      folder: folder.path + "/a/b", wallTime: time + 0.25, host: "host", process: 1)
    #expect(writer.path == folder.path + "/a/b/events.out.tfevents.1700000000.host.1.0")
    try writer.scalar("loss", 0.75, step: 1, wallTime: time + 1.5)
    let histogram = HistogramSummary(
      minimum: -1, maximum: 2, count: 3, sum: 1.5, sumOfSquares: 5.25, limits: [-1, 0, 2],
      counts: [0, 1, 2])
    try writer.write(
      [SummaryValue(tag: "weights", content: .histogram(histogram))], step: 300,
      wallTime: time + 2.5)
    try writer.image(
      "picture", ImageSummary(width: 1, height: 1, encoded: Self.png), step: -2,
      wallTime: time + 3.5)
    try writer.text("note", "# 深度", step: 4, wallTime: time + 4.5)
    try writer.write(EventRecord(wallTime: time + 5.5, step: 2, content: .sessionStart))
    let expected = TemporaryFolder.contents(of: fixtures + "/reference.records")
    #expect(expected.count > 300)
    #expect(TemporaryFolder.contents(of: writer.path) == expected)
  }

  @Test func aSecondWriterTakesTheNextNumber() throws {
    let folder = TemporaryFolder()
    let names = try (0..<3).map { _ in
      try EventFileWriter(folder: folder.path, wallTime: 5, host: "a b/../c", process: 7).path
    }
    #expect(
      names == (0..<3).map { folder.path + "/events.out.tfevents.0000000005.a_b____c.7.\($0)" })
  }

  @Test func eachRecordIsInTheFileAtOnce() throws {
    let folder = TemporaryFolder()
    let writer = try EventFileWriter(folder: folder.path, wallTime: 5)
    var reader = try EventFileReader(path: writer.path)
    #expect(try reader.read().map(\.content) == [.fileVersion("brain.Event:2")])
    for step in 1...3 {
      try writer.scalar("a", Double(step) / 2, step: step, wallTime: 6)
      let events = try reader.read()
      #expect(
        events == [
          EventRecord(
            wallTime: 6, step: step,
            content: .summary([SummaryValue(tag: "a", content: .scalar(Double(step) / 2))]))
        ])
    }
    #expect(try reader.read().isEmpty)
  }

  @Test func nothingIsWrittenOfNumbersThatAreNotFinite() throws {
    let folder = TemporaryFolder()
    let writer = try EventFileWriter(folder: folder.path, wallTime: 5)
    try writer.histogram("h", [.nan, .infinity], step: 1, wallTime: 6)
    try writer.histogram("h", [.nan, 1], step: 2, wallTime: 6)
    var reader = try EventFileReader(path: writer.path)
    let events = try reader.read()
    #expect(events.map(\.step) == [0, 2])
  }

  @Test func bucketsAreTorchs() throws {
    let cases = try JSON(parsing: TemporaryFolder.contents(of: fixtures + "/histograms.json"))
    let object = try #require(cases.object?.members)
    #expect(object.count == 6)
    for member in object {
      let (name, data) = (member.key, member.value)
      func numbers(_ key: String) -> [Double] { (data[key]?.array ?? []).map { $0.number ?? .nan } }
      let histogram = try #require(HistogramSummary(of: numbers("numbers")))
      let moments = numbers("moments")
      #expect(histogram.limits == numbers("limits"), "\(name)")
      #expect(histogram.counts == numbers("counts"), "\(name)")
      #expect([histogram.minimum, histogram.maximum, histogram.count] == Array(moments[..<3]))
      #expect(abs(histogram.sum - moments[3]) <= 1e-12 * max(1, abs(moments[3])))
      #expect(abs(histogram.sumOfSquares - moments[4]) <= 1e-12 * max(1, moments[4]))
    }
  }

  @Test func numbersBeyondTheLastEdgeAreCounted() {
    let histogram = HistogramSummary(of: [-1e30, 1e30, 5e29])
    #expect(histogram?.counts.reduce(0, +) == 3)
    #expect(histogram?.limits.count == histogram?.counts.count)
  }
}

@Suite struct EmbeddingProjectionTests {
  @Test func writesTheProjectorsFiles() throws {
    let folder = TemporaryFolder()
    try EmbeddingProjection.write(
      [
        EmbeddingProjection(
          name: "words", vectors: [[1, 2.5], [-3, 4]], columns: ["token", "layer"],
          labels: [["深\t度", "1"], ["", "2"]]),
        EmbeddingProjection(name: "one", vectors: [[1]], columns: ["label"], labels: [["a\r\nb"]]),
        EmbeddingProjection(name: "bare", vectors: [[0.5]]),
      ], folder: folder.path + "/new")
    func text(_ name: String) -> String {
      String(decoding: TemporaryFolder.contents(of: folder.path + "/new/" + name), as: UTF8.self)
    }
    #expect(text("words.tensors.tsv") == "1.0\t2.5\n-3.0\t4.0\n")
    #expect(text("words.metadata.tsv") == "token\tlayer\n深 度\t1\n \t2\n")
    #expect(text("one.metadata.tsv") == "a  b\n")
    #expect(
      text("projector_config.pbtxt") == """
        embeddings {
          tensor_name: "words"
          tensor_path: "words.tensors.tsv"
          metadata_path: "words.metadata.tsv"
        }
        embeddings {
          tensor_name: "one"
          tensor_path: "one.tensors.tsv"
          metadata_path: "one.metadata.tsv"
        }
        embeddings {
          tensor_name: "bare"
          tensor_path: "bare.tensors.tsv"
        }

        """)
  }

  @Test func refusesWhatDoesNotFit() {
    let folder = TemporaryFolder()
    func write(_ projection: EmbeddingProjection) throws {
      try EmbeddingProjection.write([projection], folder: folder.path)
    }
    #expect(throws: TrainingRecordError.unevenRows(expected: 2, found: 1)) {
      try write(EmbeddingProjection(name: "a", vectors: [[1, 2], [3]]))
    }
    #expect(throws: TrainingRecordError.unevenRows(expected: 1, found: 2)) {
      try write(EmbeddingProjection(name: "a", vectors: [[1]], labels: [["x"], ["y"]]))
    }
    for name in ["a/b", "", "..", "a\"\n"] {
      #expect(throws: TrainingRecordError.unsuitableName(name)) {
        try write(EmbeddingProjection(name: name, vectors: [[1]]))
      }
    }
  }
}
