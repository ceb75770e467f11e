import DataFormats
import Testing

@Suite struct ChecksumsTests {
  @Test func knownChecksums() {
    let digits = Array("123456789".utf8)
    #expect(CRC32.checksum(digits) == 0xCBF4_3926)
    #expect(CRC32C.checksum(digits) == 0xE306_9283)
    #expect(Adler32.checksum(digits) == 0x091E_01DE)
    #expect(CRC32.checksum([]) == 0)
    #expect(CRC32C.checksum([]) == 0)
    #expect(Adler32.checksum([]) == 1)
    // RFC 3720, appendix B.4.
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(Adler32.checksum([UInt8](repeating: 0xFF, count: 1_000_000)) == 0x3843_E1BE)
  }

  @Test func anyDivisionGivesTheSameChecksum() {
    let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 91) }
    for middle in bytes.indices {
      var png = CRC32()
      var castagnoli = CRC32C()
      var adler = Adler32()
      for part in [Array(bytes[..<middle]), Array(bytes[middle...])] {
        png.update(part)
        castagnoli.update(part)
        adler.update(part)
      }
      #expect(png.value == CRC32.checksum(bytes))
      #expect(castagnoli.value == CRC32C.checksum(bytes))
      #expect(adler.value == Adler32.checksum(bytes))
    }
  }
}
