public import DataFormats

/// One Jupyter message, on its way in or out.
///
/// The two headers are kept as the bytes of their frames: a reply carries the request's header as
/// its parent exactly as it came, with fields that Vitrine doesn't know.
public struct Message: Sendable {
  /// The routing prefix: the client's identity on a router socket, the topic on iopub.
  public var identities: [[UInt8]]
  /// The message's header.
  public var header: Header
  /// The header as it was received, or is to be sent.
  public var headerBytes: [UInt8]
  /// The header of the message that caused this one, `{}` where there is none.
  public var parentHeaderBytes: [UInt8]
  /// Facts beside the content.
  public var metadata: JSONObject
  /// What is said.
  public var content: JSONObject
  /// Binary data, outside the signature.
  public var buffers: [[UInt8]]

  /// The bytes of an empty JSON object.
  public static let emptyObject: [UInt8] = [UInt8(ascii: "{"), UInt8(ascii: "}")]

  /// Makes a message to send.
  public init(
    identities: [[UInt8]] = [], header: Header,
    parentHeaderBytes: [UInt8] = Message.emptyObject, metadata: JSONObject = JSONObject(),
    content: JSONObject, buffers: [[UInt8]] = []
  ) {
    self.init(
      identities: identities, header: header,
      headerBytes: JSON.object(header.object).serializedBytes(),
      parentHeaderBytes: parentHeaderBytes, metadata: metadata, content: content, buffers: buffers)
  }

  init(
    identities: [[UInt8]], header: Header, headerBytes: [UInt8], parentHeaderBytes: [UInt8],
    metadata: JSONObject, content: JSONObject, buffers: [[UInt8]]
  ) {
    self.identities = identities
    self.header = header
    self.headerBytes = headerBytes
    self.parentHeaderBytes = parentHeaderBytes
    self.metadata = metadata
    self.content = content
    self.buffers = buffers
  }

  /// The header of the message that caused this one, where there is one.
  public var parentHeader: Header? {
    guard parentHeaderBytes != Message.emptyObject,
      let object = (try? JSON(parsing: parentHeaderBytes))?.object
    else { return nil }
    return Header(object)
  }
}
