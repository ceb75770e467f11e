import Analysis
import Checkpoints
import DataFormats
import FoundationEssentials
import Glibc
import Models
import Tensors

/// A Llama with random weights in a folder of its own, for measurements that need no sense.
struct RandomModel: ~Copyable {
  /// The sizes that a random model can have.
  enum Shape: String {
    /// 6 layers of width 256 in f32: one that the caches hold.
    case small = "S"
    /// 24 layers of width 2,048 in bf16: the shape of DeepSeek-Coder 1.3B.
    case middle = "M"
  }

  /// The sizes by the names of `config.json`.
  private struct Sizes {
    let width: Int
    let layers: Int
    let heads: Int
    let inner: Int
    let vocabulary: Int
    let elementType: ElementType
  }

  /// The model.
  let model: LanguageModel
  private let folder: URL

  /// Writes the weights into a temporary folder, which lives as long as this value, and maps them.
  init(_ shape: Shape) throws {
    let sizes =
      switch shape {
      case .small:
        Sizes(
          width: 256, layers: 6, heads: 8, inner: 704, vocabulary: 8_192, elementType: .float32)
      case .middle:
        Sizes(
          width: 2_048, layers: 24, heads: 16, inner: 5_504, vocabulary: 32_256,
          elementType: .bfloat16)
      }
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "vitrine-bench-\(getpid())-\(shape.rawValue)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    do {
      try Self.write(sizes, to: folder)
      model = try LanguageModel.load(path: folder.path, name: shape.rawValue)
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
    self.folder = folder
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static func write(_ sizes: Sizes, to folder: URL) throws {
    let configuration: JSON = [
      "model_type": "llama", "hidden_size": .integer(sizes.width),
      "num_hidden_layers": .integer(sizes.layers), "num_attention_heads": .integer(sizes.heads),
      "num_key_value_heads": .integer(sizes.heads), "intermediate_size": .integer(sizes.inner),
      "vocab_size": .integer(sizes.vocabulary), "max_position_embeddings": 4096,
      "rms_norm_eps": .number(1e-6), "rope_theta": .number(10_000), "tie_word_embeddings": false,
    ]
    try Data(configuration.serializedBytes()).write(to: folder.appending(path: "config.json"))
    // Random numbers are dear: every matrix is a part of one long row of them.
    let longest = max(sizes.vocabulary, sizes.inner) * sizes.width
    var generator = SeededGenerator(seed: 0)
    let few = (0..<1 << 20).map { _ in Float(generator.normal() * 0.02) }
    var numbers = [Float](repeating: 0, count: longest)
    for place in numbers.indices { numbers[place] = few[place & (1 << 20 - 1)] }
    let pool = Tensor(shape: [longest], numbers).converted(to: sizes.elementType)
    func matrix(_ rows: Int, _ columns: Int) -> Tensor {
      pool.rows(0..<rows * columns).reshaped([rows, columns])
    }
    let ones = Tensor(repeating: 1, shape: [sizes.width]).converted(to: sizes.elementType)
    var tensors: [(name: String, tensor: Tensor)] = [
      ("model.embed_tokens.weight", matrix(sizes.vocabulary, sizes.width)),
      ("lm_head.weight", matrix(sizes.vocabulary, sizes.width)), ("model.norm.weight", ones),
    ]
    for layer in 0..<sizes.layers {
      let name = "model.layers.\(layer)."
      for map in ["q_proj", "k_proj", "v_proj", "o_proj"] {
        tensors.append((name + "self_attn.\(map).weight", matrix(sizes.width, sizes.width)))
      }
      for map in ["gate_proj", "up_proj"] {
        tensors.append((name + "mlp.\(map).weight", matrix(sizes.inner, sizes.width)))
      }
      tensors.append((name + "mlp.down_proj.weight", matrix(sizes.width, sizes.inner)))
      tensors.append((name + "input_layernorm.weight", ones))
      tensors.append((name + "post_attention_layernorm.weight", ones))
    }
    try SafetensorsWriter.write(
      tensors: tensors, to: folder.appending(path: "model.safetensors").path)
  }
}
