import DataFormats

/// The pieces of a model with their ids.
struct Vocabulary: Sendable {
  /// Far more than any model has; keeps a damaged file from asking for all memory.
  static let largestID = 1 << 21

  /// The piece of each id; `nil` for ids without one.
  private(set) var pieces: [String?] = []
  private var table = ByteStringTable()
  /// The id of each string of the table.
  private var ids: [Int] = []

  /// Reads an object of pieces and ids.
  init(_ object: JSONObject, place: String) throws(TokenizerError) {
    table = ByteStringTable(minimumCapacity: object.count)
    pieces.reserveCapacity(object.count)
    for member in object.members {
      guard case .integer(let id) = member.value else {
        throw .wrongMember(place: "\(place).\(member.key)", expected: "a whole number")
      }
      try insert(member.key, id)
    }
    guard !ids.isEmpty else { throw .emptyVocabulary }
  }

  /// A vocabulary of pieces whose ids are their places.
  init(_ list: [String]) throws(TokenizerError) {
    table = ByteStringTable(minimumCapacity: list.count)
    for (id, piece) in list.enumerated() {
      if let known = self.id(of: piece) { throw .duplicateID(known, first: piece, second: piece) }
      try insert(piece, id)
    }
    guard !ids.isEmpty else { throw .emptyVocabulary }
  }

  /// Adds a piece; one that is there already must have the same id.
  mutating func insert(_ piece: String, _ id: Int) throws(TokenizerError) {
    guard (0..<Self.largestID).contains(id) else { throw .idOutOfRange(piece: piece, id: id) }
    while pieces.count <= id { pieces.append(nil) }
    let (number, isNew) = table.insert(piece)
    if isNew {
      ids.append(id)
    } else {
      guard ids[number] == id else { throw .duplicateID(ids[number], first: piece, second: piece) }
      return
    }
    if let other = pieces[id] { throw .duplicateID(id, first: other, second: piece) }
    pieces[id] = piece
  }

  func id(of piece: String) -> Int? { table.find(piece).map { ids[$0] } }

  @inline(__always)
  func id(of bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    table.find(bytes, range).map { ids[$0] }
  }

  func piece(of id: Int) -> String? { pieces.indices.contains(id) ? pieces[id] : nil }
}
