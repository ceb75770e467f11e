import Checkpoints
import DataFormats
public import Tensors

extension Trainer {
  /// The weights as they are now, by the names of Hugging Face's layout, in the order of the model.
  ///
  /// They share the trainer's memory until the next step, which then works on a copy: what was handed out doesn't change.
  public var weights: [(name: String, tensor: Tensor)] {
    parameters.entries.map { ($0.name, $0.value) }
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
    let tensors = parameters.entries.map { entry in
      (
        name: entry.name,
        tensor: elementType == .bfloat16 && entry.role != .correction
          ? entry.value.converted(to: .bfloat16) : entry.value
      )
    }
    try SafetensorsWriter.write(
      tensors: tensors, metadata: [("format", "pt")], to: "\(folder)/model.safetensors")
  }
}
