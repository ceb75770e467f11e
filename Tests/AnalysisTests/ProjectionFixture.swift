import DataFormats
import Glibc
import Tensors
import Testing

/// Point sets with scikit-learn's projections: Tests/Fixtures/Analysis/projections.json.
struct ProjectionFixture {
  private let json: JSON

  init() throws { json = try Self.file("projections.json") }

  /// A file of Tests/Fixtures/Analysis.
  static func file(_ name: String) throws -> JSON {
    let folder =
      #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
      + "/Fixtures/Analysis"
    let file = try #require(fopen(folder + "/" + name, "rb"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return try JSON(parsing: bytes)
  }

  subscript(_ name: String) -> JSON? { json[name] }

  /// The t-SNE runs.
  var runs: [JSON] { json["tsne"]?.array ?? [] }

  /// The points of one set.
  func points(_ name: String) throws -> Tensor {
    let set = try #require(json[name])
    return Tensor(
      shape: try #require(set["shape"]?.array).compactMap(\.integer),
      try Self.numbers(set, "points").map { Float($0) })
  }

  static func numbers(_ json: JSON, _ name: String) throws -> [Double] {
    try #require(json[name]?.array).map { try #require($0.number) }
  }

  /// A list of numbers as rows of so many.
  static func rows(_ numbers: [Double], _ width: Int) -> [[Double]] {
    stride(from: 0, to: numbers.count, by: width).map { Array(numbers[$0..<($0 + width)]) }
  }
}
