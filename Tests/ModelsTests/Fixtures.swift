import Checkpoints
import DataFormats
import Glibc
import Models
import Tensors
import Testing

/// The folder of the tiny models and the reference's numbers.
let fixtures =
  #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/Models"

/// One text of a golden file.
struct GoldenText: Sendable {
  let name: String
  let text: String?
  let ids: [Int]
  let byteSpans: [Range<Int>?]?
}

/// What the reference computed for one model.
struct Golden {
  let texts: [GoldenText]
  private let file: SafetensorsFile

  /// The tensors of `kind`, such as `.gradients`, or those of the runs.
  init(_ name: String, kind: String = "", in folder: String = fixtures) throws {
    file = try SafetensorsFile(path: "\(folder)/golden/\(name)\(kind).safetensors")
    let document = try JSON(parsing: try contents("\(folder)/golden/\(name).json"))
    texts = try #require(document["texts"]?.array).map { text in
      GoldenText(
        name: try #require(text["name"]?.string), text: text["text"]?.string,
        ids: try #require(text["ids"]?.array).compactMap(\.integer),
        byteSpans: text["byteSpans"]?.array?.map { span in
          guard let low = span[0]?.integer, let high = span[1]?.integer else { return nil }
          return low..<high
        })
    }
  }

  func tensor(_ name: String) throws -> Tensor { try file.tensor(named: name) }
}

func contents(_ path: String) throws -> [UInt8] {
  let stream = try #require(fopen(path, "rb"), "\(path) can't be opened")
  defer { fclose(stream) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&chunk, 1, chunk.count, stream)
    if count == 0 { return bytes }
    bytes += chunk[..<count]
  }
}

/// The largest difference between two tensors of one shape.
func largestDifference(_ left: Tensor, _ right: Tensor) throws -> Float {
  try #require(left.shape == right.shape)
  return zip(left.floats, right.floats).reduce(0) {
    // A number that isn't one must not hide behind comparisons that are false.
    $1.0.isFinite && $1.1.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity
  }
}

/// The largest magnitude in a tensor.
func largestMagnitude(_ tensor: Tensor) -> Float { tensor.floats.reduce(0) { max($0, abs($1)) } }

/// The largest differences seen, as shares of what is allowed.
struct Deviation: CustomStringConvertible {
  /// Relative to the largest magnitude; 1e-4 is allowed.
  var hidden: Float = 0
  /// Absolute; 1e-5 is allowed.
  var attention: Float = 0
  /// Relative to the largest magnitude; 1e-4 is allowed.
  var logits: Float = 0

  var description: String { "hidden \(hidden), attention \(attention), logits \(logits)" }
}

/// Compares all hidden states, maps and logits of a run with the reference's.
func deviation(
  of trace: Trace, from golden: Golden, text: String, hasLogits: Bool
) throws -> Deviation {
  var result = Deviation()
  let sizes = trace.model.configuration
  for layer in 0...sizes.layers {
    let reference = try golden.tensor("\(text).hidden_states.\(layer)")
    let difference = try largestDifference(try trace.hiddenStates(layer), reference)
    result.hidden = max(result.hidden, difference / largestMagnitude(reference))
  }
  for layer in 0..<sizes.layers {
    let reference = try golden.tensor("\(text).attentions.\(layer)")
    #expect(reference.shape == [sizes.heads, trace.ids.count, trace.ids.count])
    for head in 0..<sizes.heads {
      let map = try trace.attentionMap(layer: layer, head: head)
      let expected = reference.rows(head..<head + 1).reshaped(map.shape)
      result.attention = max(result.attention, try largestDifference(map, expected))
    }
  }
  if hasLogits {
    let reference = try golden.tensor("\(text).logits")
    let difference = try largestDifference(try trace.logits(), reference)
    result.logits = difference / largestMagnitude(reference)
  }
  return result
}

func expectWithinTolerance(_ deviation: Deviation, _ what: String) {
  #expect(deviation.hidden <= 1e-4, "\(what): \(deviation)")
  #expect(deviation.attention <= 1e-5, "\(what): \(deviation)")
  #expect(deviation.logits <= 1e-4, "\(what): \(deviation)")
  if getenv("VITRINE_SHOW_DEVIATIONS") != nil { print("deviation \(what): \(deviation)") }
}

/// The sentence of the error that a body throws.
func failure(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
