import Tensors

/// What stands between the two maps of a plain feed-forward part.
enum Activation: Sendable {
  case gelu, geluTanh

  /// Reads the function's name at a key.
  ///
  /// - Throws: `ModelError.unsupported` with the names that are known.
  init(
    _ key: String, absent: String, _ reader: ConfigurationReader
  ) throws(ModelError) {
    switch try reader.choice(key, of: ["gelu", "gelu_new", "gelu_pytorch_tanh"], absent: absent) {
    case "gelu": self = .gelu
    default: self = .geluTanh
    }
  }

  /// The function of every element.
  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .gelu: Tensors.gelu(x)
    case .geluTanh: Tensors.geluTanh(x)
    }
  }
}
