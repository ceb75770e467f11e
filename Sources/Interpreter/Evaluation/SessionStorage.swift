import Synchronization

/// Things that functions keep for the length of a session: resident models, cached traces.
public final class SessionStorage: Sendable {
  private let objects = Mutex<[ObjectIdentifier: any (AnyObject & Sendable)]>([:])

  /// Makes an empty storage.
  public init() {}

  /// The one object of a type, made on first use.
  public func object<T: AnyObject & Sendable>(_ type: T.Type = T.self, make: () -> T) -> T {
    objects.withLock { objects in
      if let known = objects[ObjectIdentifier(type)] as? T { return known }
      let new = make()
      objects[ObjectIdentifier(type)] = new
      return new
    }
  }
}
