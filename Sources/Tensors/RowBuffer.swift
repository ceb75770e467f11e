/// Rows that grow at the end, such as the keys of a text that is being written.
///
/// A view of the rows so far stays valid and unchanged while rows are added: these are written behind it,
/// or, where there is no room, into larger memory of their own.
public struct RowBuffer: Sendable {
  /// How many rows there are.
  public private(set) var count = 0
  private let width: Int
  private var memory: Tensor
  private var capacity: Int { memory.shape[0] }

  /// Makes an empty buffer.
  ///
  /// - Parameters:
  ///   - width: the number of elements of a row.
  ///   - capacity: for how many rows to take memory at once.
  public init(width: Int, capacity: Int) {
    self.width = width
    memory = Tensor(uninitialized: [max(1, capacity), width])
  }

  /// The bytes of the memory taken.
  public var byteCount: Int { memory.byteCount }

  /// All rows so far, `[count, width]`; a view.
  public var rows: Tensor { memory.rows(0..<count) }

  /// Adds `float32` rows `[rows, width]`.
  ///
  /// Precondition: they have the width, and no copy of this buffer has been added to since it was made: one
  /// line of growth only.
  public mutating func append(_ rows: Tensor) {
    precondition(rows.rank == 2 && rows.shape[1] == width, "rows of shape \(rows.shape)")
    let added = rows.shape[0]
    if count + added > capacity {
      let larger = Tensor(uninitialized: [max(count + added, 2 * capacity), width])
      copy(memory.rows(0..<count), into: larger, at: 0)
      memory = larger
    }
    copy(rows.widened(), into: memory, at: count)
    count += added
  }

  private func copy(_ rows: Tensor, into target: Tensor, at row: Int) {
    withExtendedLifetime((rows, target)) {
      unsafe (target.mutableFloatPointer + row * width).update(
        from: rows.floatPointer, count: rows.count)
    }
  }
}
