import Glibc

/// `e` to the power of `x`.
func exponential(_ x: Double) -> Double { exp(x) }

/// The logarithm of the sum of exponentials, in double precision and without overflow.
func logSumExp(_ values: [Float]) -> Double {
  let largest = Double(values.max() ?? 0)
  return largest + log(values.reduce(0) { $0 + exp(Double($1) - largest) })
}

/// The entropy of a distribution in bits; a share of 0 adds nothing.
func entropy(_ shares: some Sequence<Float>) -> Double {
  shares.reduce(0) { $1 > 0 ? $0 - Double($1) * log2(Double($1)) : $0 }
}
