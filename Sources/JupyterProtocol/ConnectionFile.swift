import DataFormats

/// Where a kernel listens and how messages are signed: the file a front end writes before it
/// starts the kernel.
public struct ConnectionFile: Sendable, Equatable {
  /// How the sockets are reached.
  public enum Transport: String, Sendable {
    case tcp
    /// Unix domain sockets, whose files are named `{ip}-{port}`.
    case ipc
  }

  /// The ports, or with `ipc` the numbers at the end of the files' names.
  public struct Ports: Sendable, Equatable {
    /// Requests.
    public var shell: Int
    /// Requests that must not wait for a cell.
    public var control: Int
    /// Broadcasts.
    public var inputOutput: Int
    /// Questions to the user.
    public var standardInput: Int
    /// Echo.
    public var heartbeat: Int

    /// Makes the ports.
    public init(shell: Int, control: Int, inputOutput: Int, standardInput: Int, heartbeat: Int) {
      self.shell = shell
      self.control = control
      self.inputOutput = inputOutput
      self.standardInput = standardInput
      self.heartbeat = heartbeat
    }
  }

  /// The keys of CurveZMQ encryption, each 40 characters of Z85.
  public struct CurveKeys: Sendable, Equatable {
    /// The key that clients must know.
    public var publicKey: String
    /// The key that only the kernel needs.
    public var secretKey: String

    /// Makes a pair of keys.
    public init(publicKey: String, secretKey: String) {
      self.publicKey = publicKey
      self.secretKey = secretKey
    }
  }

  /// How the sockets are reached.
  public var transport: Transport
  /// The address to listen on, or with `ipc` the beginning of the files' paths.
  public var address: String
  /// The five ports.
  public var ports: Ports
  /// The key for signatures; empty: messages aren't signed.
  public var key: [UInt8]
  /// The keys for encryption, where the front end asks for it.
  public var curveKeys: CurveKeys?
  /// The name of the kernelspec; may be missing.
  public var kernelName: String?

  /// Makes a description of a connection.
  public init(
    transport: Transport = .tcp, address: String, ports: Ports, key: [UInt8],
    curveKeys: CurveKeys? = nil, kernelName: String? = nil
  ) {
    self.transport = transport
    self.address = address
    self.ports = ports
    self.key = key
    self.curveKeys = curveKeys
    self.kernelName = kernelName
  }

  /// Reads the text of a connection file.
  ///
  /// - Throws: `ConnectionFileError`, one sentence that says what is wrong.
  public init(parsing bytes: [UInt8]) throws(ConnectionFileError) {
    let json: JSON
    do { json = try JSON(parsing: bytes) } catch { throw .notJSON(offset: error.offset) }
    guard let object = json.object else { throw .notJSON(offset: 0) }
    func port(_ key: String) throws(ConnectionFileError) -> Int {
      guard let value = object[key] else { throw .missing(key: key) }
      guard let port = value.integer, (0...65_535).contains(port) else {
        throw .invalidPort(key: key, value: value.serialized())
      }
      return port
    }
    let name = object["transport"]?.string ?? "tcp"
    guard let transport = Transport(rawValue: name) else { throw .unknownTransport(name) }
    guard let address = object["ip"]?.string, !address.isEmpty else { throw .missing(key: "ip") }
    let scheme = object["signature_scheme"]?.string ?? "hmac-sha256"
    let key = Array((object["key"]?.string ?? "").utf8)
    guard key.isEmpty || scheme == "hmac-sha256" else { throw .unknownSignatureScheme(scheme) }
    self.init(
      transport: transport, address: address,
      ports: Ports(
        shell: try port("shell_port"), control: try port("control_port"),
        inputOutput: try port("iopub_port"), standardInput: try port("stdin_port"),
        heartbeat: try port("hb_port")),
      key: key, curveKeys: try Self.curveKeys(object), kernelName: object["kernel_name"]?.string)
  }

  private static func curveKeys(_ object: JSONObject) throws(ConnectionFileError) -> CurveKeys? {
    let publicKey = object["curve_publickey"]?.string
    let secretKey = object["curve_secretkey"]?.string
    if publicKey == nil, secretKey == nil { return nil }
    guard let publicKey, let secretKey, isZ85Key(publicKey), isZ85Key(secretKey) else {
      throw .invalidCurveKeys
    }
    return CurveKeys(publicKey: publicKey, secretKey: secretKey)
  }

  /// Whether a text is 32 bytes in Z85 (ZeroMQ RFC 32).
  private static func isZ85Key(_ text: String) -> Bool {
    let others = Array(".-:+=^!/*?&<>()[]{}@%$#".utf8)
    return text.utf8.count == 40
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "A")...UInt8(ascii: "Z"):
          true
        default: others.contains(byte)
        }
      }
  }

  /// The endpoint of a port, such as `tcp://127.0.0.1:50123` or `ipc:///tmp/kernel-1`.
  public func endpoint(port: Int) -> String {
    switch transport {
    case .tcp:
      let isBareIPv6 = address.utf8.contains(UInt8(ascii: ":")) && !address.hasPrefix("[")
      return isBareIPv6 ? "tcp://[\(address)]:\(port)" : "tcp://\(address):\(port)"
    case .ipc: return "ipc://\(address)-\(port)"
    }
  }

  /// The file that a port's socket makes, with `ipc`.
  public func socketPath(port: Int) -> String? {
    transport == .ipc ? "\(address)-\(port)" : nil
  }
}

/// Why a connection file can't be used.
public enum ConnectionFileError: Error, Sendable, Equatable, CustomStringConvertible {
  case notJSON(offset: Int)
  case missing(key: String)
  case invalidPort(key: String, value: String)
  case unknownTransport(String)
  case unknownSignatureScheme(String)
  case invalidCurveKeys

  /// One sentence.
  public var description: String {
    switch self {
    case .notJSON(let offset):
      "The connection file is not a JSON object (the trouble begins at byte \(offset))."
    case .missing(let key): "The connection file has no \"\(key)\"."
    case .invalidPort(let key, let value):
      "The connection file's \"\(key)\" must be a whole number from 0 to 65535, not \(value)."
    case .unknownTransport(let name):
      "The connection file's transport must be tcp or ipc, not \"\(name)\"."
    case .unknownSignatureScheme(let name):
      "The connection file's signature scheme must be hmac-sha256, not \"\(name)\"."
    case .invalidCurveKeys:
      "The connection file's curve_publickey and curve_secretkey must both be 40 characters of Z85."
    }
  }
}
