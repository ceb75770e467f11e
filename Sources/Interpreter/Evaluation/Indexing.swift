import Language
import Tensors

extension ExecutionContext {
  /// `value[index]`.
  ///
  /// - Throws: `FunctionError` where there is no such element, with the range that there is.
  func element(of value: Value, at index: Value) throws -> Value {
    switch (value, index) {
    case (.list(let list), .number):
      return list[try place(index, count: list.count, of: value)]
    case (.list(let list), .range(let range)):
      return .list(try places(range, count: list.count, of: value).map { list[$0] })
    case (.list(let list), .list(let indices)):
      return .list(try indices.map { list[try place($0, count: list.count, of: value)] })
    case (.list(let list), .selector(.last)):
      return list[try place(.number(-1), count: list.count, of: value)]
    case (.text(let text), .number(let number)) where number >= 0 && number < 1e9:
      // Found from the start: a long text isn't taken apart for one character.
      guard let offset = index.integer,
        let place = text.index(text.startIndex, offsetBy: offset, limitedBy: text.endIndex),
        place < text.endIndex
      else { fallthrough }
      return .text(String(text[place]))
    case (.text(let text), .number):
      let characters = Array(text)
      return .text(String(characters[try place(index, count: characters.count, of: value)]))
    case (.text(let text), .range(let range)):
      let characters = Array(text)
      return .text(
        String(try places(range, count: characters.count, of: value).map { characters[$0] }))
    case (.range(let numbers), .number):
      return .integer(numbers[try place(index, count: numbers.count, of: value)])
    case (.range(let numbers), .range(let range)):
      let places = try places(range, count: numbers.count, of: value)
      guard let first = places.first else {
        return .range(RangeValue(first: numbers.first, count: 0, step: numbers.step))
      }
      return .range(
        RangeValue(
          first: numbers[first], count: places.count, step: numbers.step * range.step))
    case (.record(let record), .text(let name)):
      if let value = record[name] { return value }
      throw Members.unknownField(name, of: value)
    case (.table(let table), .number):
      return .record(table.row(try place(index, count: table.rowCount, of: value)))
    case (.table(let table), .range(let range)):
      return .table(table.rows(try places(range, count: table.rowCount, of: value)))
    case (.table(let table), .text(let name)):
      if let column = table[name] { return .list(column) }
      throw Members.unknownField(name, of: value)
    case (.tensor(let tensor), _): return try element(of: tensor, at: index)
    case (_, .selector(.all)):
      if Sequences.count(value) != nil { return value }
    case (_, .selector(.last)): return try element(of: value, at: .number(-1))
    case (.object(let object), _):
      if let element = try object.element(at: index, in: self) { return element }
      if case .text(let name) = index, object.fieldNames.contains(name),
        let field = try object.field(name, in: self)
      {
        return field
      }
    default: break
    }
    let indices: String
    switch value {
    case .list, .text, .range, .tensor: indices = "a whole number or a range"
    case .record: indices = "the name of a field"
    case .table: indices = "a row's number, a range or the name of a column"
    default:
      throw FunctionError(
        "\(value.phrase.sentenceStart) can't be indexed with \(index.phrase).", code: "wrong-type")
    }
    throw FunctionError(
      "\(value.phrase.sentenceStart) is indexed by \(indices), not by \(index.phrase).",
      code: "wrong-type")
  }

  private func element(of tensor: Tensor, at index: Value) throws -> Value {
    guard let count = tensor.shape.first else {
      throw FunctionError("A tensor of one number has no axis to index.", code: "wrong-type")
    }
    switch index {
    case .number:
      return TensorAccess.row(tensor, try place(index, count: count, of: .tensor(tensor)))
    case .range(let range):
      let places = try places(range, count: count, of: .tensor(tensor))
      if let first = places.first, let last = places.last, last - first + 1 == places.count {
        return .tensor(tensor.rows(first..<(last + 1)))
      }
      if places.isEmpty { return .tensor(tensor.rows(0..<0)) }
      return .tensor(tensor.gatheringRows(places))
    case .list(let indices):
      return .tensor(
        tensor.gatheringRows(
          try indices.map { try place($0, count: count, of: .tensor(tensor)) }))
    case .selector(.all): return .tensor(tensor)
    case .selector(.last): return try element(of: tensor, at: .number(-1))
    default:
      throw FunctionError(
        "A Tensor is indexed by a whole number or a range, not by \(index.phrase).",
        code: "wrong-type")
    }
  }

  /// The place of an index, counted from the end where it is negative.
  private func place(_ index: Value, count: Int, of value: Value) throws -> Int {
    guard let number = index.integer else {
      throw FunctionError(
        "An index is a whole number, and \(index.phrase) is none.", code: "wrong-type")
    }
    guard -count <= number, number < count else {
      let kind = value.typeWithArticle
      throw FunctionError(
        count == 0
          ? "This is empty: \(kind) without elements has none at \(number)."
          : "The index \(number) lies outside \(kind) of \(count).",
        hint: count == 0
          ? nil : "It must lie in 0…\(count - 1), or count from the end as -1…-\(count).",
        code: "out-of-range")
    }
    return number < 0 ? number + count : number
  }

  /// The places of a range of numbers; what lies beyond the end is left out.
  private func places(_ range: RangeValue, count: Int, of value: Value) throws -> [Int] {
    guard range.count > 0, let last = range.last else { return [] }
    // A range that lies before 0 as a whole counts from the end: `x[-3...-1]`.
    let shift = range.first < 0 && last < 0 ? count : 0
    let first = range.first + shift
    let lower = min(first, last + shift)
    guard lower >= 0 || shift > 0, lower < count || lower == 0 || range.step < 0 else {
      throw FunctionError(
        "The range \(Value.range(range).description) lies outside \(value.typeWithArticle) of "
          + "\(count).",
        hint: count == 0 ? nil : "Its first number must lie in 0…\(count - 1).",
        code: "out-of-range")
    }
    var places: [Int] = []
    for place in stride(from: first, through: last + shift, by: range.step) {
      if place >= count, range.step > 0 { break }
      if (0..<count).contains(place) { places.append(place) }
    }
    return places
  }
}
