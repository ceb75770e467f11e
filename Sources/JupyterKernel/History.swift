import DataFormats
import JupyterProtocol
import Synchronization

/// A shell's session in the history; its number is taken when it is first needed.
final class HistorySession: Sendable {
  fileprivate let number = Mutex<Int?>(nil)
}

/// The cells that were run, in this kernel and in those before it.
///
/// Entries are kept in memory at once and written by `save`, on a thread that nobody waits for.
final class History: Sendable {
  private struct Pending {
    var session: HistorySession
    var line: Int
    var input: String
    var output: String?
  }

  private struct State {
    var entries: [HistoryReply.Entry] = []
    var pending: [Pending] = []
    var freeSession: Int?
    var isLoaded = false
    var lastSession = 0
  }

  /// How many entries are kept.
  static let entryLimit = 5_000
  /// How large the file may grow.
  static let byteLimit = 1 << 20
  /// The longest value that is kept.
  static let outputLimit = 16 << 10

  private let file: HistoryFile?
  private let state = Mutex(State())
  private let saving = Mutex(())

  /// - Parameter path: the file; without one the history ends with the kernel.
  init(path: String?) { file = path.map { HistoryFile(path: $0) } }

  /// Whether there are entries that `save` should write.
  var needsSaving: Bool { state.withLock { !$0.pending.isEmpty } }

  /// Adds a cell.
  func append(_ session: HistorySession, line: Int, input: String, output: String?) {
    let output = output.flatMap { $0.utf8.count <= Self.outputLimit ? $0 : nil }
    state.withLock {
      $0.pending.append(Pending(session: session, line: line, input: input, output: output))
    }
  }

  /// Writes what is new.
  func save() {
    saving.withLock { _ in
      load()
      let pending = state.withLock { state -> [Pending] in
        defer { state.pending = [] }
        return state.pending
      }
      guard !pending.isEmpty else { return }
      let entries = pending.map { entry in
        HistoryReply.Entry(
          session: number(of: entry.session), line: entry.line, input: entry.input,
          output: entry.output)
      }
      file?.append(entries)
      state.withLock { state in
        state.entries.append(contentsOf: entries)
        if state.entries.count > Self.entryLimit * 5 / 4 {
          state.entries.removeFirst(state.entries.count - Self.entryLimit)
        }
      }
    }
  }

  /// Finds entries; called on the thread that saves.
  func answer(_ request: HistoryRequest, session: HistorySession) -> HistoryReply {
    save()
    let entries = state.withLock { $0.entries }
    switch request {
    case .tail(let count, let output):
      return HistoryReply(entries: Array(entries.suffix(count)), output: output)
    case .range(let wanted, let start, let stop, let output):
      let current = saving.withLock { _ in number(of: session) }
      let chosen = wanted > 0 ? wanted : Self.earlier(entries, than: current, by: -wanted)
      let found = entries.filter { entry in
        entry.session == chosen && entry.line >= start && entry.line < stop ?? .max
      }
      return HistoryReply(entries: found, output: output)
    case .search(let text, let count, let unique, let output):
      let pattern = GlobPattern(text)
      var found: [HistoryReply.Entry] = []
      var known: Set<[UInt8]> = []
      for entry in entries.reversed() where pattern.matches(entry.input) {
        if unique, !known.insert(Array(entry.input.utf8)).inserted { continue }
        if let count, found.count == count { break }
        found.append(entry)
      }
      return HistoryReply(entries: found.reversed(), output: output)
    }
  }

  /// The session so many before the current one, of those that have entries.
  private static func earlier(
    _ entries: [HistoryReply.Entry], than current: Int, by count: Int
  ) -> Int {
    guard count > 0 else { return current }
    let sessions = Set(entries.map(\.session)).filter { $0 < current }.sorted()
    return count <= sessions.count ? sessions[sessions.count - count] : -1
  }

  private func load() {
    guard state.withLock({ !$0.isLoaded }) else { return }
    let begun = file?.begin(entryLimit: Self.entryLimit, byteLimit: Self.byteLimit)
    state.withLock { state in
      state.isLoaded = true
      state.entries = begun?.content.entries ?? []
      state.freeSession = begun?.session ?? 1
      state.lastSession = begun?.session ?? 1
    }
  }

  private func number(of session: HistorySession) -> Int {
    if let number = session.number.withLock({ $0 }) { return number }
    let free = state.withLock { state -> Int? in
      defer { state.freeSession = nil }
      return state.freeSession
    }
    let number = free ?? file?.beginSession() ?? state.withLock { $0.lastSession + 1 }
    state.withLock { $0.lastSession = max($0.lastSession, number) }
    session.number.withLock { $0 = number }
    return number
  }
}
