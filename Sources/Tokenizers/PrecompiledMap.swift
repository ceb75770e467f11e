import DataFormats

/// Replacements of short texts as SentencePiece compiles them: a double array whose leaves say
/// where in a table of texts the replacement begins.
///
/// The file is not trusted: whatever points outside the array or the table replaces nothing.
struct PrecompiledMap: Sendable {
  /// The units of the double array (Aoe 1989, in the form of Darts).
  private let units: [UInt32]
  /// Texts with a zero behind each.
  private let texts: [UInt8]

  /// Reads the member `precompiled_charsmap`: the array's length in bytes, the array, the texts.
  init(_ part: TokenizerPart) throws(TokenizerError) {
    let written = try part.string("precompiled_charsmap")
    guard let bytes = try? Base64.decode(written, skippingWhitespace: true), bytes.count >= 4 else {
      throw part.wrong("precompiled_charsmap", "a map in base 64")
    }
    func word(_ place: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }
    let length = Int(word(0))
    guard length % 4 == 0, length >= 4, length <= bytes.count - 4 else {
      throw part.wrong("precompiled_charsmap", "a map as long as it says")
    }
    units = stride(from: 4, to: 4 + length, by: 4).map(word)
    texts = Array(bytes[(4 + length)...])
  }

  /// The text that stands for the shortest known beginning of a part, or `nil`.
  func replacement(_ bytes: ArraySlice<UInt8>) -> String.UnicodeScalarView? {
    guard let place = leaf(bytes), place < texts.count else { return nil }
    let end = texts[place...].firstIndex(of: 0) ?? texts.count
    return String(decoding: texts[place..<end], as: UTF8.self).unicodeScalars
  }

  private func leaf(_ bytes: ArraySlice<UInt8>) -> Int? {
    var node = Self.offset(units[0])
    for byte in bytes {
      guard byte != 0 else { return nil }
      node ^= Int(byte)
      guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
      let unit = units[node]
      node ^= Self.offset(unit)
      if unit >> 8 & 1 == 1 {
        guard node < units.count else { return nil }
        return Int(units[node] & 0x7FFF_FFFF)
      }
    }
    return nil
  }

  private static func offset(_ unit: UInt32) -> Int {
    Int(unit >> 10) << Int((unit & 1 << 9) >> 6)
  }

  typealias Scalars = [(scalar: Unicode.Scalar, origin: Range<Int>)]

  /// The text with everything replaced: characters of less than six bytes as a whole where the map
  /// knows their beginning, else scalar by scalar.
  ///
  /// What is replaced stands for the scalars that it was made of, one for one; what is more belongs to
  /// the one before, and the last stands for those that are left over.
  func apply(to scalars: Scalars) -> Scalars {
    var result: Scalars = []
    result.reserveCapacity(scalars.count)
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars.map(\.scalar))
    var place = 0
    for character in String(text) {
      let count = character.unicodeScalars.count
      let part = scalars[place..<place + count]
      place += count
      let bytes = Array(character.utf8)
      if bytes.count < 6, let new = replacement(bytes[...]) {
        Self.append(new, for: part, to: &result)
        continue
      }
      for item in part {
        let encoded = UTF8.encode(item.scalar).map(Array.init) ?? []
        if let new = replacement(encoded[...]) {
          Self.append(new, for: [item], to: &result)
        } else {
          result.append(item)
        }
      }
    }
    return result
  }

  private static func append(
    _ new: String.UnicodeScalarView, for old: ArraySlice<Scalars.Element>, to result: inout Scalars
  ) {
    guard let last = old.last, !new.isEmpty else { return }
    let count = new.count
    for (index, scalar) in new.enumerated() {
      let first = old[min(old.startIndex + index, old.endIndex - 1)].origin
      let origin =
        index == count - 1 && count < old.count
        ? first.lowerBound..<max(first.upperBound, last.origin.upperBound) : first
      result.append((scalar, origin))
    }
  }
}
