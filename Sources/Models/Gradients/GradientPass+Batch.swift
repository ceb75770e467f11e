import Tensors

extension GradientPass {
  /// From what enters the first of the layers to the scalar of each of several texts and back; calls `body` with the
  /// gradient with respect to each layer's input.
  mutating func follow(
    _ input: Tensor, targets: [GradientTarget], parts: [Range<Int>],
    _ body: (Int, Tensor) throws -> Void
  ) throws -> (values: [Double], gradient: Tensor) {
    let (values, slope) = try end(try forward(input), targets: targets, parts: parts)
    return (values, try back([slope]) { layer, _, gradient in try body(layer, gradient) }[0])
  }

  /// The scalars of several texts, whose rows are the given parts, and their gradients with respect to what leaves
  /// the last layer.
  func end(
    _ hidden: Tensor, targets: [GradientTarget], parts: [Range<Int>]
  ) throws -> (values: [Double], gradient: Tensor) {
    let finish = try network.recordFinish(hidden, constants: constants, cancellation: cancellation)
    var values = [Double](repeating: 0, count: targets.count)
    var slopes = Tensor(zeros: finish.output.shape)
    // Texts that need the same tokens' scores share one product with the head.
    var groups: [(ids: [Int]?, texts: [(part: Range<Int>, text: Int, target: LogitTarget)])] = []
    for (text, target) in targets.enumerated() {
      switch target {
      case .hiddenStates(let function):
        let rows = finish.output.rows(parts[text])
        let (value, gradient) = try function(rows)
        guard gradient.shape == rows.shape else {
          throw ModelError.wrongInputShape(found: gradient.shape, expected: rows.shape)
        }
        values[text] = value
        try slopes.replaceRows(
          startingAt: parts[text].lowerBound, with: gradient.converted(to: .float32))
      case .logits(let target):
        let ids = target.neededIDs
        if let index = groups.firstIndex(where: { $0.ids == ids }) {
          groups[index].texts.append((parts[text], text, target))
        } else {
          groups.append((ids, [(parts[text], text, target)]))
        }
      }
    }
    for (ids, texts) in groups {
      let rows = texts.flatMap { Array($0.part) }
      let scores = try network.recordLogits(
        finish.output.gatheringRows(rows), of: ids, constants: constants,
        cancellation: cancellation)
      var start = 0
      let gradients = texts.map { entry -> Tensor in
        let (value, gradient) = entry.target.evaluate(
          scores.output.rows(start..<start + entry.part.count))
        start += entry.part.count
        values[entry.text] = value
        return gradient
      }
      slopes.addWeightedRows(
        rows.map(Int32.init),
        try scores.pullback(try Tensor.concatenated(gradients, axis: 0), cancellation),
        factors: [Float](repeating: 1, count: rows.count))
    }
    return (values, try finish.pullback(slopes, cancellation))
  }
}
