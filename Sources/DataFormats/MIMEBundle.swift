/// One thing in several representations: MIME types with their data, in the order of preference.
///
/// Follows the `data` and `metadata` of Jupyter's `display_data` message: text formats are JSON
/// strings, JSON formats (`application/json`, `…+json`) JSON values, binary formats base64 strings.
public struct MIMEBundle: Sendable, Hashable {
  /// MIME type → representation.
  public var data: JSONObject
  /// MIME type → facts for the viewer (for an image its `width` and `height`).
  public var metadata: JSONObject

  /// Makes a bundle.
  public init(data: JSONObject = JSONObject(), metadata: JSONObject = JSONObject()) {
    self.data = data
    self.metadata = metadata
  }

  /// A bundle of plain text alone.
  public init(plainText: String) {
    self.init(data: ["text/plain": .string(plainText)])
  }

  /// The `text/plain` representation, where there is one.
  public var plainText: String? { data["text/plain"]?.string }

  /// The `text/html` representation, where there is one.
  public var html: String? { data["text/html"]?.string }
}
