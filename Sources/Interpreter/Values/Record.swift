/// Named values in order: `{name: value}`.
public struct Record: Sendable {
  /// The names in order, each once.
  public private(set) var names: [String]
  /// The values in the names' order.
  public private(set) var values: ValueList
  /// Where each name stands; only kept where looking through the names would be slow.
  private let places: [ExactText: Int]?

  /// A record of the given members; of several with one name the last value counts, at the
  /// first one's place.
  public init(_ members: [(name: String, value: Value)]) {
    var names: [String] = []
    var values: [Value] = []
    var places: [ExactText: Int] = [:]
    for (name, value) in members {
      if let place = places[ExactText(name)] {
        values[place] = value
      } else {
        places[ExactText(name)] = names.count
        names.append(name)
        values.append(value)
      }
    }
    self.names = names
    self.values = ValueList(values)
    self.places = names.count > 8 ? places : nil
  }

  /// How many members there are.
  public var count: Int { names.count }
  /// How many levels of containers there are, this one included.
  public var depth: Int { values.depth }
  /// How many values the record holds, itself and all levels included.
  public var weight: Int { values.weight }

  /// The members in order.
  public var members: [(name: String, value: Value)] {
    zip(names, values).map { (name: $0, value: $1) }
  }

  /// The value of a name, compared byte by byte, or `nil`.
  public subscript(name: String) -> Value? {
    if let places { return places[ExactText(name)].map { values[$0] } }
    return names.firstIndex { $0.utf8.elementsEqual(name.utf8) }.map { values[$0] }
  }
}
