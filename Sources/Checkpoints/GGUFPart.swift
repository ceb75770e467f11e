import Tensors

/// One file of a GGUF model: all of it, or a part of what llama.cpp's gguf-split has cut.
///
/// Parts lie in one folder, their names end in `-00001-of-00003.gguf`, each tells its number, and the first has the metadata.
struct GGUFPart: Sendable {
  let path: String
  let mapped: MappedBytes
  let header: GGUFHeader

  /// Maps a file and checks its header.
  init(path: String) throws(CheckpointError) {
    let file = fileName(of: path)
    let mapped = try MappedBytes(path: path, empty: .gguf(.notGGUF, file: file))
    header = try GGUFHeader(
      byteCount: mapped.count,
      read: { range throws(CheckpointError) in try mapped.bytes(range) }, file: file)
    self.mapped = mapped
    self.path = path
  }

  /// What the name of a part says, without its end; `nil` of other names.
  static func place(inName name: String) -> (stem: String, number: Int, count: Int)? {
    let bytes = Array(name.utf8)
    let ending = Array("-00000-of-00000.gguf".utf8)
    guard bytes.count > ending.count else { return nil }
    let tail = Array(bytes.suffix(ending.count))
    let zero = UInt8(ascii: "0")
    func isDigit(_ byte: UInt8) -> Bool { (zero...UInt8(ascii: "9")).contains(byte) }
    for (byte, expected) in zip(tail, ending) {
      guard expected == zero ? isDigit(byte) : byte == expected else { return nil }
    }
    func number(_ range: Range<Int>) -> Int { tail[range].reduce(0) { 10 * $0 + Int($1 - zero) } }
    return (
      String(decoding: bytes.dropLast(ending.count), as: UTF8.self), number(1..<6),
      number(10..<15)
    )
  }

  /// All parts of the model that this file belongs to, the first with the metadata.
  func all() throws(CheckpointError) -> [GGUFPart] {
    guard let count = header.metadata["split.count"]?.integer, count > 1 else { return [self] }
    let file = fileName(of: path)
    guard let place = Self.place(inName: file), place.count == count else {
      throw .gguf(.partUnnamed(count: count), file: file)
    }
    var parts: [GGUFPart] = []
    for number in 1...count {
      let name = "\(place.stem)-\(Self.digits(number))-of-\(Self.digits(count)).gguf"
      let path = String(decoding: path.utf8.dropLast(file.utf8.count), as: UTF8.self) + name
      guard FileSystem.kind(of: path) == .file else {
        throw .gguf(.partMissing(name), file: file)
      }
      let part = number == place.number ? self : try GGUFPart(path: path)
      guard part.header.metadata["split.no"]?.integer == number - 1,
        part.header.metadata["split.count"]?.integer == count
      else { throw .gguf(.partMisnumbered(number: number, count: count), file: name) }
      parts.append(part)
    }
    let found = parts.reduce(0) { $0 + $1.header.entries.count }
    if let told = parts[0].header.metadata["split.tensors.count"]?.integer, told != found {
      throw .gguf(.wrongTensorCount(expected: told, found: found), file: file)
    }
    return parts
  }

  /// Five digits.
  private static func digits(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
  }
}
