/// One record of a TensorBoard event file.
public struct EventRecord: Sendable, Equatable {
  /// What a record says.
  public enum Content: Sendable, Equatable {
    /// The format's version, `brain.Event:2` in a file's first record.
    case fileVersion(String)
    /// Values of one step.
    case summary([SummaryValue])
    /// A run starts, or starts again at the record's step: what an earlier start wrote from there
    /// on no longer counts.
    case sessionStart
    /// Something else: a graph, a log message, metadata.
    case other
  }

  /// Seconds since 1970.
  public var wallTime: Double
  /// The step of the training.
  public var step: Int
  /// What the record says.
  public var content: Content

  /// Makes a record.
  public init(wallTime: Double, step: Int, content: Content) {
    self.wallTime = wallTime
    self.step = step
    self.content = content
  }
}

/// A named value of one step.
public struct SummaryValue: Sendable, Equatable {
  /// What the value is.
  public enum Content: Sendable, Equatable {
    /// A number.
    case scalar(Double)
    /// How many numbers.
    case histogram(HistogramSummary)
    /// Pictures.
    case images([ImageSummary])
    /// Texts in Markdown.
    case text([String])
    /// Something else, with the name of the plugin that shows it; empty where it isn't known.
    case other(plugin: String)
  }

  /// Its name, with `/` between levels.
  public var tag: String
  /// What it is.
  public var content: Content

  /// Makes a value.
  public init(tag: String, content: Content) {
    self.tag = tag
    self.content = content
  }
}

/// A picture of one step.
public struct ImageSummary: Sendable, Equatable {
  /// In pixels.
  public var width: Int
  /// In pixels.
  public var height: Int
  /// The file: PNG, JPEG or GIF.
  public var encoded: [UInt8]

  /// Makes a picture.
  public init(width: Int, height: Int, encoded: [UInt8]) {
    self.width = width
    self.height = height
    self.encoded = encoded
  }
}

/// How numbers are distributed: counts between edges.
public struct HistogramSummary: Sendable, Equatable {
  /// The smallest number.
  public var minimum: Double
  /// The largest number.
  public var maximum: Double
  /// How many numbers there are.
  public var count: Double
  /// Their sum.
  public var sum: Double
  /// The sum of their squares.
  public var sumOfSquares: Double
  /// The right edges of the buckets, ascending; a bucket's left edge is the one before.
  public var limits: [Double]
  /// How many numbers are in each bucket.
  public var counts: [Double]

  /// Makes a histogram from its parts.
  public init(
    minimum: Double, maximum: Double, count: Double, sum: Double, sumOfSquares: Double,
    limits: [Double], counts: [Double]
  ) {
    self.minimum = minimum
    self.maximum = maximum
    self.count = count
    self.sum = sum
    self.sumOfSquares = sumOfSquares
    self.limits = limits
    self.counts = counts
  }

  /// The histogram of numbers, in TensorFlow's buckets: edges at 0 and at ±10⁻¹² · 1.1ⁿ, empty
  /// buckets at both ends left out but for one at the left.
  ///
  /// Numbers that aren't finite are left out; `nil` where none is left.
  public init?(of numbers: [Double]) {
    let numbers = numbers.filter(\.isFinite)
    guard let minimum = numbers.min(), let maximum = numbers.max() else { return nil }
    let edges = Self.edges
    var counts = [Double](repeating: 0, count: edges.count + 1)
    for number in numbers {
      // Bucket i ends at edge i, which belongs to the next.
      var low = 0
      var high = edges.count
      while low < high {
        let middle = (low + high) / 2
        if edges[middle] <= number { low = middle + 1 } else { high = middle }
      }
      counts[low] += 1
    }
    // Numbers beyond the last edges are counted in the outermost buckets.
    counts[1] += counts[0]
    counts[0] = 0
    counts[edges.count - 1] += counts[edges.count]
    counts.removeLast()
    let first = counts.firstIndex { $0 > 0 } ?? 1
    let last = counts.lastIndex { $0 > 0 } ?? 1
    self.init(
      minimum: minimum, maximum: maximum, count: Double(numbers.count), sum: numbers.reduce(0, +),
      sumOfSquares: numbers.reduce(0) { $0 + $1 * $1 }, limits: Array(edges[(first - 1)...last]),
      counts: Array(counts[(first - 1)...last]))
  }

  /// All edges in ascending order.
  private static let edges: [Double] = {
    var positive: [Double] = []
    var edge = 1e-12
    while edge < 1e20 {
      positive.append(edge)
      edge *= 1.1
    }
    return positive.reversed().map { -$0 } + [0] + positive
  }()
}
