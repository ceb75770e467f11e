import Glibc

/// Threads of the system, with stacks of a chosen size.
enum WorkerThread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a thread that ends when its body returns.
  ///
  /// - Parameter stackBytes: address space for the stack; memory is taken only as it is touched.
  static func start(
    stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void
  ) throws(KernelError) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let context = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, &attributes,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context)
    guard status == 0 else {
      unsafe Unmanaged<Body>.fromOpaque(context).release()
      throw .outOfResources("no more threads")
    }
  }
}
