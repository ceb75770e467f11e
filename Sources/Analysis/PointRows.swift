import Glibc
import Tensors

/// Points as rows in double precision, with their mean taken away.
struct CenteredRows: Sendable {
  let count: Int
  let width: Int
  /// The mean `[width]`.
  let mean: [Double]
  /// `[count, width]`, row after row.
  let values: [Double]
  private let loops = DoubleVectors()

  /// Checks and centres the rows of a tensor `[count, width]`.
  ///
  /// - Throws: `ProjectionError` for another shape and for numbers that aren't finite.
  init(_ points: Tensor) throws(ProjectionError) {
    guard points.rank == 2 else { throw .notRows(points.shape) }
    count = points.shape[0]
    width = points.shape[1]
    let floats = points.floats
    if let place = floats.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(point: place / max(1, width))
    }
    var mean = [Double](repeating: 0, count: width)
    var values = floats.map { Double($0) }
    for row in 0..<count {
      for column in 0..<width { mean[column] += values[row * width + column] }
    }
    for column in 0..<width { mean[column] /= Double(max(1, count)) }
    for row in 0..<count {
      for column in 0..<width { values[row * width + column] -= mean[column] }
    }
    self.mean = mean
    self.values = values
  }

  /// The centred points as single-precision numbers, for products of large matrices.
  var tensor: Tensor { Tensor(shape: [count, width], values.map { Float($0) }) }

  /// The squares of all elements, summed.
  var sumOfSquares: Double { values.reduce(0) { $0 + $1 * $1 } }

  /// The squared Euclidean distance of two rows.
  func squaredDistance(_ first: Int, _ second: Int) -> Double {
    loops.squaredDistance(in: values, from: first * width, to: second * width, count: width)
  }

  /// The squared Euclidean distances of a row to all.
  func squaredDistances(of row: Int) -> [Double] {
    (0..<count).map {
      loops.squaredDistance(in: values, from: row * width, to: $0 * width, count: width)
    }
  }
}
