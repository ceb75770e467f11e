/// Why a checkpoint can't be used; `description` is one sentence that names the file or the tensor.
public enum CheckpointError: Error, Sendable, Equatable {
  // What is found, or not, in the file system.
  case notFound(path: String)
  case noWeights(folder: String, otherFormats: [String])
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case fileTooLarge(path: String, byteCount: Int, limit: Int)
  case unsafeFileName(String, index: String)
  case missingShard(String, index: String)
  case severalSnapshots(folder: String, names: [String])
  case severalFiles(folder: String, names: [String])

  // A safetensors file as a whole.
  case tooShort(file: String, byteCount: Int)
  case headerTooLong(file: String, headerByteCount: UInt64, limit: Int)
  case headerBeyondFile(file: String, headerByteCount: UInt64, fileByteCount: Int)
  case headerNotJSON(file: String, offset: Int, reason: String)
  case headerNotObject(file: String)
  case metadataNotText(file: String, key: String)
  case duplicateName(String, file: String)
  case gap(file: String, range: Range<Int>)

  // One tensor's entry.
  case malformedEntry(tensor: String, file: String, field: String, expected: String)
  case unknownElementType(String, tensor: String, file: String)
  case shapeOverflow(tensor: String, file: String, shape: [Int])
  case sizeMismatch(
    tensor: String, file: String, elementType: String, shape: [Int], needed: Int, given: Int)
  case reversedOffsets(tensor: String, file: String, begin: Int, end: Int)
  case offsetsBeyondFile(tensor: String, file: String, end: Int, dataByteCount: Int)
  case overlap(tensor: String, other: String, file: String)

  // Files of other containers.
  case archive(ArchiveFault, file: String)
  case pickle(PickleFault, file: String)
  case gguf(GGUFFault, file: String)
  case cutBlocks(
    tensor: String, file: String, elementType: String, shape: [Int], blockLength: Int)
  case scalesDoNotFit(
    tensor: String, shape: [Int], scales: [Int], block: [Int], checkpoint: String)

  // Several files together.
  case indexMalformed(file: String, reason: String)
  case absentFromShard(tensor: String, shard: String, index: String)
  case missingTensor(String, checkpoint: String, nearest: String?)
}

extension CheckpointError: CustomStringConvertible {
  private static let expectedWeights =
    "model.safetensors, pytorch_model.bin, the index of either, or one .gguf file"

  /// One sentence: what is wrong, in which file or tensor, and what would be right.
  public var description: String {
    switch self {
    case .notFound(let path):
      "There is no file or folder at \(quoted(path))."
    case .noWeights(let folder, let others) where others.isEmpty:
      "The folder \(quoted(folder)) holds no weights: "
        + "\(Self.expectedWeights) is expected."
    case .noWeights(let folder, let others):
      "The folder \(quoted(folder)) holds its weights as \(others.joined(separator: ", ")), "
        + "which can't be read: \(Self.expectedWeights) is expected."
    case .unreadable(let path, let reason):
      "\(quoted(path)) can't be read: \(reason)."
    case .unwritable(let path, let reason):
      "\(quoted(path)) can't be written: \(reason)."
    case .fileTooLarge(let path, let byteCount, let limit):
      "\(quoted(path)) has \(byteCount) bytes, more than the \(limit) expected of such a file."
    case .unsafeFileName(let name, let index):
      "\(quoted(index)) names the file \(quoted(name)): "
        + "only plain file names inside the same folder are followed."
    case .missingShard(let name, let index):
      "The file \(quoted(name)), which \(quoted(index)) names, is missing."
    case .severalSnapshots(let folder, let names):
      "\(quoted(folder)) holds several snapshots and no refs/main that chooses one: "
        + "give the path of \(names.map(quoted).joined(separator: " or "))."
    case .severalFiles(let folder, let names):
      "\(quoted(folder)) holds several models: "
        + "give the path of \(names.map(quoted).joined(separator: " or "))."
    case .archive(let fault, let file): "\(quoted(file)) \(fault.sentence)."
    case .pickle(let fault, let file): "\(quoted(file)) \(fault.sentence)."
    case .gguf(let fault, let file): "\(quoted(file)) \(fault.sentence)."
    case .cutBlocks(let tensor, let file, let elementType, let shape, let blockLength):
      "The tensor \(quoted(tensor)) in \(quoted(file)) has the shape \(shape), whose rows are no "
        + "whole blocks of \(blockLength) elements, as \(elementType) needs."
    case .scalesDoNotFit(let tensor, let shape, let scales, let block, let checkpoint):
      "The scales of \(quoted(tensor)) in \(quoted(checkpoint)) have the shape \(scales), which "
        + "doesn't give one to each block of \(block) in a weight of shape \(shape)."
    case .tooShort(let file, let byteCount):
      "\(quoted(file)) has \(byteCount) bytes: "
        + "a safetensors file starts with 8 bytes that give its header's length."
    case .headerTooLong(let file, let count, let limit):
      "\(quoted(file)) claims a header of \(count) bytes: at most \(limit) are allowed."
    case .headerBeyondFile(let file, let count, let fileByteCount):
      "\(quoted(file)) claims a header of \(count) bytes, but the whole file has \(fileByteCount)."
    case .headerNotJSON(let file, let offset, let reason):
      "The header of \(quoted(file)) is not JSON: \(reason) at byte \(offset)."
    case .headerNotObject(let file):
      "The header of \(quoted(file)) is not a JSON object of tensor names."
    case .metadataNotText(let file, let key):
      "The header of \(quoted(file)) has a __metadata__ entry \(quoted(key)) that is not a text."
    case .duplicateName(let name, let file):
      "\(quoted(file)) names the tensor \(quoted(name)) twice."
    case .gap(let file, let range):
      "Bytes \(range.lowerBound) to \(range.upperBound) of the data in \(quoted(file)) belong to no "
        + "tensor: the tensors must cover the data without gaps."
    case .malformedEntry(let tensor, let file, let field, let expected):
      "The tensor \(quoted(tensor)) in \(quoted(file)) has no valid \(field): \(expected) is expected."
    case .unknownElementType(let name, let tensor, let file):
      "The tensor \(quoted(tensor)) in \(quoted(file)) has the unknown dtype \(quoted(name)): "
        + "known are \(SafetensorsElementType.names.joined(separator: ", "))."
    case .shapeOverflow(let tensor, let file, let shape):
      "The tensor \(quoted(tensor)) in \(quoted(file)) has the shape \(shape), "
        + "whose size can't be counted in 64 bits."
    case .sizeMismatch(let tensor, let file, let elementType, let shape, let needed, let given):
      "The tensor \(quoted(tensor)) in \(quoted(file)) needs \(needed) bytes "
        + "(\(elementType) \(shape)), but its offsets span \(given)."
    case .reversedOffsets(let tensor, let file, let begin, let end):
      "The tensor \(quoted(tensor)) in \(quoted(file)) begins at byte \(begin) and ends before it, "
        + "at byte \(end)."
    case .offsetsBeyondFile(let tensor, let file, let end, let dataByteCount):
      "The tensor \(quoted(tensor)) in \(quoted(file)) ends at byte \(end), "
        + "but the file has only \(dataByteCount) bytes of data."
    case .overlap(let tensor, let other, let file):
      "The tensors \(quoted(other)) and \(quoted(tensor)) in \(quoted(file)) overlap."
    case .indexMalformed(let file, let reason):
      "The index \(quoted(file)) can't be used: \(reason)."
    case .absentFromShard(let tensor, let shard, let index):
      "\(quoted(index)) says that \(quoted(shard)) holds the tensor \(quoted(tensor)), but it doesn't."
    case .missingTensor(let name, let checkpoint, let nearest):
      "\(quoted(checkpoint)) holds no tensor \(quoted(name))"
        + (nearest.map { "; the nearest name is \(quoted($0))." } ?? ".")
    }
  }
}

/// A name from outside in quotation marks, made fit for one line of text.
///
/// Control characters are shown as `\u{…}`, and a name longer than 200 characters is cut.
package func quoted(_ name: String) -> String {
  var result = "\""
  var count = 0
  for scalar in name.unicodeScalars {
    guard count < 200 else {
      result += "…"
      break
    }
    count += 1
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
