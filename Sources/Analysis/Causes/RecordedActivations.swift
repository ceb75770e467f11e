public import Models
import Synchronization
public import Tensors

/// The activations of one run at chosen places.
public struct RecordedActivations: Sendable {
  private let rows: [TapSite: Tensor]
  /// The run.
  public let trace: Trace

  /// Runs tokens and keeps what is at the places, `[tokens, …]` each.
  ///
  /// - Parameters:
  ///   - position: the position whose row alone is kept, `[1, …]`; `nil` keeps all.
  ///   - contents: what the trace keeps.
  /// - Throws: `ModelError` for places that there aren't; `Cancelled`.
  public init(
    _ model: LanguageModel, ids: [Int], at sites: [TapSite], position: Int? = nil,
    keeping contents: TraceContents = [], cancellation: Cancellation? = nil
  ) throws {
    let store = Store()
    let taps = sites.map { site in
      Tap(site) { activation, first in
        if let position {
          let place = position - first
          if (0..<activation.shape[0]).contains(place) {
            store.add(activation.rows(place..<place + 1), at: site, first: first)
          }
        } else {
          store.add(activation, at: site, first: first)
        }
        return activation
      }
    }
    trace = try model.run(ids: ids, keeping: contents, taps: taps, cancellation: cancellation)
    rows = try store.joined()
  }

  /// What was at a place, or `nil` where it wasn't recorded.
  public subscript(site: TapSite) -> Tensor? { rows[site] }

  /// Blocks of rows as they come.
  private final class Store: Sendable {
    private let parts = Mutex<[TapSite: [(first: Int, rows: Tensor)]]>([:])

    func add(_ rows: Tensor, at site: TapSite, first: Int) {
      parts.withLock { $0[site, default: []].append((first, rows)) }
    }

    func joined() throws -> [TapSite: Tensor] {
      try parts.withLock { $0 }.mapValues { blocks in
        try Tensor.concatenated(
          blocks.sorted { $0.first < $1.first }.map(\.rows), axis: 0)
      }
    }
  }
}

/// A scalar of the logits of a run.
public struct LogitQuestion: Sendable {
  /// What is summed.
  public let target: LogitTarget

  /// Makes a question.
  public init(_ target: LogitTarget) { self.target = target }

  /// Its value where some activations are replaced.
  ///
  /// - Throws: `ModelError`; `Cancelled`.
  public func value(
    _ model: LanguageModel, ids: [Int], taps: [Tap] = [], cancellation: Cancellation? = nil
  ) throws -> Double {
    let trace = try model.run(ids: ids, keeping: [], taps: taps, cancellation: cancellation)
    var sum = 0.0
    for term in target.terms {
      let row = try trace.logits(at: term.position, cancellation: cancellation).floats
      guard row.indices.contains(term.id) else {
        throw ModelError.tokenOutOfRange(
          id: term.id, position: term.position, vocabulary: row.count)
      }
      sum +=
        term.weight * (Double(row[term.id]) - (target.measure == .logit ? 0 : logSumExp(row)))
    }
    return sum
  }
}
