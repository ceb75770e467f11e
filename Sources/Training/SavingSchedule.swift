/// When the state of a training is to be saved while it goes.
///
/// A program that is killed has lost no more than half of what it did, and no more than a minute's; but saving takes no more
/// than a twentieth of the time, however large the state is.
public struct SavingSchedule: Sendable {
  private let began: ContinuousClock.Instant
  private var saved: ContinuousClock.Instant
  private var cost = Duration.zero

  /// Begins with the training.
  public init(from instant: ContinuousClock.Instant = .now) {
    began = instant
    saved = instant
  }

  /// Whether what was learned since the last time should be saved now.
  public func isDue(at instant: ContinuousClock.Instant = .now) -> Bool {
    let interval = min(.seconds(60), max(.seconds(2), began.duration(to: saved)))
    return saved.duration(to: instant) >= max(interval, cost * 20)
  }

  /// Notes that the state was saved.
  public mutating func note(
    from start: ContinuousClock.Instant, to end: ContinuousClock.Instant = .now
  ) {
    saved = end
    cost = start.duration(to: end)
  }
}
