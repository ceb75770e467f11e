import Tensors

/// The dtype names of the safetensors format and the element types that they stand for.
enum SafetensorsElementType {
  /// Every known pair, in the order in which the reference implementation lays tensors out.
  static let pairs: [(name: String, type: ElementType)] = [
    ("U64", .uint64), ("I64", .int64), ("F64", .float64), ("F32", .float32), ("U32", .uint32),
    ("I32", .int32), ("BF16", .bfloat16), ("F16", .float16), ("U16", .uint16), ("I16", .int16),
    ("F8_E8M0", .float8e8m0), ("F8_E4M3", .float8e4m3), ("F8_E5M2", .float8e5m2), ("I8", .int8),
    ("U8", .uint8), ("BOOL", .bool),
  ]

  /// The known names.
  static var names: [String] { pairs.map(\.name) }

  /// The element type of a dtype name, or `nil` where it is unknown.
  static func type(named name: String) -> ElementType? {
    pairs.first { $0.name.utf8.elementsEqual(name.utf8) }?.type
  }

  /// The dtype name of an element type, or `nil` where the format has none.
  static func name(of type: ElementType) -> String? { pairs.first { $0.type == type }?.name }

  /// A dtype's place in the order of a file, or `nil` where the format has none.
  static func rank(of type: ElementType) -> Int? { pairs.firstIndex { $0.type == type } }
}
