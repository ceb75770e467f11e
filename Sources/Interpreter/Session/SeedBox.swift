import Synchronization

/// The session's seed, which `seed(n)` sets.
final class SeedBox: Sendable {
  private let stored = Atomic<Int>(0)

  var value: Int {
    get { stored.load(ordering: .relaxed) }
    set { stored.store(newValue, ordering: .relaxed) }
  }
}
