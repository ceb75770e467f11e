import Tensors

/// The weights that training changes, with their gradients and moments.
///
/// Each is `float32` memory of its own that operations read and steps change in place; a copy is made only while a
/// snapshot still refers to the numbers before.
final class ParameterStore {
  /// One weight.
  struct Entry {
    let name: String
    /// The part of the model that its gradient's norm is reported with: `embedding`, `layers.3`, `head`.
    let part: String
    let role: ParameterRole
    /// Whether the loss's gradient changes it.
    var isTrained: Bool
    var value: Tensor
    /// The value as operations read it, where they read it rounded; `nil` until it is read again after a step.
    var rounded: Tensor?
    var gradient: Tensor
    /// Whether `gradient` holds a sum of this step already.
    var hasGradient = false
    var mean: Tensor
    var square: Tensor

    mutating func take(_ step: AdamStep) {
      step.apply(gradient, to: &value, mean: &mean, square: &square)
      rounded = nil
    }
  }

  var entries: [Entry] = []
  /// What operations read maps and embeddings in; steps always change the `float32` numbers.
  var weightType = ElementType.float32

  /// A weight as operations read it.
  subscript(parameter: Parameter) -> Tensor {
    let entry = entries[parameter.index]
    guard weightType == .bfloat16, entry.role.isRounded else { return entry.value }
    if let rounded = entry.rounded { return rounded }
    let rounded = entry.value.converted(to: .bfloat16)
    entries[parameter.index].rounded = rounded
    return rounded
  }

  /// Adds a weight; one that isn't trained has no gradient and no moments.
  func append(
    _ name: String, part: String, role: ParameterRole, value: Tensor, isTrained: Bool
  ) -> Parameter {
    let shape = isTrained ? value.shape : [0]
    entries.append(
      Entry(
        name: name, part: part, role: role, isTrained: isTrained, value: value,
        gradient: Tensor(zeros: shape), mean: Tensor(zeros: shape), square: Tensor(zeros: shape)))
    return Parameter(index: entries.count - 1)
  }

  /// Forgets all gradients; the first sum of the next step writes over them.
  func clearGradients() {
    for index in entries.indices { entries[index].hasGradient = false }
  }

  /// Makes the gradients of parameters that nothing was added to zeros: those of experts that no token chose.
  func fillGradients() {
    for index in entries.indices where entries[index].isTrained && !entries[index].hasGradient {
      entries[index].gradient = Tensor(zeros: entries[index].value.shape)
      entries[index].hasGradient = true
    }
  }

  /// Adds `dYᵀ X` to the gradient of a matrix.
  func addProduct(
    _ gradient: Tensor, _ x: Tensor, to parameter: Parameter, _ cancellation: Cancellation?
  ) throws {
    guard entries[parameter.index].isTrained else { return }
    try addLinearWeightGradient(
      gradient, input: x, to: &entries[parameter.index].gradient,
      isAdded: entries[parameter.index].hasGradient, cancellation: cancellation)
    entries[parameter.index].hasGradient = true
  }

  /// Changes the gradient of a parameter by adding to it.
  func change(_ parameter: Parameter, _ body: (inout Tensor) -> Void) {
    guard entries[parameter.index].isTrained else { return }
    if !entries[parameter.index].hasGradient {
      entries[parameter.index].gradient = Tensor(zeros: entries[parameter.index].value.shape)
      entries[parameter.index].hasGradient = true
    }
    body(&entries[parameter.index].gradient)
  }
}

/// What a weight is, which decides how it begins and whether it decays.
enum ParameterRole: String, Sendable {
  /// Vectors of tokens, and the head.
  case embedding
  /// A map.
  case matrix
  /// A map whose result is added to the residual stream.
  case residual
  /// A norm's weight, which begins as ones.
  case gain
  /// A bias, which begins as zeros.
  case bias
  /// A router's corrections, which follow the experts' load and no gradient.
  case correction
  /// The map of an adaptation into its few dimensions, which begins at random.
  case adapterDown
  /// The map of an adaptation out of them, which begins as zeros.
  case adapterUp

  /// Whether operations may read it rounded.
  var isRounded: Bool {
    switch self {
    case .embedding, .matrix, .residual, .adapterDown, .adapterUp: true
    case .gain, .bias, .correction: false
    }
  }
}
