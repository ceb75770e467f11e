import CZeroMQ
import Glibc

/// A counter in the kernel of the system (eventfd) by which one thread wakes another.
final class EventDescriptor: Sendable {
  let descriptor: Int32

  /// - Parameter isBlocking: whether `wait` waits; otherwise the descriptor is for polling.
  init(isBlocking: Bool) throws(KernelError) {
    let flags = Int32(EFD_CLOEXEC) | (isBlocking ? 0 : Int32(EFD_NONBLOCK))
    descriptor = eventfd(0, flags)
    guard descriptor >= 0 else { throw .outOfResources("no more event descriptors") }
  }

  deinit { close(descriptor) }

  /// Wakes who waits, or who waits next.
  func signal() { _ = eventfd_write(descriptor, 1) }

  /// Waits for a signal, or takes back those that came when the descriptor isn't blocking.
  func wait() {
    var value: eventfd_t = 0
    while unsafe eventfd_read(descriptor, &value) != 0, errno == EINTR {}
  }
}
