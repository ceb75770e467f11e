import Glibc
import Testing

/// The arrays of Tests/Fixtures/Analysis/heads.txt, computed in double precision by
/// make_head_reference.py beside it.
enum HeadReference {
  static let models = ["llama-deepseek-llm", "llama-grouped", "bert-masked"]

  /// An array by name.
  static func array(_ name: String) throws -> [Double] {
    try #require(arrays[name], "heads.txt has no \(name)")
  }

  private static let arrays: [String: [Double]] = {
    var arrays: [String: [Double]] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      arrays[String(parts[0].dropLast())] = parts.dropFirst().compactMap { Double($0) }
    }
    return arrays
  }()

  private static var text: String {
    let path = fixtures + "/../Analysis/heads.txt"
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The largest difference of two arrays; infinite where their lengths differ.
func largestDifference(_ found: [Double], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  return zip(found, expected).map { abs($0 - $1) }.max() ?? 0
}

/// The same, of single-precision numbers.
func largestDifference(_ found: [Float], _ expected: [Double]) -> Double {
  largestDifference(found.map(Double.init), expected)
}
