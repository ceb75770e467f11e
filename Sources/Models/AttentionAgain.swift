import Synchronization

/// The queries, keys and values of the layer of a long text that was looked at last.
///
/// A long text's queries, keys and values of all layers take more than its residual stream, from which those of one layer
/// are computed again in a fraction of the time of the run; the heads of one layer are mostly looked at together.
final class AttentionAgain: Sendable {
  /// Where all layers' take no more bytes than this, they are kept.
  @TaskLocal static var smallest = 1 << 30

  private let last = Mutex<(layer: Int, record: LayerRecord)?>(nil)

  /// The record of a layer: the last one, or computed.
  func record(of layer: Int, compute: () throws -> LayerRecord?) throws -> LayerRecord? {
    if let known = last.withLock({ $0?.layer == layer ? $0?.record : nil }) { return known }
    // The one before is let go first, so that there is never more than one.
    last.withLock { $0 = nil }
    let record = try compute()
    if let record { last.withLock { $0 = (layer, record) } }
    return record
  }
}
