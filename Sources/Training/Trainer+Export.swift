import Checkpoints
import DataFormats
public import Tensors

extension Trainer {
  /// The weights as they are now, by the names of Hugging Face's layout, in the order of the model.
  ///
  /// They share the trainer's memory until the next step, which then works on a copy: what was handed out doesn't change.
  ///
  /// Adaptations are added to the maps that they adapt.
  public var weights: [(name: String, tensor: Tensor)] {
    get throws {
      let entries = parameters.entries
      var places: [String: Int] = [:]
      for (place, entry) in entries.enumerated() where entry.role == .adapterDown {
        places[String(entry.name.dropLast(".lora_A.weight".count)) + ".weight"] = place
      }
      return try entries.filter { $0.role != .adapterDown && $0.role != .adapterUp }.map { entry in
        guard let place = places[entry.name], let adaptation else {
          return (entry.name, entry.value)
        }
        // B follows A.
        var change = try matrixProduct(
          entries[place + 1].value, entries[place].value, cancellation: nil)
        change.scale(by: adaptation.scale)
        change.add(entry.value)
        return (entry.name, change)
      }
    }
  }

  /// The gradients of the last step, before clipping, by the names of the weights that they belong to; empty before the
  /// first.
  ///
  /// They share the trainer's memory until the next step.
  public var gradients: [(name: String, tensor: Tensor)] {
    parameters.entries.filter(\.hasGradient).map { ($0.name, $0.gradient) }
  }

  /// The same weights as they are exported: in an element type, but for routers' corrections.
  public func weights(as elementType: ElementType) throws -> [(name: String, tensor: Tensor)] {
    let corrections = Set(
      parameters.entries.filter { $0.role == .correction }.map { $0.name })
    return try weights.map { name, tensor in
      (
        name,
        elementType == .bfloat16 && !corrections.contains(name)
          ? tensor.converted(to: .bfloat16) : tensor
      )
    }
  }

  /// Writes `config.json` and `model.safetensors` to a folder, as transformers and `LanguageModel` load them.
  ///
  /// - Parameters:
  ///   - folder: is made where it isn't there.
  ///   - elementType: `bfloat16`, rounded to nearest even, or `float32`. A router's corrections stay `float32`.
  ///   - files: further files by name, such as `tokenizer.json`.
  /// - Throws: `CheckpointError` or `TrainingRecordError` where a file can't be written.
  public func export(
    to folder: String, elementType: ElementType = .bfloat16,
    files: [(name: String, bytes: [UInt8])] = []
  ) throws {
    try SystemFile.makeFolder(folder)
    var members = configuration.members.filter { $0.key != "dtype" && $0.key != "torch_dtype" }
    members.append(
      .init(key: "torch_dtype", value: .string(elementType == .bfloat16 ? "bfloat16" : "float32")))
    let text = JSON.object(JSONObject(members: members)).serialized(indentation: 2) + "\n"
    for (name, bytes) in [("config.json", Array(text.utf8))] + files {
      try SystemFile(creating: "\(folder)/\(name)", replacing: true).write(bytes)
    }
    try SafetensorsWriter.write(
      tensors: try weights(as: elementType), metadata: [("format", "pt")],
      to: "\(folder)/model.safetensors")
  }
}
