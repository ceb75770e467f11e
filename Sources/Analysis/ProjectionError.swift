/// Why points can't be projected.
public enum ProjectionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The points are not rows of numbers: the tensor's shape.
  case notRows([Int])
  /// Fewer points than the method needs.
  case tooFewPoints(given: Int, needed: Int)
  /// More axes than the points have dimensions.
  case tooFewDimensions(given: Int, needed: Int)
  /// A point has a number that is infinite or not a number.
  case notFinite(point: Int)
  /// A perplexity that is below 1 or not below the number of points.
  case perplexity(Double, points: Int)
  /// A number of neighbours that is below 1 or not below half the number of points.
  case neighbors(Int, points: Int)
  /// A neighbourhood that is below 2 points, itself among them, or larger than the number of points.
  case neighborhood(Int, points: Int)
  /// A least distance that is negative or larger than the spread.
  case minimumDistance(Double, spread: Double)
  /// The numbers of a map and of what it maps differ.
  case countMismatch(points: Int, mapped: Int)
  /// All points are the same, so that no direction tells them apart.
  case allEqual

  /// One sentence with the facts.
  public var description: String {
    switch self {
    case .notRows(let shape):
      "Points are rows of numbers, [points, dimensions], and this has the shape \(shape)."
    case .tooFewPoints(let given, let needed):
      "There \(given == 1 ? "is 1 point" : "are \(given) points"), and this takes at least \(needed)."
    case .tooFewDimensions(let given, let needed):
      "The points have \(given) \(given == 1 ? "dimension" : "dimensions"), too few for \(needed) axes."
    case .notFinite(let point):
      "Point \(point) has a number that is infinite or not a number."
    case .perplexity(let perplexity, let points):
      "A perplexity of \(perplexity) doesn't suit \(points) points: it must be at least 1 and below"
        + " their number."
    case .neighbors(let count, let points):
      "\(count) neighbours don't suit \(points) points: they must be at least 1 and fewer than half."
    case .neighborhood(let count, let points):
      "Neighbourhoods of \(count) don't suit \(points) points: a point counts itself, so they must be of"
        + " at least 2 and at most all points."
    case .minimumDistance(let distance, let spread):
      "A least distance of \(distance) doesn't suit a spread of \(spread): it must be from 0 up to it."
    case .countMismatch(let points, let mapped):
      "The map has \(mapped) points, and \(points) were given."
    case .allEqual: "All points are the same, so no direction tells them apart."
    }
  }
}
