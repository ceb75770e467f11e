import Synchronization
import Tensors

extension ThreadPool {
  /// The values of `body` for consecutive ranges of `grain` indices that together are `0..<count`, in order;
  /// computed at the same time on several threads.
  func map<Part: Sendable>(
    count: Int, grain: Int, _ body: @Sendable (Range<Int>) -> Part
  ) -> [Part] {
    let grain = max(1, grain)
    let pieces = (count + grain - 1) / grain
    let parts = Mutex([Part?](repeating: nil, count: pieces))
    parallel(count: count, grain: grain) { range in
      // A pool may hand over several pieces as one range; each is computed on its own.
      var start = range.lowerBound
      while start < range.upperBound {
        let end = min(start + grain, range.upperBound)
        let part = body(start..<end)
        parts.withLock { $0[start / grain] = part }
        start = end
      }
    }
    return parts.withLock { $0.compactMap(\.self) }
  }
}
