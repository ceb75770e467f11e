import Glibc

// The way back by DeepLIFT's rescale rule (Shrikumar, Greenside and Kundaje 2017, arXiv:1704.02685). Rows come in pairs: the first
// half of every tensor's rows is of an input, and the second, in the same order, of what it is compared with. What
// goes back are multipliers: the change of a result is the sum of the changes of what it was made of, each times its
// multiplier. They stand in the first half; the second half of a result is 0.

/// The result of `body` for the numbers of each row of the input, of its counterpart, and of their multipliers.
private func mapPairs(
  _ x: Tensor, _ multipliers: Tensor, _ body: ([Double], [Double], [Double]) -> [Double]
) -> Tensor {
  precondition(
    x.shape == multipliers.shape && x.rowCount.isMultiple(of: 2), "pairs of rows and multipliers")
  let (x, multipliers) = (x.widened(), multipliers.widened())
  let result = Tensor(zeros: x.shape)
  let (width, pairs) = (x.rowLength, x.rowCount / 2)
  guard x.count > 0 else { return result }
  withExtendedLifetime((x, multipliers, result)) {
    let (input, slope) = unsafe (x.floatPointer, multipliers.floatPointer)
    let output = unsafe result.mutableFloatPointer
    func numbers(_ start: UnsafePointer<Float>, _ row: Int) -> [Double] {
      (0..<width).map { unsafe Double(start[row * width + $0]) }
    }
    Compute.pool.divide(count: pairs, grain: max(1, 4_096 / max(1, width))) { range in
      for row in range {
        let line = unsafe body(
          numbers(input, row), numbers(input, pairs + row), numbers(slope, row))
        for column in 0..<width { unsafe output[row * width + column] = Float(line[column]) }
      }
    }
  }
  return result
}

/// The change of f from b to x over the change of its argument; the slope between them where both are nearly equal.
private func secant(_ x: Double, _ b: Double, _ f: (Double) -> Double) -> Double {
  let change = x - b
  // The digits that a difference of nearly equal numbers loses are those that a wider difference has.
  guard abs(change) < 1e-5 else { return (f(x) - f(b)) / change }
  let (middle, step) = ((x + b) / 2, 1e-5)
  return (f(middle + step) - f(middle - step)) / (2 * step)
}

/// Back through an activation f of every element: the multiplier times f's change over the element's.
///
/// Precondition: two tensors of one shape, with an even number of rows.
public func activationRescale(
  _ multipliers: Tensor, input x: Tensor, _ function: (Double) -> Double
) -> Tensor {
  mapPairs(x, multipliers) { input, base, slope in
    input.indices.map { slope[$0] * secant(input[$0], base[$0], function) }
  }
}

/// Back through `silu(gate) · up`, each factor with the mean of the other's two values.
///
/// Precondition: three tensors of one shape, with an even number of rows.
public func gatedRescale(
  _ multipliers: Tensor, gate: Tensor, up: Tensor
) -> (gate: Tensor, up: Tensor) {
  func silu(_ x: Double) -> Double { x / (1 + Glibc.exp(-x)) }
  let opened = activationRescale(multiply(multipliers, pairMeans(up)), input: gate, silu)
  return (opened, multiply(multipliers, pairMeans(Tensors.silu(gate))))
}

/// The mean of both rows of each pair, at both.
public func pairMeans(_ x: Tensor) -> Tensor {
  let half = x.rowCount / 2
  var mean = x.rows(0..<half).widened()
  mean.add(x.rows(half..<x.rowCount))
  mean.scale(by: 0.5)
  var result = Tensor(zeros: x.shape)
  result.addWeightedRows(
    (0..<half).map(Int32.init), mean, factors: [Float](repeating: 1, count: half))
  return result
}

/// Back through `rmsNorm`, as what a square, a mean, a root and a product are.
///
/// With q the mean square and s = 1 / √(q + ε), an element's multiplier is w g s̄ + (x + b) / width · Δs / Δq · Σ w g x̄, bars
/// being means of both values. Precondition: the shapes fit.
public func rmsNormRescale(
  _ multipliers: Tensor, input x: Tensor, weight: Tensor?, epsilon: Float
) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weights = weight?.floats
  return mapPairs(x, multipliers) { input, base, slope in
    scaleRescale(input, base, weighted(slope, weights), epsilon: Double(epsilon))
  }
}

/// Back through `layerNorm`: as `rmsNormRescale` of what is left without the mean, which is linear.
///
/// Precondition: the shapes fit.
public func layerNormRescale(
  _ multipliers: Tensor, input x: Tensor, weight: Tensor?, epsilon: Float
) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weights = weight?.floats
  func centred(_ row: [Double]) -> [Double] {
    let mean = row.reduce(0, +) / Double(row.count)
    return row.map { $0 - mean }
  }
  return mapPairs(x, multipliers) { input, base, slope in
    centred(
      scaleRescale(
        centred(input), centred(base), weighted(slope, weights), epsilon: Double(epsilon)))
  }
}

private func weighted(_ slope: [Double], _ weights: [Float]?) -> [Double] {
  guard let weights else { return slope }
  return zip(slope, weights).map { $0 * Double($1) }
}

/// Back through x / √(mean x² + ε), for one pair of rows.
private func scaleRescale(
  _ x: [Double], _ b: [Double], _ g: [Double], epsilon: Double
) -> [Double] {
  let count = Double(x.count)
  let root = (x.reduce(0) { $0 + $1 * $1 } / count + epsilon).squareRoot()
  let baseRoot = (b.reduce(0) { $0 + $1 * $1 } / count + epsilon).squareRoot()
  let along = x.indices.reduce(0) { $0 + g[$1] * (x[$1] + b[$1]) / 2 }
  // Δ(1 / r) / Δ(r²) = −1 / (r r′ (r + r′)), also where both are equal.
  let factor = -along / (root * baseRoot * (root + baseRoot)) / count
  let scale = (1 / root + 1 / baseRoot) / 2
  return x.indices.map { g[$0] * scale + (x[$0] + b[$0]) * factor }
}
