public import Tensors

/// A mapped file of `torch.save`: a zip archive of stored numbers and a pickle that names them.
///
/// Opening reads the archive's directory and the pickle, of which nothing is run; the numbers stay in
/// the file. A tensor whose elements don't lie one after the other is copied when it is asked for.
public struct PyTorchFile: Sendable, WeightsFile {
  /// The path as it was given.
  public let path: String
  /// The file's size in bytes.
  public var byteCount: Int { mapped.count }
  /// The names of the tensors in the pickle's order.
  public let names: [String]
  /// Empty: the format has no texts about the file as a whole.
  public var metadata: [(key: String, value: String)] { [] }

  /// Where a tensor's elements lie: `byteOffset` is in the file, `strides` in elements.
  private struct Place: Sendable {
    var byteOffset: Int
    var shape: [Int]
    var strides: [Int]
    var elementType: ElementType

    /// Whether the elements lie one after the other, last axis fastest.
    var isContiguous: Bool {
      var expected = 1
      for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
        guard stride == expected else { return shape.contains(0) }
        expected *= extent
      }
      return true
    }
  }

  private let mapped: MappedBytes
  private let places: [[UInt8]: Place]

  /// Maps a file and checks its directory, its pickle and every tensor's place.
  ///
  /// - Throws: `CheckpointError` that names the file and what is wrong with it.
  public init(path: String) throws(CheckpointError) {
    let file = fileName(of: path)
    let mapped = try MappedBytes(path: path, empty: .archive(.notAnArchive, file: file))
    let archive = try ZipArchive(
      byteCount: mapped.count,
      read: { range throws(CheckpointError) in try mapped.bytes(range) }, file: file)
    var ranges: [[UInt8]: Range<Int>] = [:]
    for entry in archive.entries { ranges[Array(entry.name.utf8)] = entry.range }
    let pickleName = "data.pkl"
    guard let pickle = archive.entries.first(where: { $0.name.hasSuffix("/" + pickleName) }) else {
      throw .pickle(.missingEntry(pickleName), file: file)
    }
    guard pickle.range.count <= PickleReader.longestPickle else {
      throw .pickle(
        .tooLong(byteCount: pickle.range.count, limit: PickleReader.longestPickle), file: file)
    }
    let root = pickle.name.dropLast(pickleName.count)
    if let order = ranges[Array("\(root)byteorder".utf8)],
      try mapped.bytes(order.prefix(16)).starts(with: "big".utf8)
    {
      throw .pickle(.bigEndian, file: file)
    }
    let bytes = try mapped.bytes(pickle.range)
    do {
      (names, places) = try Self.places(
        in: try PickleReader(bytes), ranges: ranges, root: String(root), file: file)
    } catch let fault as PickleFault {
      throw .pickle(fault, file: file)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
    self.path = path
    self.mapped = mapped
  }

  private static func places(
    in pickle: PickleReader, ranges: [[UInt8]: Range<Int>], root: String, file: String
  ) throws -> ([String], [[UInt8]: Place]) {
    guard var items = pickle.dictionary(pickle.root) else { throw PickleFault.noDictionary }
    if let inner = items.first(where: { $0.name == "state_dict" })?.value,
      let state = pickle.dictionary(inner)
    {
      items = state
    }
    var names: [String] = []
    var places: [[UInt8]: Place] = [:]
    for (name, value) in items {
      guard case .tensor(let index) = value else { continue }
      guard let name else { throw PickleFault.unnamedTensor }
      let view = pickle.views[index]
      let storage = pickle.storages[view.storage]
      let entry = "\(root)data/\(storage.key)"
      guard let range = ranges[Array(entry.utf8)] else { throw PickleFault.missingEntry(entry) }
      guard let needed = storage.byteCount, needed <= range.count else {
        throw PickleFault.storageTooShort(
          entry: entry, needed: storage.byteCount ?? .max, given: range.count)
      }
      let place = Place(
        byteOffset: range.lowerBound + view.offset * view.elementType.byteCount,
        shape: view.shape, strides: view.strides, elementType: view.elementType)
      guard places.updateValue(place, forKey: Array(name.utf8)) == nil else {
        throw CheckpointError.duplicateName(name, file: file)
      }
      names.append(name)
    }
    guard !names.isEmpty else { throw PickleFault.noDictionary }
    return (names, places)
  }

  /// The shape and the element type of a tensor, or `nil` where there is none of this name.
  public func layout(of name: String) -> (shape: [Int], elementType: ElementType)? {
    places[Array(name.utf8)].map { ($0.shape, $0.elementType) }
  }

  /// A tensor whose elements stay in the mapped file, or a copy where they lie apart.
  ///
  /// - Throws: `CheckpointError.missingTensor` where there is none of this name.
  public func tensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let place = places[Array(name.utf8)] else { throw missing(name) }
    guard place.isContiguous else { return try copy(place) }
    return try mapped.tensor(
      at: place.byteOffset, shape: place.shape, elementType: place.elementType)
  }

  /// The elements one after the other, last axis fastest.
  private func copy(_ place: Place) throws(CheckpointError) -> Tensor {
    let size = place.elementType.byteCount
    let reach = zip(place.shape, place.strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    let source = try mapped.bytes(place.byteOffset..<place.byteOffset + (reach + 1) * size)
    let count = place.shape.reduce(1, *)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * size)
    var indices = [Int](repeating: 0, count: place.shape.count)
    var start = 0
    for _ in 0..<count {
      bytes.append(contentsOf: source[start * size..<(start + 1) * size])
      var axis = indices.count - 1
      while axis >= 0 {
        indices[axis] += 1
        start += place.strides[axis]
        guard indices[axis] == place.shape[axis] else { break }
        start -= place.strides[axis] * place.shape[axis]
        indices[axis] = 0
        axis -= 1
      }
    }
    do {
      return try Tensor(shape: place.shape, elementType: place.elementType, bytes: bytes)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }
}

extension PickleReader {
  /// The names and values of a dictionary, or `nil` where the value is none; a name is `nil` where it isn't a text.
  func dictionary(_ value: Value) -> [(name: String?, value: Value)]? {
    guard case .container(let index) = value, containers[index].kind == .dictionary else {
      return nil
    }
    let items = containers[index].items
    return stride(from: 0, to: items.count - 1, by: 2).map { place in
      guard case .text(let name) = items[place] else { return (nil, items[place + 1]) }
      return (name, items[place + 1])
    }
  }
}
