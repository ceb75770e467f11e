import Tensors

/// A value of a computation that is being recorded, `[tokens, width]`.
struct Variable {
  /// Under which the tape keeps the gradient with respect to it.
  let index: Int
  var value: Tensor
}

/// A weight that training changes, by its place in the parameters.
struct Parameter: Hashable {
  let index: Int
}

/// The operations of one computation, with the way back through each.
///
/// An operation appends a pullback, which takes the gradient with respect to its result and adds to the gradients of what
/// the result was made of. Gradients with respect to parameters go to the parameters themselves. What a
/// pullback keeps is freed as soon as it was followed.
final class Tape {
  let parameters: ParameterStore
  /// Whether the way back is kept; an evaluation needs none.
  let isRecording: Bool
  let cancellation: Cancellation?
  /// How the tokens were divided among the experts of each layer that has some, in the order of the layers.
  var loads: [ExpertLoad] = []
  private var gradients: [Tensor?] = []
  private var pullbacks: [() throws -> Void] = []

  init(_ parameters: ParameterStore, isRecording: Bool, cancellation: Cancellation?) {
    self.parameters = parameters
    self.isRecording = isRecording
    self.cancellation = cancellation
  }

  /// A new variable of this value.
  func variable(_ value: consuming Tensor) -> Variable {
    gradients.append(nil)
    return Variable(index: gradients.count - 1, value: value)
  }

  /// A new variable's index, for a value made in the memory of another.
  func newIndex() -> Int {
    gradients.append(nil)
    return gradients.count - 1
  }

  /// Appends the way back from a result; it is left out where no gradient arrives.
  func record(from result: Int, _ pullback: @escaping (Tape, consuming Tensor) throws -> Void) {
    guard isRecording else { return }
    pullbacks.append { [unowned self] in
      guard let gradient = take(result) else { return }
      try cancellation?.check()
      try pullback(self, gradient)
    }
  }

  /// The gradient collected for a variable, which the tape no longer holds.
  func take(_ index: Int) -> Tensor? {
    let gradient = gradients[index]
    gradients[index] = nil
    return gradient
  }

  /// Sets the gradient that a variable has.
  func put(_ gradient: consuming Tensor, for index: Int) { gradients[index] = gradient }

  /// Adds to the gradient of a variable.
  func add(_ gradient: consuming Tensor, to index: Int) {
    guard var sum = take(index) else { return put(gradient, for: index) }
    sum.add(gradient)
    put(sum, for: index)
  }

  /// Follows all operations back, the last first.
  func runBackward() throws {
    while let pullback = pullbacks.popLast() { try pullback() }
  }
}

/// Holds a tensor that a pullback gives up to what consumes it.
final class Giver {
  private var tensor: Tensor?
  init(_ tensor: Tensor) { self.tensor = tensor }

  /// The tensor, once.
  func give() -> Tensor {
    guard let tensor else { preconditionFailure("a pullback is followed once") }
    self.tensor = nil
    return tensor
  }
}
