import CZeroMQ
import JupyterProtocol

/// A ZeroMQ socket, used by the thread that made it and closed when it goes out of use.
@safe struct ZeroMQSocket: ~Copyable {
  /// What came in.
  enum Received {
    case nothing
    case frames([[UInt8]])
    /// A message beyond the limits; its frames were read and dropped.
    case tooLarge
  }

  let handle: UnsafeMutableRawPointer

  init(_ context: ZeroMQContext, type: Int32) throws(KernelError) {
    guard let handle = unsafe zmq_socket(context.handle, type) else {
      throw .outOfResources(ZeroMQContext.lastError())
    }
    unsafe self.handle = handle
    set(ZMQ_LINGER, 1_000)
    // Answers and broadcasts are never dropped for a client that reads slowly.
    set(ZMQ_SNDHWM, 0)
    // A client whose machine vanished is noticed, and what waits for it is freed.
    set(ZMQ_TCP_KEEPALIVE, 1)
    set(ZMQ_TCP_KEEPALIVE_IDLE, 60)
    set(ZMQ_IPV6, 1)
  }

  deinit { _ = unsafe zmq_close(handle) }

  /// Sets an option that is an integer.
  func set(_ option: Int32, _ value: Int32) {
    var value = value
    _ = unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
  }

  /// Sets an option that is 64 bits wide.
  func set(_ option: Int32, wide value: Int64) {
    var value = value
    _ = unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size)
  }

  /// Sets a key given in Z85, whose option wants the closing zero byte too.
  func setKey(_ option: Int32, _ key: String) throws(KernelError) {
    let bytes = Array(key.utf8) + [0]
    let status = unsafe bytes.withUnsafeBytes {
      unsafe zmq_setsockopt(handle, option, $0.baseAddress, $0.count)
    }
    guard status == 0 else { throw .encryption(ZeroMQContext.lastError()) }
  }

  /// Listens as the connection file says, encrypted where it has keys.
  func bind(_ connection: ConnectionFile, port: Int, purpose: String) throws(KernelError) {
    if let keys = connection.curveKeys {
      guard unsafe zmq_has("curve") == 1 else {
        throw .encryption("this libzmq was built without it")
      }
      set(ZMQ_CURVE_SERVER, 1)
      try setKey(ZMQ_CURVE_SECRETKEY, keys.secretKey)
    }
    let endpoint = connection.endpoint(port: port)
    guard unsafe zmq_bind(handle, endpoint) == 0 else {
      throw .cannotListen(
        purpose: purpose, endpoint: endpoint, isInUse: zmq_errno() == EADDRINUSE,
        reason: ZeroMQContext.lastError())
    }
  }

  /// Connects to an endpoint.
  func connect(_ endpoint: String) throws(KernelError) {
    guard unsafe zmq_connect(handle, endpoint) == 0 else {
      throw .outOfResources(ZeroMQContext.lastError())
    }
  }

  /// Sends one message without waiting; false where it couldn't be taken.
  @discardableResult
  func send(_ frames: [[UInt8]]) -> Bool {
    for (index, frame) in frames.enumerated() {
      let flags = ZMQ_DONTWAIT | (index + 1 < frames.count ? ZMQ_SNDMORE : 0)
      let status = unsafe frame.withUnsafeBytes { bytes in
        while true {
          let status = unsafe zmq_send(handle, bytes.baseAddress, bytes.count, flags)
          if status >= 0 || zmq_errno() != EINTR { return status }
        }
      }
      if status < 0 { return false }
    }
    return true
  }

  /// Takes one message if there is one.
  func receive(limits: WireFormat.Limits, waits: Bool = false) -> Received {
    var frames: [[UInt8]] = []
    var size = 0
    var isTooLarge = false
    var part = zmq_msg_t()
    _ = unsafe zmq_msg_init(&part)
    defer { _ = unsafe zmq_msg_close(&part) }
    while true {
      let isFirst = frames.isEmpty && !isTooLarge
      let flags = isFirst && !waits ? ZMQ_DONTWAIT : 0
      let count = unsafe zmq_msg_recv(&part, handle, flags)
      if count < 0 {
        if zmq_errno() == EINTR { continue }
        return .nothing
      }
      size += Int(count)
      if frames.count >= limits.frames || size > limits.bytes {
        isTooLarge = true
        frames = []
      } else {
        frames.append(
          unsafe Array(UnsafeRawBufferPointer(start: zmq_msg_data(&part), count: Int(count))))
      }
      if unsafe zmq_msg_more(&part) == 0 { return isTooLarge ? .tooLarge : .frames(frames) }
    }
  }
}
