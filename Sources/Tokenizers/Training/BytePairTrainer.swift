public import DataFormats

/// Learns the merges of a byte-level BPE vocabulary from texts (Sennrich, Haddow and Birch 2016, arXiv:1508.07909).
///
/// The most frequent pair of neighbouring units becomes a unit, again and again; of equally frequent pairs the one
/// whose units have the smaller ids, as in the `tokenizers` library.
public struct BytePairTrainer {
  /// What was learned.
  public struct Vocabulary: Sendable, Equatable {
    /// The units' bytes; a unit's place is its id.
    ///
    /// The 256 bytes come first, in the order of the characters that
    /// stand for them.
    public var units: [[UInt8]]
    /// The ids of the pairs that were merged, in order; the first merge made the unit 256.
    public var merges: [(left: Int, right: Int)]

    /// Whether two vocabularies are the same.
    public static func == (left: Vocabulary, right: Vocabulary) -> Bool {
      left.units == right.units && left.merges.elementsEqual(right.merges, by: ==)
    }
  }

  private struct Pair: Hashable {
    let left: Int32
    let right: Int32
  }

  private struct Candidate {
    let pair: Pair
    var count: Int

    /// Whether this one is merged before another.
    func precedes(_ other: Candidate) -> Bool {
      if count != other.count { return count > other.count }
      return (pair.left, pair.right) < (other.pair.left, other.pair.right)
    }
  }

  private let preTokenizer: PreTokenizer
  private var counts: [[UInt8]: Int] = [:]

  /// Makes a trainer.
  ///
  /// - Parameter preTokenizer: the `pre_tokenizer` of a `tokenizer.json`; merges don't cross the pieces that it makes.
  /// - Throws: `TokenizerError` for a pre-tokenizer that isn't known.
  public init(preTokenizer: JSON) throws(TokenizerError) {
    self.preTokenizer = try PreTokenizer(TokenizerPart(preTokenizer, place: "pre_tokenizer"))
  }

  /// Counts the pieces of a text.
  public mutating func add(_ text: String) {
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty else { return }
    var aligned = AlignedText(original: bytes)
    for piece in preTokenizer.apply(to: &aligned, [0..<bytes.count]) {
      counts[Array(aligned.bytes[piece]), default: 0] += 1
    }
  }

  /// Merges until there are so many units, or until no pair occurs `minimumFrequency` times.
  public func train(units wanted: Int, minimumFrequency: Int = 1) -> Vocabulary {
    // Bytes in the order of their characters' code points, which is how the library numbers them.
    let order = (0..<256).sorted { ByteAlphabet.scalars[$0] < ByteAlphabet.scalars[$1] }
    var id = [Int32](repeating: 0, count: 256)
    for (place, byte) in order.enumerated() { id[byte] = Int32(place) }
    var vocabulary = Vocabulary(units: order.map { [UInt8($0)] }, merges: [])
    // Sorted, so that nothing depends on the order of a dictionary.
    let pieces = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var words = pieces.map { $0.key.map { id[Int($0)] } }
    let frequencies = pieces.map(\.value)
    var pairCounts: [Pair: Int] = [:]
    var places: [Pair: Set<Int>] = [:]
    for (word, units) in words.enumerated() {
      for place in units.indices.dropLast() {
        let pair = Pair(left: units[place], right: units[place + 1])
        pairCounts[pair, default: 0] += frequencies[word]
        places[pair, default: []].insert(word)
      }
    }
    var queue = Heap(pairCounts.map { Candidate(pair: $0.key, count: $0.value) }) {
      $0.precedes($1)
    }
    while vocabulary.units.count < wanted, var top = queue.pop() {
      // Counts in the queue may be older than what merges have left.
      let current = pairCounts[top.pair] ?? 0
      if current != top.count {
        top.count = current
        if current > 0 { queue.push(top) }
        continue
      }
      guard top.count >= max(1, minimumFrequency) else { break }
      let new = Int32(vocabulary.units.count)
      let (left, right) = (Int(top.pair.left), Int(top.pair.right))
      vocabulary.merges.append((left, right))
      vocabulary.units.append(vocabulary.units[left] + vocabulary.units[right])
      var grown: Set<Pair> = []
      for word in (places.removeValue(forKey: top.pair) ?? []).sorted() {
        let changes = Self.merge(top.pair, into: new, &words[word])
        for (pair, change) in changes {
          pairCounts[pair, default: 0] += change * frequencies[word]
          guard change > 0 else { continue }
          places[pair, default: []].insert(word)
          grown.insert(pair)
        }
      }
      pairCounts[top.pair] = nil
      for pair in grown {
        if let count = pairCounts[pair], count > 0 {
          queue.push(Candidate(pair: pair, count: count))
        }
      }
    }
    return vocabulary
  }

  /// Replaces a pair in a word; gives how often each pair of neighbours came and went.
  private static func merge(
    _ pair: Pair, into new: Int32, _ word: inout [Int32]
  ) -> [(Pair, Int)] {
    var changes: [(Pair, Int)] = []
    var place = 0
    while place + 1 < word.count {
      guard word[place] == pair.left, word[place + 1] == pair.right else {
        place += 1
        continue
      }
      if place > 0 {
        changes.append((Pair(left: word[place - 1], right: pair.left), -1))
        changes.append((Pair(left: word[place - 1], right: new), 1))
      }
      if place + 2 < word.count {
        changes.append((Pair(left: pair.right, right: word[place + 2]), -1))
        changes.append((Pair(left: new, right: word[place + 2]), 1))
      }
      word[place] = new
      word.remove(at: place + 1)
      place += 1
    }
    return changes
  }
}

/// A binary heap.
private struct Heap<Element> {
  private var elements: [Element]
  private let precedes: (Element, Element) -> Bool

  init(_ elements: [Element], precedes: @escaping (Element, Element) -> Bool) {
    self.elements = elements
    self.precedes = precedes
    for place in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(place) }
  }

  mutating func push(_ element: Element) {
    elements.append(element)
    var place = elements.count - 1
    while place > 0, precedes(elements[place], elements[(place - 1) / 2]) {
      elements.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> Element? {
    guard let first = elements.first, let last = elements.popLast() else { return nil }
    guard !elements.isEmpty else { return first }
    elements[0] = last
    sink(0)
    return first
  }

  private mutating func sink(_ start: Int) {
    var place = start
    while true {
      var best = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < elements.count && precedes(elements[child], elements[best]) {
        best = child
      }
      if best == place { return }
      elements.swapAt(best, place)
      place = best
    }
  }
}
