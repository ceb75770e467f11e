import Testing
import Training

@Suite struct SavingScheduleTests {
  /// The seconds, of ten minutes, at which a state is saved that takes so many seconds to save.
  private func times(cost: Int) -> [Int] {
    let start = ContinuousClock.now
    var schedule = SavingSchedule(from: start)
    var times: [Int] = []
    var second = 0
    while second < 600 {
      second += 1
      guard schedule.isDue(at: start + .seconds(second)) else { continue }
      times.append(second)
      schedule.note(from: start + .seconds(second), to: start + .seconds(second + cost))
      second += cost
    }
    return times
  }

  @Test func noMoreThanHalfAndNoMoreThanAMinuteIsLost() {
    #expect(
      times(cost: 0) == [2, 4, 8, 16, 32, 64, 124, 184, 244, 304, 364, 424, 484, 544])
  }

  @Test func aLargeStateIsSavedLessOften() {
    #expect(times(cost: 10) == [2, 212, 422])
  }
}
