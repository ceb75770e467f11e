public import DataFormats
import Figures
import Tensors

extension Value {
  /// The raw data: what `save` writes to `.json`.
  ///
  /// Whole numbers are written as such, tensors as nested arrays, tables as arrays of objects.
  public var json: JSON {
    switch self {
    case .none: return .null
    case .bool(let flag): return .bool(flag)
    case .number(let number):
      if let integer = Int(exactly: number), number.magnitude < 1e15 { return .integer(integer) }
      return .number(number)
    case .text(let text): return .string(text)
    case .list(let list): return .array(list.map(\.json))
    case .record(let record):
      return .object(
        JSONObject(
          members: record.members.map { JSONObject.Member(key: $0.name, value: $0.value.json) }))
    case .range(let range):
      guard range.count <= Sequences.maximumCount else { return .string(description) }
      return .array((0..<range.count).map { .integer(range[$0]) })
    case .function: return .string(description)
    case .table(let table):
      return .array((0..<table.rowCount).map { Value.record(table.row($0)).json })
    case .tensor(let tensor): return TensorJSON.json(tensor)
    case .figure(let figure): return figure.json
    case .object(let object): return object.json
    case .selector(let selector): return .string(selector.rawValue)
    }
  }

  /// The value that a JSON value means.
  public init(json: JSON) {
    switch json {
    case .null: self = .none
    case .bool(let flag): self = .bool(flag)
    case .integer(let number): self = .number(Double(number))
    case .number(let number): self = .number(number)
    case .string(let text): self = .text(text)
    case .array(let elements): self = .list(elements.map { Value(json: $0) })
    case .object(let object):
      self = .record(
        Record(object.members.map { (name: $0.key, value: Value(json: $0.value)) }))
    }
  }
}

/// A tensor's numbers as nested JSON arrays, each with the digits that its own type needs.
enum TensorJSON {
  static func json(_ tensor: Tensor) -> JSON {
    let floats = tensor.floats
    return json(floats[...], tensor.shape[...])
  }

  private static func json(_ floats: ArraySlice<Float>, _ shape: ArraySlice<Int>) -> JSON {
    guard let count = shape.first else { return number(floats[floats.startIndex]) }
    let length = shape.dropFirst().reduce(1, *)
    return .array(
      (0..<count).map { row in
        let start = floats.startIndex + row * length
        return shape.count == 1
          ? number(floats[start]) : json(floats[start..<(start + length)], shape.dropFirst())
      })
  }

  private static func number(_ float: Float) -> JSON {
    if float == float.rounded(), float.magnitude < 1e7 { return .integer(Int(float)) }
    // The shortest digits that give this Float back, not those of its exact Double.
    return .number(Double(float.description) ?? Double(float))
  }
}
