public import Checkpoints
public import Tensors

/// The parts of a model by which its parameters are counted.
public enum ModelPart: String, Sendable, CaseIterable {
  /// Vectors of tokens, positions and segments.
  case embedding
  /// Queries, keys, values and the output of attention.
  case attention
  /// What makes blocks of tokens for attention.
  case compressor
  /// What selects the keys that attention sees.
  case indexer
  /// Dense feed-forward parts.
  case feedForward = "feed-forward"
  /// What chooses experts.
  case router
  /// Experts that tokens choose.
  case experts
  /// Experts that every token uses.
  case sharedExperts = "shared experts"
  /// What joins several residual streams with the parts of a block.
  case hyperConnections = "hyper-connections"
  /// Weights of the norms.
  case normalization
  /// What turns the last hidden state into logits, where it isn't the embedding again.
  case head
}

/// A weight that a model uses.
public struct WeightUse: Sendable, Equatable {
  /// The name in the checkpoint.
  public let name: String
  /// The part that it belongs to.
  public let part: ModelPart
  /// The layer that it belongs to, or `nil` outside the layers.
  public let layer: Int?
  /// The shape.
  public let shape: [Int]
  /// How it is stored.
  public let elementType: ElementType
  /// How many numbers it holds.
  public var count: Int { shape.reduce(1, *) }
  /// Its bytes in the file.
  public var byteCount: Int { elementType.byteCount(ofElements: count) }
}

/// Hands an architecture its weights, each checked against the shape that the configuration gives.
public struct WeightReader: Sendable {
  let checkpoint: Checkpoint
  /// The weights handed out so far, in the order of asking.
  public private(set) var uses: [WeightUse] = []

  /// Reads from a checkpoint.
  public init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

  /// Whether the checkpoint has a tensor of this name.
  public func contains(_ name: String) -> Bool { checkpoint.contains(name) }

  /// Whether the checkpoint stores the rows of all these weights so that those that positions turn together are neighbours.
  func storesPairs(_ names: [String]) -> Bool {
    names.allSatisfy { checkpoint.storesPairs($0) }
  }

  /// A table of whole numbers in the mapped file.
  ///
  /// - Parameters:
  ///   - name: its name in the checkpoint.
  ///   - shape: the shape that follows from the configuration.
  ///   - part: what its numbers count as.
  ///   - layer: the layer that it belongs to, or `nil`.
  /// - Throws: `ModelError` where it is missing, has another shape or other numbers.
  mutating func readTable(
    _ name: String, _ shape: [Int], part: ModelPart, layer: Int? = nil
  ) throws(ModelError) -> Tensor {
    if let layout = checkpoint.layout(of: name), ![.int32, .int64].contains(layout.elementType) {
      throw .unsuitableTable(name, found: layout.elementType)
    }
    return try read(name, shape, part: part, layer: layer) { _ in true }
  }

  /// A weight in the mapped file.
  ///
  /// - Parameters:
  ///   - name: its name in the checkpoint.
  ///   - shape: the shape that follows from the configuration.
  ///   - part: what its parameters count as.
  ///   - layer: the layer that it belongs to, or `nil`.
  ///   - asStored: whether the order of its rows may be the file's own: see `storesPairs`.
  /// - Throws: `ModelError` where it is missing, has another shape or no floating-point numbers.
  public mutating func read(
    _ name: String, _ shape: [Int], part: ModelPart, layer: Int? = nil, asStored: Bool = false
  ) throws(ModelError) -> Tensor {
    try read(name, shape, part: part, layer: layer, asStored: asStored) { type in
      [.float32, .float16, .bfloat16, .float8e4m3].contains(type) || type.blockLength > 1
    }
  }

  private mutating func read(
    _ name: String, _ shape: [Int], part: ModelPart, layer: Int?, asStored: Bool = false,
    suits: (ElementType) -> Bool
  ) throws(ModelError) -> Tensor {
    guard let layout = checkpoint.layout(of: name) else {
      throw .missingWeight(name, checkpoint: fileName(of: checkpoint.path))
    }
    guard layout.shape == shape else {
      throw .wrongShape(weight: name, found: layout.shape, expected: shape)
    }
    guard suits(layout.elementType) else {
      throw .unsuitableElementType(weight: name, found: layout.elementType)
    }
    uses.append(
      WeightUse(
        name: name, part: part, layer: layer, shape: shape, elementType: layout.elementType))
    do {
      return asStored
        ? try checkpoint.storedTensor(named: name) : try checkpoint.tensor(named: name)
    } catch {
      throw .checkpoint(error)
    }
  }
}
