import Tensors

/// The texts of a training, in the order that a seed decides.
public struct TrainingCorpus: Sendable {
  /// The texts, those longer than a model's context in pieces.
  public let documents: [TrainingDocument]

  /// Cuts documents into pieces of at most `contextLength` tokens; those of fewer than two tokens are left out.
  public init(_ documents: [TrainingDocument], contextLength: Int) {
    self.documents = documents.flatMap { $0.pieces(length: max(1, contextLength)) }
  }

  /// How many tokens all documents have.
  public var tokenCount: Int { documents.reduce(0) { $0 + $1.ids.count } }

  /// A number that tells corpora apart (Fowler, Noll and Vo's hash, FNV-1a, of lengths, tokens and targets).
  var fingerprint: UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ value: UInt32) { hash = (hash ^ UInt64(value)) &* 0x100_0000_01B3 }
    for document in documents {
      add(UInt32(truncatingIfNeeded: document.ids.count))
      for id in document.ids { add(UInt32(bitPattern: id)) }
      for isTarget in document.isTarget ?? [] { add(isTarget ? 1 : 0) }
    }
    return hash
  }
}

/// The place in the order of a corpus: each epoch has all documents once, in an order of its own.
struct DataOrder: Equatable {
  let seed: UInt64
  let count: Int
  private(set) var epoch: Int
  private(set) var position: Int
  private var permutation: [Int]

  init(seed: UInt64, count: Int, epoch: Int = 0, position: Int = 0) {
    self.seed = seed
    self.count = count
    self.epoch = epoch
    self.position = position
    permutation = Self.permutation(seed, count, epoch)
  }

  private static func permutation(_ seed: UInt64, _ count: Int, _ epoch: Int) -> [Int] {
    var generator = SeededGenerator(seed: seed &+ UInt64(epoch) &* 0xD1B5_4A32_D192_ED03)
    return Array(0..<count).shuffled(using: &generator)
  }

  /// The next document.
  var next: Int { permutation[position] }

  /// Goes on by one document.
  mutating func advance() {
    position += 1
    guard position == count else { return }
    epoch += 1
    position = 0
    permutation = Self.permutation(seed, count, epoch)
  }

  /// The next batch: as many documents as make at most `tokens` tokens, at least one.
  mutating func nextBatch(of corpus: TrainingCorpus, tokens: Int) -> TrainingBatch {
    var chosen: [TrainingDocument] = []
    var sum = 0
    repeat {
      let document = corpus.documents[next]
      sum += document.ids.count - 1
      if sum > tokens, !chosen.isEmpty { break }
      chosen.append(document)
      advance()
    } while sum < tokens
    return TrainingBatch(chosen)
  }
}
