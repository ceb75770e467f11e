// Small files of the containers, made byte by byte so that they can lie.

func littleEndian(_ value: Int, _ size: Int) -> [UInt8] {
  (0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// A zip archive of stored entries; the closures change the bytes of its records.
struct Archive {
  var entries: [(name: String, bytes: [UInt8])]
  /// Changes an entry's 30 bytes of local header.
  var local: (Int, inout [UInt8]) -> Void = { _, _ in }
  /// Changes an entry's record in the directory.
  var record: (Int, inout [UInt8]) -> Void = { _, _ in }
  /// Changes the 22 bytes at the end.
  var end: (inout [UInt8]) -> Void = { _ in }

  var bytes: [UInt8] {
    var data: [UInt8] = []
    var directory: [UInt8] = []
    for (index, entry) in entries.enumerated() {
      let name = Array(entry.name.utf8)
      var header: [UInt8] = [0x50, 0x4b, 3, 4] + [UInt8](repeating: 0, count: 26)
      header.replaceSubrange(26..<28, with: littleEndian(name.count, 2))
      local(index, &header)
      var record: [UInt8] = [0x50, 0x4b, 1, 2] + [UInt8](repeating: 0, count: 42)
      record.replaceSubrange(20..<24, with: littleEndian(entry.bytes.count, 4))
      record.replaceSubrange(24..<28, with: littleEndian(entry.bytes.count, 4))
      record.replaceSubrange(28..<30, with: littleEndian(name.count, 2))
      record.replaceSubrange(42..<46, with: littleEndian(data.count, 4))
      record += name
      self.record(index, &record)
      data += header + name + entry.bytes
      directory += record
    }
    var end: [UInt8] = [0x50, 0x4b, 5, 6] + [UInt8](repeating: 0, count: 18)
    end.replaceSubrange(8..<10, with: littleEndian(entries.count, 2))
    end.replaceSubrange(10..<12, with: littleEndian(entries.count, 2))
    end.replaceSubrange(12..<16, with: littleEndian(directory.count, 4))
    end.replaceSubrange(16..<20, with: littleEndian(data.count, 4))
    self.end(&end)
    return data + directory + end
  }
}

/// Opcodes of pickles.
enum Opcodes {
  static func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }
  static func text(_ text: String) -> [UInt8] {
    [0x58] + littleEndian(text.utf8.count, 4) + Array(text.utf8)
  }
  static func integer(_ value: Int) -> [UInt8] { [0x8a, 8] + littleEndian(value, 8) }
  static func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
  static func integers(_ values: [Int]) -> [UInt8] { tuple(values.map(integer)) }
  static func call(_ module: String, _ name: String, _ arguments: [[UInt8]]) -> [UInt8] {
    global(module, name) + tuple(arguments) + [0x52]
  }
  static func storage(_ key: String = "0", type: String = "FloatStorage", count: Int) -> [UInt8] {
    tuple([text("storage"), global("torch", type), text(key), text("cpu"), integer(count)]) + [0x51]
  }
  static func tensor(
    _ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int]
  ) -> [UInt8] {
    call(
      "torch._utils", "_rebuild_tensor_v2",
      [storage, integer(offset), integers(shape), integers(strides), [0x89], [0x7d]])
  }
  /// A pickle of a dictionary with these values.
  static func dictionary(_ items: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
    [0x80, 2, 0x7d, 0x28] + items.flatMap { $0.key + $0.value } + [0x75, 0x2e]
  }
  /// A PyTorch file of a pickle and four numbers.
  static func file(_ pickle: [UInt8], numbers: [UInt8] = Array(0..<16)) -> [UInt8] {
    Archive(entries: [("x/data.pkl", pickle), ("x/data/0", numbers)]).bytes
  }
}

/// A GGUF file, with counts that may lie.
struct GGUFBytes {
  var version = 3
  var keys: [[UInt8]] = []
  var tensors: [[UInt8]] = []
  var keyCount: Int?
  var tensorCount: Int?
  var dataByteCount = 64

  static func text(_ text: String) -> [UInt8] {
    littleEndian(text.utf8.count, 8) + Array(text.utf8)
  }
  static func key(_ name: String, _ type: Int, _ value: [UInt8]) -> [UInt8] {
    text(name) + littleEndian(type, 4) + value
  }
  static func tensor(_ name: String, _ extents: [Int], type: Int = 0, offset: Int = 0) -> [UInt8] {
    text(name) + littleEndian(extents.count, 4) + extents.flatMap { littleEndian($0, 8) }
      + littleEndian(type, 4) + littleEndian(offset, 8)
  }

  var bytes: [UInt8] {
    var bytes = Array("GGUF".utf8) + littleEndian(version, 4)
    bytes += littleEndian(tensorCount ?? tensors.count, 8)
    bytes += littleEndian(keyCount ?? keys.count, 8)
    bytes += keys.flatMap { $0 } + tensors.flatMap { $0 }
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32 + dataByteCount)
    return bytes
  }
}
