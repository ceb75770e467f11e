import Tensors

/// One way through the layers and back.
struct GradientPass {
  let network: any DifferentiableArchitecture
  let constants: RunConstants
  /// The layer that the way begins with.
  let first: Int
  /// How many tokens go through it.
  let tokens: Int
  /// The positions that are followed through the last layer.
  let rows: Range<Int>
  let recordingLimit: Int
  let progress: ((RunProgress) -> Void)?
  let cancellation: Cancellation?
  private var layers: [Recording] = []

  /// A layer as it is kept: with its way back, or with what it is computed again from.
  private enum Recording {
    case kept(RecordedStep)
    case input(Tensor)
  }

  /// Prepares a way.
  ///
  /// - Parameters:
  ///   - network: the architecture.
  ///   - constants: what its layers share.
  ///   - first: the layer that it begins with.
  ///   - tokens: how many tokens go through it.
  ///   - rows: the positions that are followed through the last layer.
  ///   - recordingLimit: how many bytes of recorded layers are kept.
  ///   - progress: called after each layer, forward and back.
  ///   - cancellation: checked before each layer.
  init(
    network: any DifferentiableArchitecture, constants: RunConstants, first: Int, tokens: Int,
    rows: Range<Int>, recordingLimit: Int, progress: ((RunProgress) -> Void)?,
    cancellation: Cancellation?
  ) {
    self.network = network
    self.constants = constants
    self.first = first
    self.tokens = tokens
    self.rows = rows
    self.recordingLimit = recordingLimit
    self.progress = progress
    self.cancellation = cancellation
  }

  /// From what enters the first of the layers to the end, which gives a value and its gradient, and back; calls
  /// `body` with the gradient with respect to each layer's input.
  mutating func follow<Value>(
    _ input: Tensor, _ end: (Tensor) throws -> (value: Value, gradient: Tensor),
    _ body: (Int, Tensor) throws -> Void
  ) throws -> (value: Value, gradient: Tensor) {
    let (value, slope) = try end(try forward(input))
    return (value, try back(slope, body))
  }

  private var count: Int { network.configuration.layers }
  private var stepCount: Int { 2 * (count - first) }

  private func record(_ layer: Int, _ hidden: Tensor) throws -> RecordedStep {
    try cancellation?.check()
    return try network.recordLayer(
      layer, hidden, rows: layer == count - 1 ? rows : 0..<tokens, constants: constants,
      cancellation: cancellation)
  }

  /// Through all layers, `[rows, width]`.
  private mutating func forward(_ input: Tensor) throws -> Tensor {
    var hidden = input
    var room = recordingLimit
    for layer in first..<count {
      let step = try record(layer, hidden)
      if step.byteCount <= room {
        room -= step.byteCount
        layers.append(.kept(step))
      } else {
        layers.append(.input(hidden))
      }
      hidden = step.output
      progress?(RunProgress(completedLayers: layer + 1 - first, layerCount: stepCount))
    }
    return hidden
  }

  /// Through all layers, with no way back: `[rows, width]`.
  func through(_ input: Tensor) throws -> Tensor {
    var hidden = input
    for layer in first..<count { hidden = try record(layer, hidden).output }
    return hidden
  }

  /// The scalars of several texts, whose rows are the given parts, and their gradients with respect to what leaves
  /// the last layer.
  func end(
    _ hidden: Tensor, targets: [GradientTarget], parts: [Range<Int>]
  ) throws -> (value: [Double], gradient: Tensor) {
    let finish = try network.recordFinish(hidden, cancellation: cancellation)
    var values = [Double](repeating: 0, count: targets.count)
    var slopes = Tensor(zeros: finish.output.shape)
    // Texts that need the same tokens' scores share one product with the head.
    var groups: [(ids: [Int]?, texts: [Int])] = []
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
          groups[index].texts.append(text)
        } else {
          groups.append((ids, [text]))
        }
      }
    }
    for (ids, texts) in groups {
      let rows = texts.flatMap { Array(parts[$0]) }
      let scores = try network.recordLogits(
        finish.output.gatheringRows(rows), of: ids, cancellation: cancellation)
      var start = 0
      let gradients = texts.map { text -> Tensor in
        let part = start..<start + parts[text].count
        start = part.upperBound
        guard case .logits(let target) = targets[text] else { preconditionFailure("logits") }
        let (value, gradient) = target.evaluate(scores.output.rows(part))
        values[text] = value
        return gradient
      }
      slopes.addWeightedRows(
        rows.map(Int32.init),
        try scores.pullback(try Tensor.concatenated(gradients, axis: 0), cancellation),
        factors: [Float](repeating: 1, count: rows.count))
    }
    return (values, try finish.pullback(slopes, cancellation))
  }

  /// The scalar, and its gradient with respect to what leaves the last layer.
  func end(_ hidden: Tensor, target: GradientTarget) throws -> (
    value: Double, gradient: Tensor
  ) {
    let finish = try network.recordFinish(hidden, cancellation: cancellation)
    switch target {
    case .hiddenStates(let function):
      let (value, gradient) = try function(finish.output)
      guard gradient.shape == finish.output.shape else {
        throw ModelError.wrongInputShape(found: gradient.shape, expected: finish.output.shape)
      }
      return (value, try finish.pullback(gradient.converted(to: .float32), cancellation))
    case .logits(let target):
      let scores = try network.recordLogits(
        finish.output, of: target.neededIDs, cancellation: cancellation)
      let (value, gradient) = target.evaluate(scores.output)
      return (
        value, try finish.pullback(try scores.pullback(gradient, cancellation), cancellation)
      )
    }
  }

  /// Back through all layers: calls `body` with the gradient with respect to each layer's input.
  private mutating func back(_ slope: Tensor, _ body: (Int, Tensor) throws -> Void) throws -> Tensor
  {
    var gradient = slope
    for layer in (first..<count).reversed() {
      try cancellation?.check()
      let step =
        switch layers.removeLast() {
        case .kept(let step): step
        case .input(let hidden): try record(layer, hidden)
        }
      gradient = try step.pullback(gradient, cancellation)
      try body(layer, gradient)
      progress?(RunProgress(completedLayers: 2 * count - layer - first, layerCount: stepCount))
    }
    return gradient
  }
}
