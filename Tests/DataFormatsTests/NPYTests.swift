import DataFormats
import Testing

@Suite struct NPYTests {
  static let arrays: [NPY] = [
    NPY(shape: [2, 3], values: .float32([1.5, -2, 3e-8, 4, .infinity, -0.0])),
    NPY(shape: [4], values: .float64([0.1, 1e300, -.leastNonzeroMagnitude, 7])),
    NPY(shape: [1, 2, 2], values: .int64([1, -2, 1 << 62, .min])),
    NPY(shape: [], values: .float32([2.5])), NPY(shape: [0, 5], values: .float32([])),
  ]

  @Test func sameBytesAsNumPy() throws {
    let cases = try JSON(parsing: Fixture.bytes("arrays.json")).array ?? []
    #expect(cases.count == Self.arrays.count)
    for (item, array) in zip(cases, Self.arrays) {
      let file = try Base64.decode(item["file"]?.string ?? "?")
      #expect(try NPY.decode(file) == array)
      // NumPy leaves room for a growing first axis: only what it says must be the same.
      let own = try NPY.encode(shape: array.shape, array.values)
      #expect(own.count % 64 == array.values.count * width(array.values) % 64)
      #expect(try NPY.decode(own) == array)
    }
  }

  func width(_ values: NPY.Values) -> Int { if case .float32 = values { 4 } else { 8 } }

  @Test func wrongFiles() throws {
    #expect(throws: NPYError.wrongCount(shape: [2, 2], found: 3)) {
      try NPY.encode(shape: [2, 2], .float32([1, 2, 3]))
    }
    #expect(throws: NPYError.notNPY) { try NPY.decode(Array("not an array".utf8)) }
    let file = try NPY.encode(shape: [2], .float32([1, 2]))
    #expect(throws: NPYError.wrongByteCount(expected: 8, found: 7)) {
      try NPY.decode(file.dropLast())
    }
    func replacing(_ old: String, _ new: String) -> [UInt8] {
      var changed = file
      let place = file.indices.first { file[$0...].starts(with: old.utf8) } ?? 0
      changed.replaceSubrange(place..<place + old.utf8.count, with: new.utf8)
      return changed
    }
    #expect(throws: NPYError.unsupportedType(">f4")) { try NPY.decode(replacing("<f4", ">f4")) }
    #expect(throws: NPYError.unsupportedOrder) {
      try NPY.decode(replacing("False,", "True, "))
    }
    #expect(throws: NPYError.invalidHeader) { try NPY.decode(replacing("'shape'", "'shabe'")) }
    #expect(throws: NPYError.invalidHeader) { try NPY.decode(replacing("(2,)", "(x,)")) }
    #expect(throws: NPYError.invalidHeader) { try NPY.decode(Array(file.prefix(40))) }
  }
}
