import JupyterProtocol
import Synchronization

/// The open comms, in the order in which they were opened.
final class CommTable: Sendable {
  private let comms = Mutex<[CommInfoReply.Comm]>([])

  /// Adds a comm; one that is there already is kept as it is.
  func add(_ identifier: String, target: String) {
    comms.withLock { comms in
      guard !comms.contains(where: { $0.identifier == identifier }) else { return }
      comms.append(CommInfoReply.Comm(identifier: identifier, target: target))
    }
  }

  /// Removes a comm and gives its target, `nil` where it wasn't open.
  func remove(_ identifier: String) -> String? {
    comms.withLock { comms in
      guard let place = comms.firstIndex(where: { $0.identifier == identifier }) else {
        return nil
      }
      return comms.remove(at: place).target
    }
  }

  /// The target of an open comm.
  func target(of identifier: String) -> String? {
    comms.withLock { $0.first { $0.identifier == identifier }?.target }
  }

  /// The comms of a target, or all.
  func list(target: String?) -> [CommInfoReply.Comm] {
    comms.withLock { comms in comms.filter { target == nil || $0.target == target } }
  }
}
