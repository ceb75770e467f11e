import Synchronization
import Tensors

/// What the layers keep of the tokens that were read, so that the next token costs no second reading of them.
///
/// A layer with latent attention keeps latents and position keys alone (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1).
/// A cache belongs to one run, which reads one block of tokens after another.
final class KeyValueCache: Sendable {
  /// Rows of a layer, by what they are.
  private struct Layer {
    var first: RowBuffer
    var second: RowBuffer
    /// An indexer's keys.
    var third: RowBuffer?
  }

  private let layers: Mutex<[Layer?]>
  private let compressed: Mutex<[CompressedLayerRows?]>
  private let capacity: Int

  /// Makes an empty cache with room for `capacity` tokens, which grows where they are more.
  init(layers: Int, capacity: Int) {
    self.layers = Mutex(Array(repeating: nil, count: layers))
    compressed = Mutex(Array(repeating: nil, count: layers))
    self.capacity = capacity
  }

  /// What a layer that makes blocks has kept, which is to be put back with what is added.
  func takeCompressed(_ layer: Int) -> CompressedLayerRows? {
    compressed.withLock { layers in
      defer { layers[layer] = nil }
      return layers[layer]
    }
  }

  /// Keeps what a layer that makes blocks has read.
  func putCompressed(_ layer: Int, _ rows: CompressedLayerRows) {
    compressed.withLock { $0[layer] = rows }
  }

  /// Adds the rows of new tokens to a layer and gives all of its rows.
  func append(
    _ layer: Int, _ first: Tensor, _ second: Tensor, _ third: Tensor? = nil
  ) -> (first: Tensor, second: Tensor, third: Tensor?) {
    func buffer(_ rows: Tensor) -> RowBuffer {
      RowBuffer(width: rows.shape[1], capacity: max(capacity, rows.shape[0]))
    }
    return layers.withLock { layers in
      var rows =
        layers[layer]
        ?? Layer(first: buffer(first), second: buffer(second), third: third.map(buffer))
      layers[layer] = nil
      rows.first.append(first)
      rows.second.append(second)
      if let third { rows.third?.append(third) }
      layers[layer] = rows
      return (rows.first.rows, rows.second.rows, rows.third?.rows)
    }
  }
}
