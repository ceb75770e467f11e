import Tensors

/// One way through the layers and back.
struct GradientPass {
  let network: any DifferentiableArchitecture
  var constants: RunConstants
  /// The layer that the way begins with.
  let first: Int
  /// How many tokens go through it.
  let tokens: Int
  /// The positions that are followed through the last layer.
  let rows: Range<Int>
  let recordingLimit: Int
  let progress: ((RunProgress) -> Void)?
  let cancellation: Cancellation?
  /// Whether what enters each layer is kept for the caller.
  var keepsStreams = false
  /// What entered each layer.
  private(set) var streams: [Int: Tensor] = [:]
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

  /// From what enters the first of the layers to the scalars and back, once for each scalar; calls `body` with the
  /// number of a layer, of a scalar, and the gradient with respect to the layer's input.
  mutating func follow(
    _ input: Tensor, _ targets: [GradientTarget], _ body: (Int, Int, Tensor) throws -> Void
  ) throws -> [(value: Double, gradient: Tensor)] {
    let hidden = try forward(input)
    let ends = try targets.map { try end(hidden, target: $0) }
    return zip(ends, try back(ends.map(\.gradient), body)).map { ($0.value, $1) }
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
  mutating func forward(_ input: Tensor) throws -> Tensor {
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
      if keepsStreams { streams[layer] = hidden }
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

  /// Shows what enters each layer up to `last`; of the number of layers what leaves the last, finished.
  func through(
    _ input: Tensor, until last: Int, _ body: (Int, Tensor) throws -> Void
  ) throws {
    var hidden = input
    for layer in first..<min(last, count) {
      try body(layer, hidden)
      hidden = try record(layer, hidden).output
    }
    let isEnd = last == count
    try body(
      last,
      isEnd
        ? try network.recordFinish(
          hidden, constants: constants, cancellation: cancellation
        ).output : hidden)
  }

  /// The scalar, and its gradient with respect to what leaves the last layer.
  func end(_ hidden: Tensor, target: GradientTarget) throws -> (
    value: Double, gradient: Tensor
  ) {
    switch target {
    case .hiddenStates(let function):
      let finish = try network.recordFinish(
        hidden, constants: constants, cancellation: cancellation)
      let (value, gradient) = try function(finish.output)
      guard gradient.shape == finish.output.shape else {
        throw ModelError.wrongInputShape(found: gradient.shape, expected: finish.output.shape)
      }
      return (value, try finish.pullback(gradient.converted(to: .float32), cancellation))
    case .logits(let target):
      // Of the rows that any target needs, this one's.
      let own = target.rows.lowerBound - rows.lowerBound..<target.rows.upperBound - rows.lowerBound
      let finish = try network.recordFinish(
        hidden.rows(own), constants: constants, cancellation: cancellation)
      let scores = try network.recordLogits(
        finish.output, of: target.neededIDs, constants: constants, cancellation: cancellation)
      let (value, gradient) = target.evaluate(scores.output)
      let slope = try finish.pullback(try scores.pullback(gradient, cancellation), cancellation)
      if own.count == hidden.shape[0] { return (value, slope) }
      var padded = Tensor(zeros: hidden.shape)
      try padded.replaceRows(startingAt: own.lowerBound, with: slope)
      return (value, padded)
    }
  }

  /// Back through all layers, all scalars side by side.
  mutating func back(
    _ slopes: [Tensor], _ body: (Int, Int, Tensor) throws -> Void
  ) throws -> [Tensor] {
    var gradients = slopes
    for layer in (first..<count).reversed() {
      try cancellation?.check()
      let step =
        switch layers.removeLast() {
        case .kept(let step): step
        case .input(let hidden): try record(layer, hidden)
        }
      for index in gradients.indices {
        gradients[index] = try step.pullback(gradients[index], cancellation)
        try body(layer, index, gradients[index])
      }
      progress?(RunProgress(completedLayers: 2 * count - layer - first, layerCount: stepCount))
    }
    return gradients
  }
}
