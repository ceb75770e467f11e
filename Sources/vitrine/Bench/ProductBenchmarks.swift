import Tensors

/// Products of activations with a layer's weight, in every precision.
enum ProductBenchmarks {
  private static let columns = 5_504
  private static let depth = 2_048

  static func measure(_ options: BenchOptions) throws -> [Measurement] {
    var measurements: [Measurement] = []
    for type in [ElementType.float32, .bfloat16] {
      let weight = numbers([columns, depth], period: 1_009).converted(to: type)
      for rows in [32, 128, 512] {
        let x = numbers([rows, depth], period: 997)
        let gradient = numbers([rows, columns], period: 991)
        let operations = 2 * Double(rows * columns * depth)
        for precision in type == .bfloat16 ? [.float32, .bfloat16] : [ProductPrecision.float32] {
          let isRounded = precision == .bfloat16
          measurements.append(
            try .time(
              "product", "\(rows) × \(depth) × \(columns), \(type.name) in \(precision.rawValue)",
              amount: operations, limit: isRounded ? .bfloat16Dot : .multiplyAdd, options
            ) { _ = try linear(x, weight: weight, precision: precision) })
          measurements.append(
            try .time(
              "derivative",
              "\(rows) × \(columns) × \(depth), \(type.name) in \(precision.rawValue)",
              amount: operations, limit: isRounded ? .bfloat16Dot : .multiplyAdd, options
            ) { _ = try linearInputGradient(gradient, weight: weight, precision: precision) })
        }
      }
    }
    measurements += try singleRows(options)
    return measurements
  }

  /// One row with a weight that no cache holds.
  private static func singleRows(_ options: BenchOptions) throws -> [Measurement] {
    let outs = 1 << 15
    let x = numbers([1, depth], period: 997)
    return try [ElementType.float32, .bfloat16, .float16].map { type in
      let weight = numbers([outs, depth], period: 1_009).converted(to: type)
      return try .time(
        "product", "1 × \(depth) × \(outs), \(type.name)", amount: Double(weight.byteCount),
        limit: .memory, options
      ) { _ = try linear(x, weight: weight) }
    }
  }

  /// Small numbers of both signs that repeat after a while.
  private static func numbers(_ shape: [Int], period: Int) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(
      shape: shape, (0..<count).map { Float($0 % period - period / 2) / Float(period) })
  }
}
