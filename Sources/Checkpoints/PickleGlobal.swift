import Tensors

/// The functions and classes that a pickle of tensors may name.
enum PickleGlobal: Sendable, Equatable {
  case orderedDictionary
  case rebuildTensor
  case rebuildTypedTensor
  case rebuildParameter
  case storage(ElementType)
  case untypedStorage
  case elementType(ElementType)

  private static let storages: [(name: String, type: ElementType)] = [
    ("FloatStorage", .float32), ("HalfStorage", .float16), ("BFloat16Storage", .bfloat16),
    ("DoubleStorage", .float64), ("LongStorage", .int64), ("IntStorage", .int32),
    ("ShortStorage", .int16), ("CharStorage", .int8), ("ByteStorage", .uint8),
    ("BoolStorage", .bool),
  ]

  private static let elementTypes: [(name: String, type: ElementType)] = [
    ("float8_e4m3fn", .float8e4m3), ("float8_e5m2", .float8e5m2),
    ("float8_e8m0fnu", .float8e8m0), ("uint16", .uint16), ("uint32", .uint32),
    ("uint64", .uint64), ("float32", .float32), ("float16", .float16), ("bfloat16", .bfloat16),
    ("float64", .float64), ("int64", .int64), ("int32", .int32), ("int16", .int16),
    ("int8", .int8), ("uint8", .uint8), ("bool", .bool),
  ]

  /// The one of this name, or `nil` where it isn't among the known.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTypedTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch.storage", "UntypedStorage"): self = .untypedStorage
    case ("torch", _):
      if let known = Self.storages.first(where: { $0.name == name }) {
        self = .storage(known.type)
      } else if let known = Self.elementTypes.first(where: { $0.name == name }) {
        self = .elementType(known.type)
      } else {
        return nil
      }
    default: return nil
    }
  }

  /// Its name in Python.
  var name: String {
    switch self {
    case .orderedDictionary: "collections.OrderedDict"
    case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
    case .rebuildTypedTensor: "torch._utils._rebuild_tensor_v3"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .untypedStorage: "torch.storage.UntypedStorage"
    case .storage(let type):
      "torch.\(Self.storages.first { $0.type == type }?.name ?? type.name)"
    case .elementType(let type):
      "torch.\(Self.elementTypes.first { $0.type == type }?.name ?? type.name)"
    }
  }
}

/// Why a pickle isn't read.
public enum PickleFault: Error, Sendable, Equatable {
  case tooLong(byteCount: Int, limit: Int)
  case tooManyValues(limit: Int)
  case endsTooEarly
  case unknownProtocol(Int)
  case refusedOpcode(UInt8, offset: Int)
  case refusedGlobal(String)
  case stackEmpty
  case memoEmpty(Int)
  case textNotUTF8
  case numberTooLarge(byteCount: Int)
  case notAContainer(opcode: String)
  case notAFunction
  case malformedCall(function: String)
  case malformedStorage
  case viewBeyondStorage(shape: [Int], strides: [Int], offset: Int, count: Int)
  case noDictionary
  case unnamedTensor
  case missingEntry(String)
  case storageTooShort(entry: String, needed: Int, given: Int)
  case bigEndian

  /// What is wrong, as the second half of a sentence about the file.
  var sentence: String {
    switch self {
    case .tooLong(let count, let limit):
      "has a pickle of \(count) bytes: at most \(limit) are read"
    case .tooManyValues(let limit): "has a pickle that makes more than \(limit) values"
    case .endsTooEarly: "has a pickle that ends too early"
    case .unknownProtocol(let version):
      "has a pickle of protocol \(version): protocol 2 is read, which torch.save writes"
    case .refusedOpcode(let opcode, let offset):
      "has a pickle with the opcode \(Self.opcodeName(opcode)) at byte \(offset): "
        + "only those of tensors and plain containers are read, and nothing is run"
    case .refusedGlobal(let name):
      "has a pickle that asks for \(quoted(name)): "
        + "only tensors and plain containers are read, and nothing is run"
    case .stackEmpty: "has a pickle that takes more values than it made"
    case .memoEmpty(let key): "has a pickle that refers to value \(key), which it didn't make"
    case .textNotUTF8: "has a pickle with a text that is not UTF-8"
    case .numberTooLarge(let count):
      "has a pickle with a whole number of \(count) bytes: at most 8 are read"
    case .notAContainer(let opcode):
      "has a pickle whose \(opcode) doesn't follow a container of its kind"
    case .notAFunction: "has a pickle that calls something that is not a function"
    case .malformedCall(let function):
      "has a pickle that calls \(function) with arguments of another form"
    case .malformedStorage: "has a pickle with a malformed reference to stored numbers"
    case .viewBeyondStorage(let shape, let strides, let offset, let count):
      "has a tensor of shape \(shape) with strides \(strides) from element \(offset) on, "
        + "which its \(count) stored numbers don't hold"
    case .noDictionary: "holds no dictionary of named tensors"
    case .unnamedTensor: "holds a tensor whose name is not a text"
    case .missingEntry(let name): "has no entry \(quoted(name))"
    case .storageTooShort(let entry, let needed, let given):
      "says that its entry \(quoted(entry)) has \(needed) bytes of numbers, but it has \(given)"
    case .bigEndian: "stores its numbers with the highest byte first, which is not read"
    }
  }

  private static let opcodeNames: [UInt8: String] = [
    0x28: "MARK", 0x30: "POP", 0x31: "POP_MARK", 0x32: "DUP", 0x42: "BINBYTES",
    0x43: "SHORT_BINBYTES", 0x46: "FLOAT", 0x49: "INT", 0x4c: "LONG", 0x50: "PERSID",
    0x53: "STRING", 0x54: "BINSTRING", 0x55: "SHORT_BINSTRING", 0x56: "UNICODE", 0x64: "DICT",
    0x67: "GET", 0x69: "INST", 0x6c: "LIST", 0x6f: "OBJ", 0x70: "PUT", 0x81: "NEWOBJ",
    0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8b: "LONG4", 0x8c: "SHORT_BINUNICODE",
    0x8d: "BINUNICODE8", 0x8e: "BINBYTES8", 0x8f: "EMPTY_SET", 0x90: "ADDITEMS",
    0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL", 0x94: "MEMOIZE", 0x95: "FRAME",
    0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
  ]

  private static func opcodeName(_ opcode: UInt8) -> String {
    opcodeNames[opcode] ?? "0x" + String(opcode, radix: 16)
  }
}
