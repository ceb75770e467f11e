/// A pattern over a whole text: `*` any scalars, `?` one, `[a-z]` one of these, `[^a]` or `[!a]` one
/// of the others; the wildcards of history searches.
struct GlobPattern: Sendable {
  private enum Part: Equatable {
    case anything
    case one
    case scalar(Unicode.Scalar)
    case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)

    func matches(_ scalar: Unicode.Scalar) -> Bool {
      switch self {
      case .anything, .one: true
      case .scalar(let wanted): wanted == scalar
      case .set(let ranges, let isNegated):
        ranges.contains { $0.contains(scalar) } != isNegated
      }
    }
  }

  private var parts: [Part] = []

  init(_ text: String) {
    let scalars = Array(text.unicodeScalars)
    var place = 0
    while place < scalars.count {
      switch scalars[place] {
      case "*":
        if parts.last != .anything { parts.append(.anything) }
        place += 1
      case "?":
        parts.append(.one)
        place += 1
      case "[":
        if let (part, next) = Self.set(scalars, from: place) {
          parts.append(part)
          place = next
        } else {
          parts.append(.scalar("["))
          place += 1
        }
      case let scalar:
        parts.append(.scalar(scalar))
        place += 1
      }
    }
  }

  /// Reads `[…]`; a bracket that isn't closed stands for itself.
  private static func set(_ scalars: [Unicode.Scalar], from start: Int) -> (Part, Int)? {
    var place = start + 1
    var isNegated = false
    if place < scalars.count, scalars[place] == "^" || scalars[place] == "!" {
      isNegated = true
      place += 1
    }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var isFirst = true
    while place < scalars.count, isFirst || scalars[place] != "]" {
      isFirst = false
      let low = scalars[place]
      if place + 2 < scalars.count, scalars[place + 1] == "-", scalars[place + 2] != "]" {
        let high = scalars[place + 2]
        if low <= high { ranges.append(low...high) }
        place += 3
      } else {
        ranges.append(low...low)
        place += 1
      }
    }
    guard place < scalars.count else { return nil }
    return (.set(ranges, isNegated: isNegated), place + 1)
  }

  /// Whether the whole text matches; goes back to the last `*` alone, so the time is at most the
  /// product of the two lengths.
  func matches(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    var part = 0
    var place = 0
    var lastStar: (part: Int, place: Int)?
    while place < scalars.count {
      if part < parts.count, parts[part] == .anything {
        lastStar = (part, place)
        part += 1
      } else if part < parts.count, parts[part].matches(scalars[place]) {
        part += 1
        place += 1
      } else if let star = lastStar {
        lastStar = (star.part, star.place + 1)
        part = star.part + 1
        place = star.place + 1
      } else {
        return false
      }
    }
    return parts[part...].allSatisfy { $0 == .anything }
  }
}
