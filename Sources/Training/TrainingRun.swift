/// The numbers of one tag of one run, in order of steps.
public struct ScalarSeries: Sendable, Equatable {
  /// One number.
  public struct Point: Sendable, Equatable {
    /// The step of the training.
    public var step: Int
    /// Seconds since 1970.
    public var wallTime: Double
    /// The number; may be NaN or infinite.
    public var value: Double

    /// Makes a point.
    public init(step: Int, wallTime: Double, value: Double) {
      self.step = step
      self.wallTime = wallTime
      self.value = value
    }
  }

  /// The numbers.
  public internal(set) var points: [Point] = []
  /// The steps at which the run was started again.
  public internal(set) var restarts: [Int] = []
  /// How many numbers a restart replaced.
  public internal(set) var replacedCount = 0

  /// Makes an empty series.
  public init() {}

  /// Adds a number after the others.
  ///
  /// Precondition: its step is not below the last one's.
  public mutating func append(_ point: Point) {
    precondition(points.last.map { $0.step <= point.step } ?? true, "steps in order")
    points.append(point)
  }
}

/// Something other than a number, of one step.
public struct SteppedValue<Content: Sendable & Equatable>: Sendable, Equatable {
  /// The step of the training.
  public var step: Int
  /// Seconds since 1970.
  public var wallTime: Double
  /// What was recorded.
  public var content: Content
}

/// What the event files of one folder say, as one run.
public struct TrainingRun: Sendable {
  /// The folder's path below the one that was looked through; `.` for that one itself.
  public let name: String
  /// The tags of numbers, in order of their first record.
  public internal(set) var scalarTags: [String] = []
  /// The distributions by tag, those of the last steps.
  public internal(set) var histograms: [String: [SteppedValue<HistogramSummary>]] = [:]
  /// The pictures by tag, those of the last steps.
  public internal(set) var images: [String: [SteppedValue<ImageSummary>]] = [:]
  /// The texts by tag, those of the last steps.
  public internal(set) var texts: [String: [SteppedValue<String>]] = [:]
  /// Which files are damaged, and where.
  public internal(set) var damages: [EventFileDamage] = []
  /// How many records were read.
  public internal(set) var recordCount = 0
  /// Which files end within a record.
  public internal(set) var unfinished: [UnfinishedEventFile] = []
  /// How many bytes at the files' ends aren't a whole record yet.
  public var pendingByteCount: Int { unfinished.reduce(0) { $0 + $1.byteCount } }

  var scalars: [String: ScalarSeries] = [:]

  /// The numbers of a tag, or `nil` where there are none.
  public func series(_ tag: String) -> ScalarSeries? { scalars[tag] }
}

/// The numbers of one tag that one file has, in the file's order.
struct FilePoints {
  var points: [ScalarSeries.Point] = []
  /// The steps at which the file says that the run starts again, with how many points it had then.
  var restarts: [(step: Int, count: Int)] = []

  /// The points without those that the file itself takes back.
  func settled(into series: inout ScalarSeries) -> [ScalarSeries.Point] {
    var kept: [ScalarSeries.Point] = []
    var next = 0
    for restart in restarts {
      kept += points[next..<restart.count]
      next = restart.count
      let before = kept.count
      kept.removeAll { $0.step >= restart.step }
      if before > 0 { series.restarts.append(restart.step) }
      series.replacedCount += before - kept.count
    }
    return kept + points[next...]
  }
}

extension ScalarSeries {
  /// Joins the points of several files of one run.
  ///
  /// Files are taken in order of their first point's wall time. A file that begins after all that
  /// was before it, at a step that was already reached, is the run started again from a checkpoint:
  /// it replaces what was there from its first step on. Files that were written at the same time
  /// are merged by step.
  init(joining files: [FilePoints]) {
    let ordered = files.filter { !$0.points.isEmpty }.enumerated().sorted { left, right in
      let times = (left.element.points[0].wallTime, right.element.points[0].wallTime)
      return times.0 < times.1 || times.0 == times.1 && left.offset < right.offset
    }
    var last = -Double.infinity
    for (_, file) in ordered {
      let added = file.settled(into: &self)
      guard let first = added.first else { continue }
      let highest = points.map(\.step).max()
      if let highest, first.wallTime >= last, let lowest = added.map(\.step).min(),
        lowest <= highest
      {
        let before = points.count
        points.removeAll { $0.step >= lowest }
        replacedCount += before - points.count
        restarts.append(lowest)
        points += added
      } else if highest != nil, first.wallTime < last {
        points = (points + added).enumerated().sorted { left, right in
          let (a, b) = (left.element, right.element)
          if a.step != b.step { return a.step < b.step }
          if a.wallTime != b.wallTime { return a.wallTime < b.wallTime }
          return left.offset < right.offset
        }.map(\.element)
      } else {
        points += added
      }
      last = max(last, added.map(\.wallTime).filter { !$0.isNaN }.max() ?? last)
    }
  }
}
