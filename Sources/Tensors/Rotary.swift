import CKernels
import Glibc

/// Which elements of a head a rotary embedding turns together.
public enum RotaryStyle: Sendable {
  /// Pairs (i, i + d/2), as Llama and Qwen checkpoints expect.
  case halfRotate
  /// Pairs (2i, 2i + 1), as the latent attention of DeepSeek-V2 and V3 expects.
  case interleaved
}

/// The cosines and sines of rotary position embeddings (Su and others 2021) for positions from 0.
///
/// Cosines and sines are computed in double precision and rounded once, with the attention factor.
public struct RotaryTable: Sendable {
  /// The number of positions.
  public let positions: Int
  /// The number of rotated elements of a head, twice the number of frequencies.
  public let headDimension: Int
  /// The inverse frequencies.
  public let inverseFrequencies: [Float]
  /// The factor of both tables (YaRN's; 1 otherwise).
  public let attentionFactor: Float
  /// Whether angles are rounded to single precision.
  public let singlePrecisionAngles: Bool
  /// Cosines and sines, each `[positions, headDimension / 2]`.
  let cosines: Tensor
  let sines: Tensor

  /// The table for the given inverse frequencies.
  ///
  /// The angle, position · inverse frequency, is rounded to single precision as in the implementations that
  /// the checkpoints were trained with (at position 4,096 that moves it by up to 1e-4), or kept in double
  /// precision where `singlePrecisionAngles` is false.
  public init(
    positions: Int, inverseFrequencies: [Float], attentionFactor: Float = 1,
    singlePrecisionAngles: Bool = true
  ) {
    let half = inverseFrequencies.count
    var cosines: [Float] = []
    var sines: [Float] = []
    cosines.reserveCapacity(positions * half)
    sines.reserveCapacity(positions * half)
    for position in 0..<positions {
      for frequency in inverseFrequencies {
        let angle =
          singlePrecisionAngles
          ? Double(Float(position) * frequency) : Double(position) * Double(frequency)
        cosines.append(Float(cos(angle) * Double(attentionFactor)))
        sines.append(Float(sin(angle) * Double(attentionFactor)))
      }
    }
    self.positions = positions
    headDimension = 2 * half
    self.inverseFrequencies = inverseFrequencies
    self.attentionFactor = attentionFactor
    self.singlePrecisionAngles = singlePrecisionAngles
    self.cosines = Tensor(shape: [positions, half], cosines)
    self.sines = Tensor(shape: [positions, half], sines)
  }

  /// The table for `theta^(-2i/d)`, the original frequencies.
  public init(positions: Int, headDimension: Int, theta: Double, attentionFactor: Float = 1) {
    self.init(
      positions: positions,
      inverseFrequencies: Self.inverseFrequencies(headDimension: headDimension, theta: theta),
      attentionFactor: attentionFactor)
  }

  /// `theta^(-2i/d)` for i from 0 to d/2.
  public static func inverseFrequencies(headDimension: Int, theta: Double) -> [Float] {
    (0..<headDimension / 2).map { Float(pow(theta, -2 * Double($0) / Double(headDimension))) }
  }

  /// The same table for at least `count` positions: itself, or a longer one.
  public func extended(to count: Int) -> RotaryTable {
    if count <= positions { return self }
    return RotaryTable(
      positions: max(count, positions * 2), inverseFrequencies: inverseFrequencies,
      attentionFactor: attentionFactor, singlePrecisionAngles: singlePrecisionAngles)
  }
}

/// Turns each head of `x` by the angle of its token's position: `[tokens, heads · dimension]` to the same shape.
///
/// The first token has position `firstPosition`. Within a head the elements from `offset` on are turned, as many
/// as the table has; the others stay. `inverse` turns back, which is the derivative's direction. Precondition:
/// the table has the positions, and heads are long enough.
public func applyRotary(
  _ x: Tensor, heads: Int, table: RotaryTable, style: RotaryStyle, firstPosition: Int = 0,
  offset: Int = 0, inverse: Bool = false
) -> Tensor {
  precondition(heads > 0 && x.rank == 2 && x.shape[1] % heads == 0, "\(heads) heads of \(x.shape)")
  let dimension = x.shape[1] / heads
  let half = table.headDimension / 2
  precondition(
    offset >= 0 && offset + 2 * half <= dimension, "rotary of \(2 * half) in \(dimension)")
  precondition(
    firstPosition >= 0 && firstPosition + x.shape[0] <= table.positions,
    "positions to \(firstPosition + x.shape[0]) of a table of \(table.positions)")
  var result = x.widened()
  let kernels = Compute.kernels
  let (tokens, width) = (x.shape[0], x.shape[1])
  var sines = table.sines
  if inverse { sines.scale(by: -1) }
  withExtendedLifetime((table.cosines, sines)) {
    let cosineRows = unsafe table.cosines.floatPointer + firstPosition * half
    let sineRows = unsafe sines.floatPointer + firstPosition * half
    unsafe result.withMutableFloats { target in
      Compute.pool.divide(count: tokens, grain: max(1, (16 << 10) / max(1, width))) { range in
        for token in range {
          for head in 0..<heads {
            let start = unsafe target + token * width + head * dimension + offset
            let cosines = unsafe cosineRows + token * half
            let sines = unsafe sineRows + token * half
            switch style {
            case .halfRotate:
              unsafe kernels.table.pointee.rotate_halves(start, cosines, sines, Int64(half))
            case .interleaved:
              unsafe kernels.table.pointee.rotate_pairs(start, cosines, sines, Int64(half))
            }
          }
        }
      }
    }
  }
  return result
}
