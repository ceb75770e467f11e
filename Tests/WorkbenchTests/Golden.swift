import Checkpoints
import DataFormats
import FoundationEssentials
import Tensors
import Testing

/// What the reference, transformers in f32, computed for one model; see make_models.py and
/// make_minilm_golden.py beside the files.
struct Golden {
  /// One text of the file.
  struct Text {
    let name: String
    let text: String?
    let ids: [Int]
    let byteSpans: [Range<Int>?]?
  }

  let texts: [Text]
  private let file: SafetensorsFile

  init(_ name: String) throws {
    file = try SafetensorsFile(path: "\(fixtures)/golden/\(name).safetensors")
    let document = try JSON(parsing: try bytes("\(fixtures)/golden/\(name).json"))
    texts = try #require(document["texts"]?.array).map { text in
      Text(
        name: try #require(text["name"]?.string), text: text["text"]?.string,
        ids: try #require(text["ids"]?.array).compactMap(\.integer),
        byteSpans: text["byteSpans"]?.array?.map { span in
          guard let low = span[0]?.integer, let high = span[1]?.integer else { return nil }
          return low..<high
        })
    }
  }

  /// One text by its name.
  func text(_ name: String) throws -> Text { try #require(texts.first { $0.name == name }) }

  /// Numbers by their name, such as `english.logits`.
  func tensor(_ name: String) throws -> Tensor { try file.tensor(named: name) }

  /// One map, `[queries × keys]`.
  func map(_ text: String, layer: Int, head: Int) throws -> [Float] {
    try tensor("\(text).attentions.\(layer)")[head].floats
  }
}

func bytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

/// The largest difference between numbers that are equally many.
func largestDifference(_ left: [Float], _ right: [Float]) throws -> Float {
  try #require(left.count == right.count)
  return zip(left, right).reduce(0) {
    // A number that isn't one must not hide behind comparisons that are false.
    $1.0.isFinite && $1.1.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity
  }
}

/// A text as a literal of the language.
func literal(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\n": result += "\\n"
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
