/// Why a kernel can't be served.
public enum KernelError: Error, Sendable, Equatable, CustomStringConvertible {
  case cannotRead(path: String, reason: String)
  case portNotChosen(purpose: String)
  case cannotListen(purpose: String, endpoint: String, isInUse: Bool, reason: String)
  case encryption(String)
  case outOfResources(String)

  /// One sentence.
  public var description: String {
    switch self {
    case .cannotRead(let path, let reason):
      "The connection file \(path) can't be read: \(reason)."
    case .portNotChosen(let purpose):
      "The connection file leaves the \(purpose) port open (0); the front end must choose one."
    case .cannotListen(let purpose, let endpoint, true, _):
      "The kernel can't listen on \(endpoint) for \(purpose): another program uses that address."
    case .cannotListen(let purpose, let endpoint, false, let reason):
      "The kernel can't listen on \(endpoint) for \(purpose): \(reason)."
    case .encryption(let reason):
      "The connection file asks for CurveZMQ encryption, which can't be used: \(reason)."
    case .outOfResources(let reason): "ZeroMQ can't be used: \(reason)."
    }
  }

  /// The exit status of a kernel that ends for this reason (sysexits.h).
  public var exitStatus: Int32 {
    switch self {
    case .cannotRead: 66
    case .portNotChosen, .encryption: 78
    case .cannotListen, .outOfResources: 69
    }
  }
}
