import Checkpoints
import DataFormats

/// How a sentence encoder makes one vector of its last hidden states, as sentence-transformers'
/// `modules.json` says.
public struct SentencePooling: Sendable, Equatable {
  /// What is taken of the tokens.
  public enum Mode: String, Sendable {
    /// The mean over all tokens.
    case mean
    /// The first token's vector.
    case first = "cls"
    /// The largest value of each element over all tokens.
    case max
  }

  /// What is taken of the tokens.
  public var mode: Mode
  /// Whether the vector is scaled to length 1.
  public var isNormalized: Bool

  /// Makes a pooling.
  public init(mode: Mode = .mean, isNormalized: Bool = true) {
    self.mode = mode
    self.isNormalized = isNormalized
  }
}

extension LanguageModel {
  /// How the model's folder says that sentence vectors are made; mean and length 1 where it has no
  /// `modules.json`.
  ///
  /// - Throws: `ModelError` where the files ask for something that isn't supported.
  public func sentencePooling() throws(ModelError) -> SentencePooling {
    guard folder.contains("modules.json") else { return SentencePooling() }
    guard let modules = try Self.readJSON("modules.json", in: folder).array else {
      throw .malformedFile("modules.json", reason: "it is not a list of modules")
    }
    var pooling = SentencePooling(mode: .mean, isNormalized: false)
    for module in modules {
      let type = module["type"]?.string ?? ""
      switch type.split(separator: ".").last {
      case "Transformer": break
      case "Normalize": pooling.isNormalized = true
      case "Pooling":
        guard let path = module["path"]?.string, isPlainFileName(path) else {
          throw .malformedFile("modules.json", reason: "its pooling module has no folder's name")
        }
        pooling.mode = try Self.mode(
          ConfigurationReader(try Self.readObject("\(path)/config.json", in: folder)))
      default:
        throw .malformedFile(
          "modules.json",
          reason: "its module \(quoted(type)) is not supported: "
            + "supported are Transformer, Pooling and Normalize")
      }
    }
    return pooling
  }

  private static func mode(
    _ reader: ConfigurationReader
  ) throws(ModelError) -> SentencePooling.Mode {
    let modes: [(key: String, mode: SentencePooling.Mode?)] = [
      ("pooling_mode_cls_token", .first), ("pooling_mode_mean_tokens", .mean),
      ("pooling_mode_max_tokens", .max), ("pooling_mode_mean_sqrt_len_tokens", nil),
      ("pooling_mode_weightedmean_tokens", nil), ("pooling_mode_lasttoken", nil),
    ]
    var chosen: [(key: String, mode: SentencePooling.Mode?)] = []
    for mode in modes where try reader.truth(mode.key, absent: false) { chosen.append(mode) }
    guard let only = chosen.first else { return .mean }
    guard chosen.count == 1, let mode = only.mode else {
      let supported = modes.filter { $0.mode != nil }.map(\.key)
      throw .malformedFile(
        "modules.json",
        reason: "its pooling \(chosen.map(\.key).joined(separator: " and ")) is not supported: "
          + "supported is one of \(supported.joined(separator: ", "))")
    }
    return mode
  }
}
