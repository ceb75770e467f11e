import DataFormats
import Glibc
import Testing

@testable import Training

@Suite struct RunFolderTests {
  private static func file(_ points: [(step: Int, time: Double, value: Double)]) -> [UInt8] {
    points.flatMap { point in
      TFRecord.encode(
        EventRecord(
          wallTime: point.time, step: point.step,
          content: .summary([SummaryValue(tag: "loss", content: .scalar(point.value))])
        ).encoded())
    }
  }

  private static func points(_ points: [(Int, Double, Double)]) -> [ScalarSeries.Point] {
    points.map { ScalarSeries.Point(step: $0.0, wallTime: $0.1, value: $0.2) }
  }

  @Test func findsRunsByFolder() throws {
    let folder = TemporaryFolder()
    let record = Self.file([(1, 10, 0.5)])
    folder.write(record, to: "events.out.tfevents.1.a")
    folder.write(record, to: "b/train/events.out.tfevents.1.a")
    folder.write(record, to: "b/test/events.out.tfevents.1.a")
    folder.write(record, to: "a/notes.txt")
    var runs = try RunFolder(path: folder.path)
    #expect(try runs.refresh())
    #expect(runs.runs.map(\.name) == [".", "b/test", "b/train"])
    #expect(try !runs.refresh())
    folder.write(record, to: "a/events.out.tfevents.2.a")
    #expect(try runs.refresh())
    #expect(runs.runs.map(\.name) == [".", "a", "b/test", "b/train"])
  }

  @Test func followsAGrowingFile() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(1, 10, 0.5)]), to: "r/events.out.tfevents.1.a")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    let record = Self.file([(2, 11, 0.25)])
    folder.write(Array(record[..<9]), to: "r/events.out.tfevents.1.a", appending: true)
    #expect(try runs.refresh())
    #expect(runs.runs[0].series("loss")?.points.count == 1 && runs.runs[0].pendingByteCount == 9)
    folder.write(Array(record[9...]), to: "r/events.out.tfevents.1.a", appending: true)
    #expect(try runs.refresh())
    #expect(runs.runs[0].series("loss")?.points == Self.points([(1, 10, 0.5), (2, 11, 0.25)]))
    #expect(runs.runs[0].pendingByteCount == 0)
  }

  @Test func aRestartReplacesWhatItRepeats() throws {
    let folder = TemporaryFolder()
    folder.write(
      Self.file([(1, 10, 1), (2, 11, 2), (3, 12, 3)]), to: "events.out.tfevents.1.a")
    folder.write(Self.file([(2, 20, 22), (3, 21, 33)]), to: "events.out.tfevents.0.later")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    let series = try #require(runs.runs[0].series("loss"))
    #expect(series.points == Self.points([(1, 10, 1), (2, 20, 22), (3, 21, 33)]))
    #expect(series.restarts == [2] && series.replacedCount == 2)
  }

  @Test func aContinuationIsNoRestart() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(3, 20, 3), (4, 21, 4)]), to: "events.out.tfevents.1.b")
    folder.write(Self.file([(1, 10, 1), (2, 11, 2)]), to: "events.out.tfevents.1.c")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    let series = try #require(runs.runs[0].series("loss"))
    #expect(series.points.map(\.step) == [1, 2, 3, 4])
    #expect(series.restarts.isEmpty && series.replacedCount == 0)
  }

  @Test func filesWrittenAtTheSameTimeAreMerged() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(1, 10, 1), (3, 30, 3)]), to: "events.out.tfevents.1.a")
    folder.write(Self.file([(2, 20, 2), (3, 31, 4)]), to: "events.out.tfevents.1.b")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    let series = try #require(runs.runs[0].series("loss"))
    #expect(series.points == Self.points([(1, 10, 1), (2, 20, 2), (3, 30, 3), (3, 31, 4)]))
    #expect(series.restarts.isEmpty)
  }

  @Test func numbersWithoutStepsAreAllKept() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(0, 10, 1), (0, 11, 2), (0, 12, 3)]), to: "events.out.tfevents.1.a")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    #expect(runs.runs[0].series("loss")?.points.map(\.value) == [1, 2, 3])
  }

  @Test func aSessionStartTakesBackLaterSteps() throws {
    let folder = TemporaryFolder()
    let start = TFRecord.encode(
      EventRecord(wallTime: 13, step: 2, content: .sessionStart).encoded())
    folder.write(
      Self.file([(1, 10, 1), (2, 11, 2), (3, 12, 3)]) + start + Self.file([(2, 14, 22)]),
      to: "events.out.tfevents.1.a")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    let series = try #require(runs.runs[0].series("loss"))
    #expect(series.points == Self.points([(1, 10, 1), (2, 14, 22)]))
    #expect(series.restarts == [2] && series.replacedCount == 2)
  }

  @Test func damageHidesOnlyItsOwnFile() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(1, 10, 1)]) + [UInt8](repeating: 9, count: 40), to: "a/x.tfevents")
    folder.write(Self.file([(1, 10, 1)]), to: "b/x.tfevents")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    #expect(runs.runs.map { $0.series("loss")?.points.count } == [1, 1])
    #expect(runs.runs[0].damages.map(\.offset) == [Self.file([(1, 10, 1)]).count])
    #expect(runs.runs[1].damages.isEmpty)
  }

  @Test func removedAndReplacedFilesAreForgotten() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(1, 10, 1)]), to: "a/x.tfevents")
    folder.write(Self.file([(1, 10, 1), (2, 11, 1)]), to: "b/x.tfevents")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    remove(folder.path + "/a/x.tfevents")
    folder.write(Self.file([(5, 20, 5)]), to: "b/new")
    rename(folder.path + "/b/new", folder.path + "/b/x.tfevents")
    #expect(try runs.refresh())
    #expect(runs.runs.map(\.name) == ["b"])
    #expect(runs.runs[0].series("loss")?.points == Self.points([(5, 20, 5)]))
    #expect(runs.runs[0].damages.isEmpty)
  }

  @Test func aFileWrittenAnewIsNamedAndThenReadAnew() throws {
    let folder = TemporaryFolder()
    folder.write(Self.file([(1, 10, 1), (2, 11, 1)]), to: "x.tfevents")
    var runs = try RunFolder(path: folder.path)
    try runs.refresh()
    folder.write(Self.file([(7, 20, 5)]), to: "x.tfevents")
    #expect(try runs.refresh())
    #expect(runs.runs[0].damages.count == 1)
    #expect(try runs.refresh())
    #expect(runs.runs[0].series("loss")?.points == Self.points([(7, 20, 5)]))
    #expect(runs.runs[0].damages.isEmpty)
  }

  @Test func stoppingLeavesTheRestToTheNextCall() throws {
    let folder = TemporaryFolder()
    folder.write(
      Self.file((0..<10).map { ($0, Double($0), 0) }), to: "events.out.tfevents.1.a")
    var runs = try RunFolder(path: folder.path)
    var asked = 0
    try runs.refresh {
      asked += 1
      return asked == 5
    }
    let count = try #require(runs.runs[0].series("loss")?.points.count)
    #expect(count < 10 && count > 0)
    try runs.refresh()
    #expect(runs.runs[0].series("loss")?.points.map(\.step) == Array(0..<10))
  }
}
