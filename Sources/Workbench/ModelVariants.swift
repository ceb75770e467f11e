import Models
import Synchronization

/// The values of one model that differ in how exactly they compute.
///
/// They are held weakly: a precision that nobody asks for any more goes away.
final class ModelVariants: Sendable {
  private struct Reference: Sendable { weak var value: ModelValue? }

  private let references = Mutex<[Precision: Reference]>([:])

  /// The value that computes in a precision, where there is one.
  func value(at precision: Precision) -> ModelValue? {
    references.withLock { $0[precision]?.value }
  }

  /// Makes a value known.
  func add(_ value: ModelValue) {
    references.withLock { $0[value.model.precision] = Reference(value: value) }
  }
}
