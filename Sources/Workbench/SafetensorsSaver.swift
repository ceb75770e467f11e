import Checkpoints
import Interpreter
import Models
import Tensors

/// Writes values as safetensors, under the names that transformers gives the same tensors:
/// `input_ids`, `hidden_states.{i}`, `attentions.{i}` `[heads, queries, keys]`, `logits`.
enum SafetensorsSaver {
  static let saver = Saver(fileExtension: ".safetensors") { value, context in
    guard let tensors = try tensors(of: value, in: context), !tensors.isEmpty else { return nil }
    let size = tensors.reduce(0) { $0 + $1.tensor.byteCount }
    guard size <= 4 << 30 else {
      throw FunctionError(
        "The numbers take \(size >> 20) MiB, more than `save` puts into one file.",
        hint: "Save some layers alone, such as t.attentions[3][5].", code: "too-large")
    }
    return try SafetensorsWriter.bytes(
      tensors: tensors, metadata: [("format", "pt"), ("vitrine", Workbench.version)])
  }

  private static func tensors(
    of value: Value, in context: ExecutionContext
  ) throws -> [(name: String, tensor: Tensor)]? {
    switch value {
    case .tensor(let tensor): return [("tensor", tensor)]
    case .record(let record):
      var result: [(name: String, tensor: Tensor)] = []
      for member in record.members {
        guard case .tensor(let tensor) = member.value else { return nil }
        result.append((member.name, tensor))
      }
      return result
    case .object(let object):
      if let trace = object as? TraceValue { return try tensors(of: trace, in: context) }
      if let map = object as? AttentionMapValue { return [("attention", map.weights)] }
      let name =
        object is PointsValue
        ? "embeddings" : object is ProjectionValue ? "coordinates" : "tensor"
      guard case .tensor(let tensor)? = try object.asTensor() else { return nil }
      return [(name, tensor)]
    default: return nil
    }
  }

  private static func tensors(
    of value: TraceValue, in context: ExecutionContext
  ) throws -> [(name: String, tensor: Tensor)] {
    let trace = value.trace
    let sizes = trace.model.configuration
    var result = [("input_ids", try int64(trace.ids))]
    for layer in 0...sizes.layers {
      result.append(("hidden_states.\(layer)", try trace.hiddenStates(layer)))
    }
    let count = trace.ids.count
    for layer in 0..<sizes.layers {
      context.progress(
        "Computing attention", fraction: Double(layer) / Double(sizes.layers),
        detail: "layer \(layer) of \(sizes.layers)")
      var maps: [Float] = []
      maps.reserveCapacity(sizes.heads * count * count)
      for head in 0..<sizes.heads {
        maps += try trace.attentionMap(
          layer: layer, head: head, cancellation: context.cancellation
        ).floats
      }
      result.append(("attentions.\(layer)", Tensor(shape: [sizes.heads, count, count], maps)))
    }
    if sizes.hasLanguageModelHead {
      result.append(("logits", try trace.logits(cancellation: context.cancellation)))
    }
    return result
  }

  private static func int64(_ ids: [Int]) throws -> Tensor {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(ids.count * 8)
    for id in ids {
      let bits = UInt64(bitPattern: Int64(id))
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
      }
    }
    return try Tensor(shape: [ids.count], elementType: .int64, bytes: bytes)
  }
}
