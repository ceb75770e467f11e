// The normal forms are public in the standard library, but not documented; nothing else in a Swift
// toolchain has them without Foundation.
@_spi(_Unicode) import Swift

/// The canonical normal forms of Unicode with the origin of each scalar kept (UAX #15).
enum UnicodeForms {
  typealias Scalars = [(scalar: Unicode.Scalar, origin: Range<Int>)]

  /// Form D: every scalar taken apart, marks in canonical order.
  static func decomposed(_ scalars: Scalars) -> Scalars {
    var result: Scalars = []
    result.reserveCapacity(scalars.count)
    var classes: [UInt8] = []
    for (scalar, origin) in scalars {
      guard scalar.value >= 0xC0 else {
        result.append((scalar, origin))
        classes.append(0)
        continue
      }
      let properties = scalar.properties
      // The reference's tables are those of Unicode 12.
      let isNew = properties.age.map { $0.major > 12 } ?? true
      let parts = isNew ? [scalar] : Array(String(scalar)._nfd)
      for part in parts {
        let order = part.properties.canonicalCombiningClass.rawValue
        // Sorts into the marks before it, behind those of the same class.
        var place = result.count
        if order > 0 {
          while place > 0, classes[place - 1] > order { place -= 1 }
        }
        result.insert((part, origin), at: place)
        classes.insert(order, at: place)
      }
    }
    return result
  }

  /// Form C: whatever can be one scalar is one.
  ///
  /// Scalars that are composed or reordered stand
  /// together for all that they were made of.
  static func composed(_ scalars: Scalars) -> Scalars {
    var result: Scalars = []
    result.reserveCapacity(scalars.count)
    var start = 0
    while start < scalars.count {
      var end = start + 1
      while end < scalars.count, mayChangeBehindOthers(scalars[end].scalar) { end += 1 }
      let part = scalars[start..<end]
      start = end
      if part.count == 1, part[part.startIndex].scalar.value < 0x300 {
        result.append(part[part.startIndex])
        continue
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: part.map(\.scalar))
      let form = Array(String(text)._nfc)
      if form == part.map(\.scalar) {
        result.append(contentsOf: part)
      } else {
        let lower = part.map(\.origin.lowerBound).min() ?? 0
        let upper = part.map(\.origin.upperBound).max() ?? lower
        result.append(contentsOf: form.map { ($0, lower..<upper) })
      }
    }
    return result
  }

  /// Whether a scalar may be composed with, or ordered among, the scalars in front of it: marks,
  /// the vowels and final consonants of Hangul, and one script's vowel signs that are letters.
  private static func mayChangeBehindOthers(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    switch scalar.value {
    case 0x1160...0x11FF, 0x16D63...0x16D6A: return true
    default: break
    }
    let properties = scalar.properties
    if properties.canonicalCombiningClass.rawValue > 0 { return true }
    return [.nonspacingMark, .spacingMark, .enclosingMark].contains(properties.generalCategory)
  }
}
