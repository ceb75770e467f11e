import Tensors

/// Reads the pickle of a PyTorch file: tensors and plain containers, and nothing that would run.
///
/// A pickle is a program for a small stack machine that may call any function of Python. This machine
/// knows the opcodes of protocol 2 that `torch.save` writes and the few functions that make
/// tensors; every other opcode or function ends the reading. Containers live in one list and refer to
/// each other by number, so that no nesting and no cycle can exhaust the stack: the work is proportional
/// to the pickle's length, and how many values it may make is limited.
struct PickleReader {
  /// The longest pickle that is read; a model of 100,000 tensors needs about 15 MB.
  static let longestPickle = 64 << 20

  /// The most containers, values on the stack, and remembered values; a tensor needs about five containers.
  static let mostValues = 2_000_000

  /// Something on the stack.
  enum Value: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case global(PickleGlobal)
    case container(Int)
    case storage(Int)
    case tensor(Int)
  }

  /// A tuple, a list, or a dictionary with its keys and values in turn.
  struct Container: Sendable {
    enum Kind: Sendable { case tuple, list, dictionary }
    var kind: Kind
    var items: [Value]
  }

  /// The numbers that tensors are views of.
  struct Storage: Sendable, Equatable {
    /// The archive's entry, after the folder `data/`.
    var key: String
    /// The type, or `nil` for bytes whose type each tensor gives.
    var elementType: ElementType?
    /// How many elements, or bytes where there is no type.
    var count: Int

    /// The size in bytes, or `nil` where it can't be counted.
    var byteCount: Int? {
      let (size, overflow) = count.multipliedReportingOverflow(by: elementType?.byteCount ?? 1)
      return overflow ? nil : size
    }
  }

  /// A view of a storage, in elements.
  struct View: Sendable, Equatable {
    var storage: Int
    var elementType: ElementType
    var offset: Int
    var shape: [Int]
    var strides: [Int]
  }

  private(set) var containers: [Container] = []
  private(set) var storages: [Storage] = []
  private(set) var views: [View] = []
  /// What the pickle is a pickle of.
  private(set) var root: Value = .none

  private let bytes: [UInt8]
  private var place = 0
  private var stack: [Value] = []
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]

  /// Runs a pickle to its end.
  init(_ bytes: [UInt8]) throws(PickleFault) {
    self.bytes = bytes
    guard bytes.count <= Self.longestPickle else {
      throw .tooLong(byteCount: bytes.count, limit: Self.longestPickle)
    }
    while true {
      let start = place
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") {
        root = try pop()
        return
      }
      try perform(opcode, at: start)
      guard max(containers.count, stack.count, memo.count, marks.count) <= Self.mostValues else {
        throw .tooManyValues(limit: Self.mostValues)
      }
    }
  }

  private mutating func perform(_ opcode: UInt8, at start: Int) throws(PickleFault) {
    switch opcode {
    case 0x80:
      let version = try byte()
      guard version == 2 else { throw .unknownProtocol(Int(version)) }
    case UInt8(ascii: "c"): stack.append(.global(try global()))
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: ")"): push(.tuple, [])
    case UInt8(ascii: "]"): push(.list, [])
    case UInt8(ascii: "}"): push(.dictionary, [])
    case UInt8(ascii: "t"): push(.tuple, try popToMark())
    case 0x85: push(.tuple, try pop(1))
    case 0x86: push(.tuple, try pop(2))
    case 0x87: push(.tuple, try pop(3))
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.integer(Int(try byte())))
    case UInt8(ascii: "M"): stack.append(.integer(Int(try number(2))))
    case UInt8(ascii: "J"):
      stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8a: stack.append(.integer(try long()))
    case UInt8(ascii: "G"):
      let bigEndian = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      stack.append(.number(Double(bitPattern: bigEndian)))
    case UInt8(ascii: "X"): stack.append(.text(try text()))
    case UInt8(ascii: "q"): try remember(Int(try byte()))
    case UInt8(ascii: "r"): try remember(Int(try number(4)))
    case UInt8(ascii: "h"): try recall(Int(try byte()))
    case UInt8(ascii: "j"): try recall(Int(try number(4)))
    case UInt8(ascii: "Q"): stack.append(try storage(try pop()))
    case UInt8(ascii: "R"):
      let arguments = try pop()
      let function = try pop()
      stack.append(try call(function, arguments))
    case UInt8(ascii: "b"):
      // The attributes of a dictionary (PyTorch's `_metadata`) say nothing about its tensors.
      _ = try pop()
      guard let top = stack.last, stack.count > marks.last ?? 0 else { throw .stackEmpty }
      guard case .container(let index) = top, containers[index].kind == .dictionary else {
        throw .notAContainer(opcode: "BUILD")
      }
    case UInt8(ascii: "s"): try add(try pop(2), to: .dictionary, opcode: "SETITEM")
    case UInt8(ascii: "u"): try add(try popToMark(), to: .dictionary, opcode: "SETITEMS")
    case UInt8(ascii: "a"): try add(try pop(1), to: .list, opcode: "APPEND")
    case UInt8(ascii: "e"): try add(try popToMark(), to: .list, opcode: "APPENDS")
    default: throw .refusedOpcode(opcode, offset: start)
    }
  }

  // MARK: Reading

  private mutating func byte() throws(PickleFault) -> UInt8 {
    guard place < bytes.count else { throw .endsTooEarly }
    defer { place += 1 }
    return bytes[place]
  }

  private mutating func take(_ count: Int) throws(PickleFault) -> ArraySlice<UInt8> {
    guard count <= bytes.count - place else { throw .endsTooEarly }
    defer { place += count }
    return bytes[place..<place + count]
  }

  private mutating func number(_ size: Int) throws(PickleFault) -> UInt64 {
    LittleEndian.unsigned(try take(size))
  }

  private mutating func text() throws(PickleFault) -> String {
    let count = try number(4)
    guard let text = String(validating: try take(Int(count)), as: UTF8.self) else {
      throw .textNotUTF8
    }
    return text
  }

  /// A whole number in as many bytes as it needs, of which 64-bit ones are known.
  private mutating func long() throws(PickleFault) -> Int {
    let count = Int(try byte())
    let digits = try take(count)
    guard count > 0 else { return 0 }
    guard count <= 8 else { throw .numberTooLarge(byteCount: count) }
    let shift = UInt64(64 - 8 * count)
    return Int(Int64(bitPattern: LittleEndian.unsigned(digits) << shift) >> Int64(shift))
  }

  private mutating func global() throws(PickleFault) -> PickleGlobal {
    func line() throws(PickleFault) -> String {
      guard let end = bytes[place...].prefix(1_000).firstIndex(of: 0x0a) else {
        throw .endsTooEarly
      }
      defer { place = end + 1 }
      return String(decoding: bytes[place..<end], as: UTF8.self)
    }
    let module = try line()
    let name = try line()
    guard let known = PickleGlobal(module: module, name: name) else {
      throw .refusedGlobal("\(module).\(name)")
    }
    return known
  }

  // MARK: The stack

  private mutating func push(_ kind: Container.Kind, _ items: [Value]) {
    containers.append(Container(kind: kind, items: items))
    stack.append(.container(containers.count - 1))
  }

  private mutating func pop() throws(PickleFault) -> Value {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else { throw .stackEmpty }
    return value
  }

  private mutating func pop(_ count: Int) throws(PickleFault) -> [Value] {
    guard stack.count - (marks.last ?? 0) >= count else { throw .stackEmpty }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws(PickleFault) -> [Value] {
    guard let mark = marks.popLast() else { throw .stackEmpty }
    let values = Array(stack[mark...])
    stack.removeLast(values.count)
    return values
  }

  private mutating func remember(_ key: Int) throws(PickleFault) {
    guard let top = stack.last, stack.count > marks.last ?? 0 else { throw .stackEmpty }
    memo[key] = top
  }

  private mutating func recall(_ key: Int) throws(PickleFault) {
    guard let value = memo[key] else { throw .memoEmpty(key) }
    stack.append(value)
  }

  private mutating func add(
    _ items: [Value], to kind: Container.Kind, opcode: String
  ) throws(PickleFault) {
    guard stack.count > marks.last ?? 0, case .container(let index) = stack.last,
      containers[index].kind == kind, kind == .list || items.count % 2 == 0
    else { throw .notAContainer(opcode: opcode) }
    containers[index].items.append(contentsOf: items)
  }

  // MARK: Calls

  private func tuple(_ value: Value) -> [Value]? {
    guard case .container(let index) = value, containers[index].kind == .tuple else { return nil }
    return containers[index].items
  }

  private func wholeNumbers(_ value: Value) -> [Int]? {
    guard let items = tuple(value) else { return nil }
    var numbers: [Int] = []
    for item in items {
      guard case .integer(let number) = item, number >= 0 else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The storage that a persistent id names: ("storage", class, key, device, count).
  private mutating func storage(_ identifier: Value) throws(PickleFault) -> Value {
    guard let parts = tuple(identifier), parts.count == 5,
      case .text("storage") = parts[0], case .global(let type) = parts[1],
      case .text(let key) = parts[2], case .integer(let count) = parts[4], count >= 0
    else { throw .malformedStorage }
    let storage: Storage
    switch type {
    case .storage(let elementType):
      storage = Storage(key: key, elementType: elementType, count: count)
    case .untypedStorage: storage = Storage(key: key, elementType: nil, count: count)
    default: throw .malformedStorage
    }
    guard storage.byteCount != nil else { throw .malformedStorage }
    storages.append(storage)
    return .storage(storages.count - 1)
  }

  private mutating func call(
    _ function: Value, _ arguments: Value
  ) throws(PickleFault) -> Value {
    guard case .global(let global) = function else { throw .notAFunction }
    guard let arguments = tuple(arguments) else {
      throw .malformedCall(function: global.name)
    }
    switch global {
    case .orderedDictionary:
      guard arguments.isEmpty else { throw .malformedCall(function: global.name) }
      containers.append(Container(kind: .dictionary, items: []))
      return .container(containers.count - 1)
    case .rebuildParameter:
      guard case .tensor(let index)? = arguments.first, arguments.count == 3 else {
        throw .malformedCall(function: global.name)
      }
      return .tensor(index)
    case .rebuildTensor, .rebuildTypedTensor:
      views.append(try view(global, arguments))
      return .tensor(views.count - 1)
    case .storage, .untypedStorage, .elementType: throw .notAFunction
    }
  }

  /// A tensor from (storage, offset, size, stride, requires_grad, hooks[, element type]).
  private func view(
    _ function: PickleGlobal, _ arguments: [Value]
  ) throws(PickleFault) -> View {
    let malformed = PickleFault.malformedCall(function: function.name)
    guard arguments.count >= 6, arguments.count <= 8, case .storage(let number) = arguments[0],
      case .integer(let offset) = arguments[1], offset >= 0,
      let shape = wholeNumbers(arguments[2]), let strides = wholeNumbers(arguments[3]),
      shape.count == strides.count, shape.count <= 64
    else { throw malformed }
    let storage = storages[number]
    let elementType: ElementType
    if function == .rebuildTypedTensor {
      guard arguments.count >= 7, case .global(.elementType(let type)) = arguments[6] else {
        throw malformed
      }
      elementType = type
    } else {
      guard let type = storage.elementType else { throw malformed }
      elementType = type
    }
    let available = (storage.byteCount ?? 0) / elementType.byteCount
    let fault = PickleFault.viewBeyondStorage(
      shape: shape, strides: strides, offset: offset, count: available)
    guard offset <= available else { throw fault }
    // The last element lies at the offset plus each extent less one times its stride; and a view may not
    // have more elements than its storage, so that copying it takes no more memory than the file.
    var last = offset
    var count = 1
    for (extent, stride) in zip(shape, strides) {
      let (reach, overflow) = max(0, extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, carry) = last.addingReportingOverflow(reach)
      let (product, excess) = count.multipliedReportingOverflow(by: max(1, extent))
      guard !overflow, !carry, !excess else { throw fault }
      last = sum
      count = product
    }
    guard shape.contains(0) || (last < available && count <= available) else { throw fault }
    return View(
      storage: number, elementType: elementType, offset: offset, shape: shape, strides: strides)
  }
}
