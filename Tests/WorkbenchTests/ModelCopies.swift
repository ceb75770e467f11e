import Checkpoints
import DataFormats
import FoundationEssentials
import Tensors
import Testing

/// Copies a tiny model's files to a folder.
func copyModel(_ name: String, to folder: String) throws {
  let files = FileManager.default
  try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
  for file in try files.contentsOfDirectory(atPath: "\(fixtures)/\(name)") {
    try files.copyItem(atPath: "\(fixtures)/\(name)/\(file)", toPath: "\(folder)/\(file)")
  }
}

func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(filePath: path))
}

/// Changes a JSON file's object.
func edit(_ path: String, _ change: (inout JSONObject) -> Void) throws {
  var object = try #require(try JSON(parsing: try bytes(path)).object)
  change(&object)
  try write(JSON.object(object).serializedBytes(), to: path)
}

/// Changes the tensors of a safetensors file.
func editTensors(
  _ path: String, _ change: (inout [(name: String, tensor: Tensor)]) -> Void
) throws {
  let file = try SafetensorsFile(path: path)
  var tensors = try file.names.map { (name: $0, tensor: try file.tensor(named: $0)) }
  change(&tensors)
  let bytes = try SafetensorsWriter.bytes(tensors: tensors, metadata: [])
  try write(bytes, to: path)
}

/// Changes the header of a safetensors file, and nothing else in it.
func editHeader(_ path: String, _ change: (String) -> String) throws {
  let file = try bytes(path)
  let length = (0..<8).reduce(0) { $0 | Int(file[$1]) << (8 * $1) }
  let header = Array(change(String(decoding: file[8..<8 + length], as: UTF8.self)).utf8)
  let count = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
  try write(count + header + file[(8 + length)...], to: path)
}

func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

extension String {
  /// The text with another one in a place.
  func replacingCharacters(_ range: Range<Index>, with text: String) -> String {
    var result = self
    result.replaceSubrange(range, with: text)
    return result
  }

  /// A safetensors header in which a tensor has another shape.
  func replacingShape(of name: String, with shape: String) -> String {
    guard let place = firstRange(of: "\"\(name)\""),
      let found = self[place.upperBound...].firstMatch(of: #/"shape":\[[^\]]*\]/#)
    else { return self }
    return replacingCharacters(found.range, with: "\"shape\":\(shape)")
  }
}
