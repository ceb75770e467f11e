public import Tensors

/// Named tensors in memory in place of a file.
struct TensorList: WeightsFile {
  let path: String
  let metadata: [(key: String, value: String)] = []
  private let tensors: [(name: String, tensor: Tensor)]
  private let places: [[UInt8]: Int]

  /// Precondition: no name is given twice.
  init(name: String, _ tensors: [(name: String, tensor: Tensor)]) {
    path = name
    self.tensors = tensors
    places = Dictionary(
      uniqueKeysWithValues: tensors.enumerated().map { (Array($0.element.name.utf8), $0.offset) })
  }

  var byteCount: Int { tensors.reduce(0) { $0 + $1.tensor.byteCount } }
  var names: [String] { tensors.map(\.name) }

  func layout(of name: String) -> (shape: [Int], elementType: ElementType)? {
    places[Array(name.utf8)].map { (tensors[$0].tensor.shape, tensors[$0].tensor.elementType) }
  }

  func tensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let place = places[Array(name.utf8)] else { throw missing(name) }
    return tensors[place].tensor
  }
}

extension Checkpoint {
  /// A checkpoint of tensors in memory, which has no files.
  ///
  /// Precondition: no name is given twice.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - tensors: the weights by the names of the published layout.
  public init(name: String, tensors: [(name: String, tensor: Tensor)]) {
    self.init(memory: TensorList(name: name, tensors))
  }
}
