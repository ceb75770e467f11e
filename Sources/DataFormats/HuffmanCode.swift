/// Prefix codes of limited length from symbol counts, and their canonical code words (RFC 1951,
/// section 3.2.2).
enum HuffmanCode {
  /// The code length of each symbol, 0 for a symbol that doesn't occur.
  ///
  /// A Huffman code first; where it is longer than the limit, the longest words are cut to the limit
  /// and shorter ones lengthened until the code is prefix-free again.
  static func lengths(counts: [Int], limit: Int) -> [UInt8] {
    var lengths = [UInt8](repeating: 0, count: counts.count)
    let symbols = counts.indices.filter { counts[$0] > 0 }
      .sorted { (counts[$0], $0) < (counts[$1], $1) }
    guard symbols.count > 1 else {
      for symbol in symbols { lengths[symbol] = 1 }
      return lengths
    }
    var lengthCounts = huffmanLengthCounts(symbols.map { counts[$0] }, limit: limit)
    var excess = -(1 << limit)
    for length in 1...limit { excess += lengthCounts[length] << (limit - length) }
    while excess > 0 {
      lengthCounts[limit] -= 1
      if let shorter = (1..<limit).last(where: { lengthCounts[$0] > 0 }) {
        lengthCounts[shorter] -= 1
        lengthCounts[shorter + 1] += 2
      }
      excess -= 1
    }
    // The rarest symbols get the longest words.
    var next = 0
    for length in stride(from: limit, through: 1, by: -1) {
      for _ in 0..<lengthCounts[length] {
        lengths[symbols[next]] = UInt8(length)
        next += 1
      }
    }
    return lengths
  }

  /// How many leaves lie at each depth of the Huffman tree of ascending counts, deeper than the
  /// limit counted at the limit.
  private static func huffmanLengthCounts(_ counts: [Int], limit: Int) -> [Int] {
    // Leaves and inner nodes both appear in ascending order of weight: two queues suffice.
    let leafCount = counts.count
    var weights = counts
    var parents = [Int](repeating: 0, count: leafCount)
    var nextLeaf = 0
    var nextInner = leafCount
    func takeLightest() -> Int {
      if nextLeaf < leafCount,
        nextInner >= weights.count || weights[nextLeaf] <= weights[nextInner]
      {
        nextLeaf += 1
        return nextLeaf - 1
      }
      nextInner += 1
      return nextInner - 1
    }
    for _ in 1..<leafCount {
      let left = takeLightest()
      let right = takeLightest()
      parents[left] = weights.count
      parents[right] = weights.count
      weights.append(weights[left] + weights[right])
      parents.append(0)
    }
    var depths = [Int](repeating: 0, count: weights.count)
    var lengthCounts = [Int](repeating: 0, count: limit + 1)
    for node in stride(from: weights.count - 2, through: 0, by: -1) {
      depths[node] = depths[parents[node]] + 1
      if node < leafCount { lengthCounts[min(depths[node], limit)] += 1 }
    }
    return lengthCounts
  }

  /// The canonical code words, each with its bits in the order in which Deflate sends them.
  static func reversedWords(lengths: [UInt8]) -> [UInt16] {
    var lengthCounts = [Int](repeating: 0, count: 17)
    for length in lengths where length > 0 { lengthCounts[Int(length)] += 1 }
    var nextWord = [Int](repeating: 0, count: 17)
    for length in 1...16 {
      nextWord[length] = (nextWord[length - 1] + lengthCounts[length - 1]) << 1
    }
    return lengths.map { length in
      guard length > 0 else { return 0 }
      var word = nextWord[Int(length)]
      nextWord[Int(length)] += 1
      var reversed = 0
      for _ in 0..<length {
        reversed = reversed << 1 | word & 1
        word >>= 1
      }
      return UInt16(reversed)
    }
  }
}
