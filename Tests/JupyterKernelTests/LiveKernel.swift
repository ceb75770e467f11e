import CZeroMQ
import DataFormats
import Glibc
import JupyterProtocol
import Synchronization
import Testing

@testable import JupyterKernel

/// A server on a thread of its own, for one test.
final class LiveKernel: Sendable {
  let connection: ConnectionFile
  let interpreter = TestInterpreter()
  let context: ZeroMQContext
  private let server: KernelServer
  private let outcome = Mutex<Result<KernelExit, KernelError>?>(nil)
  private let ended: EventDescriptor
  private let folder: String

  /// How a test's kernel is reached.
  enum Kind: CaseIterable {
    case tcp, ipc, encrypted
  }

  init(_ kind: Kind = .ipc, historyPath: String? = nil, key: String = "secret") throws {
    folder = Self.temporaryFolder()
    let ports =
      kind == .ipc
      ? ConnectionFile.Ports(shell: 1, control: 2, inputOutput: 3, standardInput: 4, heartbeat: 5)
      : Self.freePorts()
    var curveKeys: ConnectionFile.CurveKeys?
    if kind == .encrypted {
      var publicKey = [CChar](repeating: 0, count: 41)
      var secretKey = [CChar](repeating: 0, count: 41)
      zmq_curve_keypair(&publicKey, &secretKey)
      func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix(40).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      curveKeys = .init(publicKey: text(publicKey), secretKey: text(secretKey))
    }
    connection = ConnectionFile(
      transport: kind == .ipc ? .ipc : .tcp, address: kind == .ipc ? "\(folder)/k" : "127.0.0.1",
      ports: ports, key: Array(key.utf8), curveKeys: curveKeys)
    var options = KernelOptions()
    options.historyPath = historyPath
    options.handlesSignals = false
    options.watchesParent = false
    options.gracePeriod = 0.5
    server = try KernelServer(connection: connection, interpreter: interpreter, options: options)
    context = try ZeroMQContext()
    ended = try EventDescriptor(isBlocking: true)
    try WorkerThread.start { [self] in
      do throws(KernelError) {
        let exit = try server.run()
        outcome.withLock { $0 = .success(exit) }
      } catch {
        outcome.withLock { $0 = .failure(error) }
      }
      ended.signal()
    }
  }

  func client(identity: String? = nil) throws -> TestClient {
    let client = try TestClient(connection, context: context, identity: identity)
    try client.waitForWelcome()
    return client
  }

  func interrupt() { server.interrupt() }

  func waitForEnd() throws -> KernelExit {
    ended.wait()
    guard let outcome = outcome.withLock({ $0 }) else { throw KernelError.outOfResources("?") }
    return try outcome.get()
  }

  var socketFiles: [String] {
    (1...5).map { "\(folder)/k-\($0)" }.filter { access($0, F_OK) == 0 }
  }

  private func stop() throws {
    if outcome.withLock({ $0 }) == nil {
      server.stop()
      _ = try waitForEnd()
    }
    #expect(socketFiles.isEmpty)
    context.stop()
    context.terminate()
    rmdir(folder)
  }

  /// Runs a test against a kernel of its own and ends the kernel, whatever happens.
  static func run(
    _ kind: Kind = .ipc, historyPath: String? = nil,
    _ body: @escaping @Sendable (LiveKernel) throws -> Void
  ) async throws {
    try await onOwnThread {
      let kernel = try LiveKernel(kind, historyPath: historyPath)
      let result = Result { try body(kernel) }
      try kernel.stop()
      try result.get()
    }
  }

  static func temporaryFolder() -> String {
    let path = "/tmp/vitrine-test-\(Identifier.random())"
    mkdir(path, 0o700)
    return path
  }

  /// Removes a file in a temporary folder, and the folders that are empty then.
  static func remove(_ path: String) {
    var path = path
    unlink(path)
    while let slash = path.lastIndex(of: "/"), path.hasPrefix("/tmp/vitrine-test-") {
      path = String(path[..<slash])
      rmdir(path)
    }
  }

  private static func freePorts() -> ConnectionFile.Ports {
    var descriptors: [Int32] = []
    defer { for descriptor in descriptors { close(descriptor) } }
    let ports = (0..<5).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      descriptors.append(descriptor)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = bind(descriptor, $0, length)
          _ = getsockname(descriptor, $0, &length)
        }
      }
      return Int(UInt16(bigEndian: address.sin_port))
    }
    return ConnectionFile.Ports(
      shell: ports[0], control: ports[1], inputOutput: ports[2], standardInput: ports[3],
      heartbeat: ports[4])
  }
}
