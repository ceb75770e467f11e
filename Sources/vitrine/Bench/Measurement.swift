import DataFormats

/// A benchmark's result: how long one run of something took, and how much it had to do.
struct Measurement {
  /// What limits a piece of work.
  enum Limit: String {
    /// Single-precision multiply-adds.
    case multiplyAdd = "f32"
    /// Dot products of bfloat16 pairs.
    case bfloat16Dot = "bf16"
    /// Reading memory.
    case memory
    /// Nothing that is measured here.
    case none
  }

  /// What was run, such as `forward`.
  let work: String
  /// What it was run on, such as `S f32, 128 tokens`.
  let subject: String
  /// The durations of all repetitions in seconds.
  let seconds: [Double]
  /// How many operations, or bytes, one run takes.
  let amount: Double
  /// What limits it, and thereby in what `amount` counts.
  let limit: Limit

  /// Runs something several times.
  ///
  /// - Parameters:
  ///   - options: how often, and for how long at most.
  ///   - body: one run.
  static func time(
    _ work: String, _ subject: String, amount: Double, limit: Limit, _ options: BenchOptions,
    _ body: () throws -> Void
  ) rethrows -> Measurement {
    let clock = ContinuousClock()
    func once() throws -> Double {
      let start = clock.now
      try body()
      return (clock.now - start) / .seconds(1)
    }
    let first = try once()
    // Short runs are repeated more often, since they meet more of what else happens.
    let wanted = max(options.repetitions, min(200, Int(options.leastSeconds / max(first, 1e-6))))
    var seconds: [Double] = []
    let start = clock.now
    while seconds.count < wanted {
      seconds.append(try once())
      if (clock.now - start) / .seconds(1) > options.mostSeconds, seconds.count >= 2 { break }
    }
    return Measurement(
      work: work, subject: subject, seconds: seconds, amount: amount, limit: limit)
  }

  /// The shortest duration in seconds.
  var shortest: Double { seconds.min() ?? .nan }
  /// The middle one.
  var median: Double { seconds.sorted()[seconds.count / 2] }
  /// Operations or bytes a second in the shortest run.
  var rate: Double { amount / shortest }

  /// The share of what the machine can do at most, or `nil` where that isn't known.
  func share(of peaks: MachinePeaks) -> Double? { peaks.rate(limit).map { rate / $0 } }

  /// The rate with its unit.
  var rateText: String {
    let unit =
      switch limit {
      case .multiplyAdd, .bfloat16Dot: "GFLOP/s"
      case .memory: "GB/s"
      case .none: "MB/s"
      }
    return "\(Self.short(rate / (limit == .none ? 1e6 : 1e9))) \(unit)"
  }

  /// The measurement as an object: times in milliseconds.
  func json(_ peaks: MachinePeaks) -> JSON {
    var object: JSONObject = [
      "work": .string(work), "subject": .string(subject), "ms": .number(shortest * 1e3),
      "median_ms": .number(median * 1e3), "repetitions": .integer(seconds.count),
    ]
    switch limit {
    case .multiplyAdd, .bfloat16Dot: object["gflops"] = .number(rate / 1e9)
    case .memory: object["gb_per_s"] = .number(rate / 1e9)
    case .none: object["mb_per_s"] = .number(rate / 1e6)
    }
    if let share = share(of: peaks) {
      object["limit"] = .string(limit.rawValue)
      object["share_of_peak"] = .number(share)
    }
    return .object(object)
  }

  /// Three significant digits.
  static func short(_ number: Double) -> String {
    guard number.isFinite else { return "–" }
    var digits = 2
    var rest = abs(number)
    while rest >= 10, digits > 0 {
      rest /= 10
      digits -= 1
    }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((number * scale).rounded())
    guard digits > 0 else { return "\(whole)" }
    let fraction = String(abs(whole) % Int(scale))
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(whole / Int(scale)).\(zeros)\(fraction)"
  }
}
