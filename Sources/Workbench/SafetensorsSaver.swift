import Checkpoints
import Interpreter
import Models
import Tensors

/// Writes values as safetensors, under the names that transformers gives the same tensors:
/// `input_ids`, `hidden_states.{i}`, `attentions.{i}` `[heads, queries, keys]`, `logits`,
/// `expert_choices.{i}` and `router_weights.{i}` `[tokens, chosen]`; an attribution as `scores`,
/// `gradient` and `delta`.
enum SafetensorsSaver {
  static let saver = Saver(fileExtension: ".safetensors") { value, context in
    guard let tensors = try tensors(of: value, in: context), !tensors.isEmpty else { return nil }
    try check(byteCount: tensors.reduce(0) { $0 + $1.tensor.byteCount })
    return try context.cancellation.leavingBehind {
      try SafetensorsWriter.bytes(
        tensors: tensors, metadata: [("format", "pt"), ("vitrine", Workbench.version)])
    }
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
      if let trace = object as? PairTraceValue { return try tensors(of: trace, in: context) }
      if let attribution = object as? AttributionValue { return attribution.tensors }
      if let concept = object as? ConceptValue { return concept.tensors }
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
    let count = trace.ids.count
    let perToken =
      (sizes.layers + 1) * sizes.width + sizes.layers * sizes.heads * count
      + (sizes.hasLanguageModelHead ? sizes.vocabulary : 0)
    try check(byteCount: count * perToken * MemoryLayout<Float>.size)
    var result = [("input_ids", try int64(trace.ids))]
    for layer in 0...sizes.layers {
      result.append(("hidden_states.\(layer)", try trace.hiddenStates(layer)))
    }
    for layer in 0..<sizes.layers {
      context.progress(
        "Computing attention", fraction: Double(layer) / Double(sizes.layers),
        detail: "layer \(layer) of \(sizes.layers)")
      result.append(
        (
          "attentions.\(layer)",
          try trace.attentionMaps(layer: layer, cancellation: context.cancellation)
        ))
    }
    if sizes.hasLanguageModelHead {
      result.append(("logits", try trace.logits(cancellation: context.cancellation)))
    }
    for layer in sizes.experts?.layers ?? [] {
      let choices = try trace.expertChoices(layer)
      result.append(
        ("expert_choices.\(layer)", try int64(choices.floats.map { Int($0) }, choices.shape)))
      result.append(("router_weights.\(layer)", try trace.routerWeights(layer)))
    }
    return result
  }

  /// `input_ids`, `decoder_input_ids`, hidden states and attentions of both stacks, and `logits`.
  private static func tensors(
    of value: PairTraceValue, in context: ExecutionContext
  ) throws -> [(name: String, tensor: Tensor)] {
    let trace = value.trace
    var result = [
      ("input_ids", try int64(trace.source.ids)), ("decoder_input_ids", try int64(trace.targetIDs)),
    ]
    var byteCount = 0
    for field in value.fieldNames where field.contains("_states") || field.contains("_attentions") {
      guard case .list(let list)? = try value.field(field, in: context) else { continue }
      for (layer, element) in list.enumerated() {
        guard case .tensor(let tensor) = element else { continue }
        byteCount += tensor.byteCount
        try check(byteCount: byteCount)
        result.append(("\(field).\(layer)", tensor))
      }
    }
    result.append(("logits", try trace.logits(cancellation: context.cancellation)))
    return result
  }

  /// Refuses a file that would be too large, before its numbers are computed.
  private static func check(byteCount: Int) throws {
    guard byteCount > 4 << 30 else { return }
    throw FunctionError(
      "The numbers take \(byteCount >> 20) MiB, more than `save` puts into one file.",
      hint: "Save some layers alone, such as t.attentions[3][5].", code: "too-large")
  }

  private static func int64(_ ids: [Int], _ shape: [Int]? = nil) throws -> Tensor {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(ids.count * 8)
    for id in ids {
      let bits = UInt64(bitPattern: Int64(id))
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
      }
    }
    return try Tensor(shape: shape ?? [ids.count], elementType: .int64, bytes: bytes)
  }
}
