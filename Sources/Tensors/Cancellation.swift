import Synchronization

/// Thrown by a computation that was told to stop.
public struct Cancelled: Error, Equatable, Sendable, CustomStringConvertible {
  /// Makes the error.
  public init() {}
  /// One sentence.
  public var description: String { "the computation was interrupted" }
}

/// A flag that asks a running computation to stop.
///
/// Long operations look at it between tiles, a few milliseconds apart at most.
public final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Makes a flag that is not set.
  public init() {}

  /// Sets the flag.
  public func cancel() { flag.store(true, ordering: .releasing) }

  /// Clears the flag.
  public func reset() { flag.store(false, ordering: .releasing) }

  /// Whether the flag is set.
  public var isCancelled: Bool { flag.load(ordering: .acquiring) }

  /// Throws `Cancelled` when the flag is set.
  public func check() throws(Cancelled) {
    if isCancelled { throw Cancelled() }
  }
}
