import Interpreter
import Models
import Synchronization

/// Recent traces, so that a second question about a text needs no second run.
///
/// Kept by model and text (or token ids), the least recently used leaving first, within a bound on
/// the bytes of all of them together.
final class TraceCache: Sendable {
  private struct Key: Hashable, Sendable {
    let model: ObjectIdentifier
    /// The text's bytes: two texts that differ only in their normal form have different tokens.
    let text: [UInt8]?
    let ids: [Int]
  }

  private struct State: Sendable {
    /// Most recently used last.
    var entries: [(key: Key, trace: TraceValue)] = []
  }

  private let state = Mutex(State())
  private let byteLimit: Int

  /// An empty cache with a bound on the bytes of its traces.
  init(byteLimit: Int = 1 << 30) { self.byteLimit = byteLimit }

  /// The trace of a text, from memory or by a run.
  func trace(of text: String, model: ModelValue, in context: ExecutionContext) throws -> TraceValue
  {
    let key = Key(model: ObjectIdentifier(model), text: Array(text.utf8), ids: [])
    return try trace(key: key, model: model) {
      try model.model.run(
        text, progress: { Self.report($0, model: model, in: context) },
        cancellation: context.cancellation)
    }
  }

  /// The trace of token ids, from memory or by a run.
  func trace(of ids: [Int], model: ModelValue, in context: ExecutionContext) throws -> TraceValue {
    try trace(key: Key(model: ObjectIdentifier(model), text: nil, ids: ids), model: model) {
      try model.model.run(
        ids: ids, progress: { Self.report($0, model: model, in: context) },
        cancellation: context.cancellation)
    }
  }

  /// The cache of a session.
  static func of(_ context: ExecutionContext) -> TraceCache {
    context.storage.object(TraceCache.self) { TraceCache() }
  }

  private static func report(
    _ progress: RunProgress, model: ModelValue, in context: ExecutionContext
  ) {
    context.progress(
      "Running \(model.model.name)",
      fraction: Double(progress.completedLayers) / Double(progress.layerCount),
      detail: "layer \(progress.completedLayers) of \(progress.layerCount)")
  }

  private func trace(key: Key, model: ModelValue, run: () throws -> Trace) throws -> TraceValue {
    let known = state.withLock { state -> TraceValue? in
      guard let place = state.entries.firstIndex(where: { $0.key == key }) else { return nil }
      let entry = state.entries.remove(at: place)
      state.entries.append(entry)
      return entry.trace
    }
    if let known { return known }
    let trace = TraceValue(try run(), model: model)
    state.withLock { state in
      state.entries.removeAll { $0.key == key }
      state.entries.append((key, trace))
      var total = state.entries.reduce(0) { $0 + $1.trace.trace.byteCount }
      while total > byteLimit, state.entries.count > 1 {
        total -= state.entries.removeFirst().trace.trace.byteCount
      }
    }
    return trace
  }
}
