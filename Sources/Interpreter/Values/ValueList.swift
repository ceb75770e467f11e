/// The elements of a list, with how deep they nest and how many values they hold in all.
public struct ValueList: Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
  /// The elements in order.
  public let elements: [Value]
  private let nesting: Int32
  private let size: Int32

  /// A list of the given values.
  ///
  /// - Complexity: O(n); nested lists know their own depth and size.
  public init(_ elements: [Value]) {
    self.elements = elements
    var depth = 0
    var weight = 1
    for element in elements {
      switch element {
      case .none, .bool, .number, .range, .tensor, .figure, .object, .selector: weight += 1
      default:
        depth = Swift.max(depth, element.depth)
        weight += element.weight
      }
    }
    nesting = Int32(clamping: depth + 1)
    size = Int32(clamping: weight)
  }

  /// A list of the literal's elements.
  public init(arrayLiteral elements: Value...) { self.init(elements) }

  /// How many levels of containers there are, this one included.
  public var depth: Int { Int(nesting) }
  /// How many values the list holds, itself and all levels included; saturates at 2³¹ − 1.
  public var weight: Int { Int(size) }
  /// The index of the first element.
  public var startIndex: Int { 0 }
  /// The index after the last element.
  public var endIndex: Int { elements.count }
  /// The element at an index that must exist.
  public subscript(index: Int) -> Value { elements[index] }

  var holdsFunction: Bool {
    elements.contains { $0.holdsFunction }
  }
}
