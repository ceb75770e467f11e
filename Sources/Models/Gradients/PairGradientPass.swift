import Tensors

/// One way through an encoder and a decoder, and back.
struct PairGradientPass {
  let network: any DifferentiableEncoderDecoder
  let constants: RunConstants
  /// How many bytes of recorded layers each stack keeps.
  let recordingLimit: Int
  let progress: ((RunProgress) -> Void)?
  let cancellation: Cancellation?

  /// A layer as it is kept: with its way back, or with what it is computed again from.
  private enum Recording {
    case kept(RecordedPairStep)
    case input(Tensor)
  }

  var targetLayerCount: Int { network.decoderConfiguration.layers }
  private var sourceLayerCount: Int { network.configuration.layers }

  private func tell(_ done: Int) {
    progress?(
      RunProgress(
        completedLayers: done, layerCount: 2 * (sourceLayerCount + targetLayerCount)))
  }

  private func sourcePass(tokens: Int) -> GradientPass {
    GradientPass(
      network: network, constants: constants, first: 0, tokens: tokens, rows: 0..<tokens,
      recordingLimit: recordingLimit, progress: nil, cancellation: cancellation)
  }

  /// The scalar, from vectors of what is read and of what is written.
  func value(_ source: Tensor, _ written: Tensor, _ target: LogitTarget) throws -> Double {
    let entry = try network.recordEntry(
      source, constants: constants, cancellation: cancellation)
    let memory = try network.finish(
      try sourcePass(tokens: source.shape[0]).through(entry.output), cancellation: cancellation)
    var hidden = written
    for layer in 0..<targetLayerCount {
      try cancellation?.check()
      hidden = try network.recordTargetLayer(
        layer, hidden, source: memory, constants: constants, cancellation: cancellation
      ).output
    }
    let finished = try network.finishTarget(hidden.rows(target.rows), cancellation: cancellation)
    return target.evaluate(
      try network.recordTargetLogits(finished, of: target.neededIDs, cancellation: cancellation)
        .output
    ).value
  }

  /// With respect to both texts, and to what enters some layers of both stacks.
  struct Gradients {
    let source: Tensor
    let target: Tensor
    let sourceResidual: [Int: Tensor]
    let targetResidual: [Int: Tensor]
  }

  /// Through both stacks to what `end` makes of what leaves the last layer, and from the gradient that it gives back.
  func follow<Value>(
    _ source: Tensor, _ written: Tensor, layers: Set<Int>, targetLayers: Set<Int>,
    end: (Tensor) throws -> (value: Value, gradient: Tensor)
  ) throws -> (value: Value, gradients: Gradients) {
    let entry = try network.recordEntry(
      source, constants: constants, cancellation: cancellation)
    var pass = sourcePass(tokens: source.shape[0])
    let encoded = try network.recordFinish(
      try pass.forward(entry.output), constants: constants, cancellation: cancellation)
    tell(sourceLayerCount)
    let memory = encoded.output
    var hidden = written
    var recordings: [Recording] = []
    var room = recordingLimit
    for layer in 0..<targetLayerCount {
      let step = try record(layer, hidden, memory)
      if step.byteCount <= room {
        room -= step.byteCount
        recordings.append(.kept(step))
      } else {
        recordings.append(.input(hidden))
      }
      hidden = step.output
      tell(sourceLayerCount + layer + 1)
    }
    let (value, slope) = try end(hidden)
    var gradient = slope
    var memoryGradient = Tensor(zeros: memory.shape)
    var targetResidual: [Int: Tensor] = [:]
    for layer in (0..<targetLayerCount).reversed() {
      let step =
        switch recordings.removeLast() {
        case .kept(let step): step
        case .input(let hidden): try record(layer, hidden, memory)
        }
      let parts = try step.pullback(gradient, cancellation)
      gradient = parts.target
      memoryGradient.add(parts.source)
      if targetLayers.contains(layer) { targetResidual[layer] = gradient }
      tell(sourceLayerCount + 2 * targetLayerCount - layer)
    }
    var sourceResidual: [Int: Tensor] = [:]
    let first = try pass.back([try encoded.pullback(memoryGradient, cancellation)]) {
      layer, _, gradient in
      if layers.contains(layer) { sourceResidual[layer] = gradient }
      tell(2 * targetLayerCount + 2 * sourceLayerCount - layer)
    }
    return (
      value,
      Gradients(
        source: try entry.pullback(first[0], cancellation), target: gradient,
        sourceResidual: sourceResidual, targetResidual: targetResidual)
    )
  }

  private func record(
    _ layer: Int, _ hidden: Tensor, _ memory: Tensor
  ) throws -> RecordedPairStep {
    try cancellation?.check()
    return try network.recordTargetLayer(
      layer, hidden, source: memory, constants: constants, cancellation: cancellation)
  }

  /// The scalar, and its gradient with respect to what leaves the decoder's last layer.
  func end(
    _ hidden: Tensor, _ target: LogitTarget
  ) throws -> (value: Double, gradient: Tensor) {
    let rows = target.rows
    let finish = try network.recordTargetFinish(
      hidden.rows(rows), constants: constants, cancellation: cancellation)
    let scores = try network.recordTargetLogits(
      finish.output, of: target.neededIDs, cancellation: cancellation)
    let (value, slope) = target.evaluate(scores.output)
    var gradient = Tensor(zeros: hidden.shape)
    try gradient.replaceRows(
      startingAt: rows.lowerBound,
      with: try finish.pullback(try scores.pullback(slope, cancellation), cancellation))
    return (value, gradient)
  }

  /// The scalar of both texts of a pair, and its multipliers with respect to what leaves the decoder's last layer.
  func change(
    _ hidden: Tensor, _ target: LogitTarget
  ) throws -> (value: Double, baselineValue: Double, slope: Tensor) {
    try target.change(
      in: hidden, rows: target.rows,
      finish: {
        try network.recordTargetFinish($0, constants: constants, cancellation: cancellation)
      },
      scores: { try network.recordTargetLogits($0, of: $1, cancellation: cancellation) },
      cancellation: cancellation)
  }
}
