import CZeroMQ
import JupyterProtocol
import Synchronization

/// The thread that sends back whatever comes, so that clients know that the kernel lives.
final class Heartbeat: Sendable {
  private let isOver = Mutex(false)
  private let started = Mutex<Result<Void, KernelError>?>(nil)
  private let wakeUp: EventDescriptor

  /// Starts the thread and waits until it listens.
  init(context: ZeroMQContext, connection: ConnectionFile) throws(KernelError) {
    wakeUp = try EventDescriptor(isBlocking: true)
    try WorkerThread.start { [self] in
      do throws(KernelError) {
        let socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
        socket.set(ZMQ_ROUTER_HANDOVER, 1)
        socket.set(ZMQ_MAXMSGSIZE, wide: 1 << 20)
        try socket.bind(connection, port: connection.ports.heartbeat, purpose: "heartbeats")
        started.withLock { $0 = .success(()) }
        wakeUp.signal()
        echo(socket)
      } catch {
        started.withLock { $0 = .failure(error) }
        wakeUp.signal()
      }
    }
    wakeUp.wait()
    if case .failure(let error) = started.withLock({ $0 }) { throw error }
  }

  /// Has the thread end when the context stops.
  func end() { isOver.withLock { $0 = true } }

  private func echo(_ socket: borrowing ZeroMQSocket) {
    var limits = WireFormat.Limits()
    limits.bytes = 1 << 20
    while !isOver.withLock({ $0 }) {
      if case .frames(let frames) = socket.receive(limits: limits, waits: true) {
        socket.send(frames)
      }
    }
  }
}
