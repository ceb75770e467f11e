import Glibc
import Tensors

/// Makes one key of every few tokens: a mean of what each gives, in shares that each element of the key has for itself.
///
/// Where blocks overlap, every token gives two contents: one for its own block and one for the next, which is thus made of
/// twice as many tokens. A block stands at the position of its first own token. DeepSeek-AI 2026, “DeepSeek-V4”,
/// section 2.3.
struct KeyCompressor: Sendable {
  let rate: Int
  let dimension: Int
  let overlaps: Bool
  /// Before which element of a key positions turn nothing.
  private let offset: Int
  private let content: Linear
  private let gate: Linear
  /// What is added to the gates by the place in a block, `[rate, dimension]`, twice as wide where blocks overlap.
  private let places: [Float]
  private let norm: RMSNorm

  /// Reads `name.wkv`, `name.wgate`, `name.ape` and `name.norm`.
  init(
    _ name: String, width: Int, dimension: Int, positionDimension: Int, rate: Int, overlaps: Bool,
    normEpsilon: Double, part: ModelPart, layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    self.rate = rate
    self.dimension = dimension
    self.overlaps = overlaps
    offset = dimension - positionDimension
    let wide = overlaps ? 2 * dimension : dimension
    content = try Linear(
      name + ".wkv", from: width, to: wide, hasBias: false, part: part, layer: layer,
      weights: &weights)
    gate = try Linear(
      name + ".wgate", from: width, to: wide, hasBias: false, part: part, layer: layer,
      weights: &weights)
    places = try weights.read(name + ".ape", [rate, wide], part: part, layer: layer).floats
    norm = try RMSNorm(
      name + ".norm", width: dimension, epsilon: normEpsilon, layer: layer, weights: &weights)
  }

  /// What normed rows `[rows, width]` give, and how much of it counts.
  func prepare(_ normed: Tensor, _ cancellation: Cancellation?) throws -> [Tensor] {
    [try content(normed, cancellation), try gate(normed, cancellation)]
  }

  /// The keys of whole blocks, `[blocks, dimension]`, turned by their positions.
  ///
  /// - Parameters:
  ///   - contents: what the tokens give, from the first of a block on.
  ///   - gates: how much of it counts.
  ///   - continues: whether the first rows are those of the block before `first`.
  ///   - first: the number of the first block.
  ///   - constants: hold the turns of the positions.
  ///   - cancellation: checked now and then.
  func blocks(
    contents: Tensor, gates: Tensor, continues: Bool, first: Int, constants: RunConstants,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    let count = contents.shape[0] / rate - (continues ? 1 : 0)
    guard count > 0 else { return Tensor(zeros: [0, dimension]) }
    let (contents, gates) = (contents.floats, gates.floats)
    let wide = overlaps ? 2 * dimension : dimension
    let own = wide - dimension
    let skipped = continues ? rate : 0
    var result = [Float](repeating: 0, count: count * dimension)
    var shares = [Float](repeating: 0, count: 2 * rate)
    for block in 0..<count {
      if block % 256 == 0 { try cancellation?.check() }
      let start = skipped + block * rate
      // The rows that give to the block, and in which column their contents for it begin.
      let earlier = overlaps && start > 0 ? rate : 0
      for element in 0..<dimension {
        var largest = -Float.infinity
        for slot in 0..<earlier + rate {
          let column = (slot < earlier ? 0 : own) + element
          let place = (slot < earlier ? slot : slot - earlier) * wide + column
          let score = gates[(start - earlier + slot) * wide + column] + places[place]
          shares[slot] = score
          largest = max(largest, score)
        }
        var (sum, total) = (0.0, 0.0)
        for slot in 0..<earlier + rate {
          let column = (slot < earlier ? 0 : own) + element
          let share = Double(expf(shares[slot] - largest))
          total += share
          sum += share * Double(contents[(start - earlier + slot) * wide + column])
        }
        result[block * dimension + element] = Float(sum / total)
      }
    }
    var keys = norm(Tensor(shape: [count, dimension], result))
    if let table = constants.rotary {
      keys.turn(
        heads: 1, table: table, style: .interleaved,
        positions: (first..<first + count).map { Int32($0 * rate) }, offset: offset)
    }
    return keys
  }
}

/// What a compressor keeps of the tokens that were read: the blocks, and the tokens that no block is made of yet.
struct CompressedRows: Sendable {
  private var blocks: RowBuffer?
  /// The rows since the last whole block and, where blocks overlap, those of that block.
  private var pending: (contents: Tensor, gates: Tensor)?
  private var count = 0

  /// Reads the rows of more tokens; gives the keys of all whole blocks so far.
  mutating func read(
    _ contents: Tensor, _ gates: Tensor, by compressor: KeyCompressor, constants: RunConstants,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    var all = (contents: contents, gates: gates)
    if let pending {
      all.contents = try Tensor.concatenated([pending.contents, contents], axis: 0)
      all.gates = try Tensor.concatenated([pending.gates, gates], axis: 0)
    }
    let continues = compressor.overlaps && count > 0
    let added = try compressor.blocks(
      contents: all.contents, gates: all.gates, continues: continues, first: count,
      constants: constants, cancellation)
    count += added.shape[0]
    let whole = ((continues ? 1 : 0) + added.shape[0]) * compressor.rate
    let kept = whole - (compressor.overlaps && count > 0 ? compressor.rate : 0)
    let rest = kept..<all.contents.shape[0]
    pending = rest.isEmpty ? nil : (all.contents.rows(rest), all.gates.rows(rest))
    var buffer = blocks ?? RowBuffer(width: compressor.dimension, capacity: added.shape[0])
    blocks = nil
    if added.shape[0] > 0 { buffer.append(added) }
    blocks = buffer
    return buffer.rows
  }
}
