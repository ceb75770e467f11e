import Glibc
import Tensors

/// Eigenvalues and eigenvectors of a real symmetric matrix.
///
/// Householder's reduction to tridiagonal form, then QL iterations with implicit shifts (Golub and Van Loan, Matrix
/// Computations, 4th edition, sections 8.3.1 and 8.3.3), in double precision.
struct SymmetricEigen {
  /// The largest eigenvalues, descending.
  let values: [Double]
  /// Their unit eigenvectors.
  let vectors: [[Double]]

  /// Decomposes a matrix of `size` × `size` numbers, row after row, and keeps the `count` largest.
  init(
    _ matrix: [Double], size: Int, keeping count: Int, cancellation: Cancellation? = nil
  ) throws(Cancelled) {
    var reduction = Tridiagonal(matrix, size: size)
    try reduction.reduce(cancellation)
    let rotated = try Self.iterate(
      diagonal: reduction.diagonal, beside: reduction.beside, cancellation)
    let order = rotated.values.indices.sorted {
      (-rotated.values[$0], $0) < (-rotated.values[$1], $1)
    }
    let kept = order.prefix(count)
    values = kept.map { rotated.values[$0] }
    vectors = kept.map { reduction.original(Array(rotated.rows[$0])) }
  }

  /// QL iterations; `rows` are eigenvectors of the tridiagonal matrix.
  private static func iterate(
    diagonal: [Double], beside: [Double], _ cancellation: Cancellation?
  ) throws(Cancelled) -> (values: [Double], rows: [[Double]]) {
    let size = diagonal.count
    var d = diagonal
    var e = beside + [0]
    var rows = (0..<size).map { index in
      var row = [Double](repeating: 0, count: size)
      row[index] = 1
      return row
    }
    for low in 0..<size {
      try cancellation?.check()
      // Sixty steps are twice what any finite matrix needs; a hostile one ends here with what there is.
      for _ in 0..<60 {
        var high = low
        while high < size - 1,
          abs(e[high]) > Double.ulpOfOne / 2 * (abs(d[high]) + abs(d[high + 1]))
        {
          high += 1
        }
        if high == low { break }
        let shift = (d[low + 1] - d[low]) / (2 * e[low])
        let length = hypot(shift, 1)
        var g = d[high] - d[low] + e[low] / (shift + (shift < 0 ? -length : length))
        var (sine, cosine, moved) = (1.0, 1.0, 0.0)
        var index = high - 1
        var split = false
        while index >= low {
          let f = sine * e[index]
          let b = cosine * e[index]
          let radius = hypot(f, g)
          e[index + 1] = radius
          if radius == 0 {
            d[index + 1] -= moved
            e[high] = 0
            split = true
            break
          }
          sine = f / radius
          cosine = g / radius
          g = d[index + 1] - moved
          let r = (d[index] - g) * sine + 2 * cosine * b
          moved = sine * r
          d[index + 1] = g + moved
          g = cosine * r - b
          rotate(&rows, index, cosine, sine)
          index -= 1
        }
        if split { continue }
        d[low] -= moved
        e[low] = g
        e[high] = 0
      }
    }
    return (d, rows)
  }

  /// Turns two neighbouring rows within their plane.
  private static func rotate(
    _ rows: inout [[Double]], _ index: Int, _ cosine: Double, _ sine: Double
  ) {
    var first: [Double] = []
    var second: [Double] = []
    swap(&first, &rows[index])
    swap(&second, &rows[index + 1])
    for column in first.indices {
      let (x, y) = (first[column], second[column])
      second[column] = sine * x + cosine * y
      first[column] = cosine * x - sine * y
    }
    swap(&first, &rows[index])
    swap(&second, &rows[index + 1])
  }
}

/// A symmetric matrix on its way to tridiagonal form, with the reflections that lead there.
private struct Tridiagonal {
  private var rows: [[Double]]
  private var reflections: [[Double]] = []
  private(set) var diagonal: [Double] = []
  private(set) var beside: [Double] = []

  init(_ matrix: [Double], size: Int) {
    rows = (0..<size).map { Array(matrix[($0 * size)..<(($0 + 1) * size)]) }
  }

  mutating func reduce(_ cancellation: Cancellation?) throws(Cancelled) {
    while let first = rows.first {
      try cancellation?.check()
      diagonal.append(first[0])
      let column = Array(first.dropFirst())
      if column.isEmpty { break }
      let length = column.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let target = column[0] > 0 ? -length : length
      beside.append(target)
      var mirror = column
      mirror[0] -= target
      let norm = mirror.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // A column that is zero already needs no mirror.
      mirror = norm > 0 ? mirror.map { $0 / norm } : mirror.map { _ in 0 }
      reflections.append(mirror)
      let rest = rows.dropFirst().map { Array($0.dropFirst()) }
      rows = Self.reflected(rest, mirror)
    }
  }

  /// H A H for the reflection H = I − 2 v vᵀ.
  private static func reflected(_ rows: [[Double]], _ v: [Double]) -> [[Double]] {
    var w = rows.map { row in 2 * dot(row, v) }
    let along = dot(v, w)
    for index in w.indices { w[index] -= along * v[index] }
    return rows.indices.map { index in
      var row = rows[index]
      let (a, b) = (v[index], w[index])
      for column in row.indices { row[column] -= a * w[column] + b * v[column] }
      return row
    }
  }

  /// An eigenvector of the tridiagonal matrix as one of the original.
  func original(_ vector: [Double]) -> [Double] {
    var result = vector
    for (step, mirror) in reflections.enumerated().reversed() {
      let start = step + 1
      var along = 0.0
      for index in mirror.indices { along += mirror[index] * result[start + index] }
      for index in mirror.indices { result[start + index] -= 2 * along * mirror[index] }
    }
    return result
  }
}

/// The sum of products of two lists of one length.
func dot(_ a: [Double], _ b: [Double]) -> Double { DoubleVectors().dot(a, b, count: a.count) }
