import CZeroMQ

/// A ZeroMQ context: the owner of ZeroMQ's own threads.
@safe
final class ZeroMQContext: @unchecked Sendable {  // libzmq allows contexts to any thread
  let handle: UnsafeMutableRawPointer

  init() throws(KernelError) {
    guard let handle = unsafe zmq_ctx_new() else { throw .outOfResources(Self.lastError()) }
    unsafe self.handle = handle
  }

  /// Makes blocked calls on the context's sockets return.
  func stop() { _ = unsafe zmq_ctx_shutdown(handle) }

  /// Waits until every socket is closed and what they still had to send is sent, a second at most.
  func terminate() {
    while unsafe zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
  }

  /// The last error's text in this thread.
  static func lastError() -> String { unsafe String(cString: zmq_strerror(zmq_errno())) }
}
