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
  private let limit: Int?
  private let looks = Atomic<Int>(0)

  /// Makes a flag that is not set.
  public init() { limit = nil }

  /// Makes a flag that sets itself when it is looked at for the `limit`-th time: with it, tests find out where and how
  /// often an operation looks, which no clock tells reliably.
  package init(settingItselfAtLook limit: Int) { self.limit = limit }

  /// How often the flag was looked at; counted only where `settingItselfAtLook` was given.
  package var lookCount: Int { looks.load(ordering: .acquiring) }

  /// Sets the flag.
  public func cancel() { flag.store(true, ordering: .releasing) }

  /// Clears the flag.
  public func reset() { flag.store(false, ordering: .releasing) }

  /// Whether the flag is set.
  public var isCancelled: Bool {
    if let limit, looks.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue >= limit {
      cancel()
    }
    return flag.load(ordering: .acquiring)
  }

  /// Throws `Cancelled` when the flag is set.
  public func check() throws(Cancelled) {
    if isCancelled { throw Cancelled() }
  }
}
