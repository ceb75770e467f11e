import Synchronization

/// Names and their values, with the scope around them.
///
/// A cell's names live in the session's root scope, which several cells may use at once; each
/// call of a user function has a scope of its own. The blocks of `for` and `if` have none: what
/// they bind is there after them, as in Python, except for the loop's own variables, which are
/// new for each turn, so that a function made in a loop keeps its turn's value.
public final class Scope: Sendable {
  let parent: Scope?
  /// Whether bindings go to the scope around, except for the names that are here already.
  let isTurn: Bool
  private let storage: Mutex<[String: Value]>

  /// Makes a scope inside another one, or a root.
  init(parent: Scope?, values: [String: Value] = [:], isTurn: Bool = false) {
    self.parent = parent
    self.isTurn = isTurn
    storage = Mutex(values)
  }

  deinit {
    // A chain of closures may be long: released one after another, not one inside the other.
    let values = storage.withLock { values in
      let taken = values
      values = [:]
      return taken
    }
    if values.values.contains(where: \.holdsFunction) { DeferredRelease.release(values) }
  }

  /// The value of a name, here or in a scope around.
  func lookUp(_ name: String) -> Value? {
    var scope: Scope? = self
    while let current = scope {
      if let value = current.storage.withLock({ $0[name] }) { return value }
      scope = current.parent
    }
    return nil
  }

  /// Binds a name here, or, from a turn of a loop, in the function or cell around it.
  func bind(_ name: String, to value: Value) {
    var scope = self
    while scope.isTurn, let parent = scope.parent,
      scope.storage.withLock({ $0[name] == nil })
    {
      scope = parent
    }
    // The old value is released outside the lock: it may hold scopes.
    let old = scope.storage.withLock { $0.updateValue(value, forKey: name) }
    withExtendedLifetime(old) {}
  }

  /// The names bound here and around, sorted, each once.
  func visibleNames() -> [String] {
    var names: Set<String> = []
    var scope: Scope? = self
    while let current = scope {
      names.formUnion(current.storage.withLock { Array($0.keys) })
      scope = current.parent
    }
    return names.sorted()
  }

  /// Forgets all names, which breaks the cycle of a scope and the functions made in it.
  func removeAll() {
    let old = storage.withLock { values in
      let taken = values
      values = [:]
      return taken
    }
    DeferredRelease.release(old)
  }
}

/// Releases values that may hold long chains of closures without using stack for each link.
private enum DeferredRelease {
  private struct State: Sendable {
    var pending: [[String: Value]] = []
    var isReleasing = false
  }
  private static let state = Mutex(State())

  static func release(_ values: [String: Value]) {
    let starts = state.withLock { state in
      state.pending.append(values)
      defer { state.isReleasing = true }
      return !state.isReleasing
    }
    guard starts else { return }
    while true {
      let next = state.withLock { state -> [String: Value]? in
        guard let last = state.pending.popLast() else {
          state.isReleasing = false
          return nil
        }
        return last
      }
      guard let next else { return }
      withExtendedLifetime(next) {}
    }
  }
}
