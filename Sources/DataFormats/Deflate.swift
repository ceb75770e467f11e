/// Compression in the Deflate format without a wrapper (RFC 1951).
public enum Deflate {
  /// The compressed bytes.
  ///
  /// LZ77 with lazy matching; each block in whichever of the three ways is shortest: stored, with the
  /// fixed code, or with a Huffman code of its own. The same bytes give the same result everywhere.
  public static func compress(_ bytes: [UInt8]) -> [UInt8] {
    var writer = DeflateWriter()
    var matcher = DeflateMatcher()
    matcher.match(bytes.span) { step in
      writer.append(step)
      if writer.isBlockFull { writer.writeBlock(of: bytes, isLast: false) }
    }
    writer.writeBlock(of: bytes, isLast: true)
    return writer.finish()
  }
}

/// The zlib wrapper around Deflate (RFC 1950), as PNG uses it.
public enum Zlib {
  /// The compressed bytes with header and Adler-32 checksum.
  public static func compress(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x78, 0x9C]
    result += Deflate.compress(bytes)
    let checksum = Adler32.checksum(bytes)
    for shift in [24, 16, 8, 0] as [UInt32] {
      result.append(UInt8(truncatingIfNeeded: checksum >> shift))
    }
    return result
  }
}

/// Collects the steps of a block and writes it as bits.
private struct DeflateWriter {
  private var output: [UInt8] = []
  private var accumulator: UInt64 = 0
  private var bitCount = 0

  private var steps: [DeflateStep] = []
  private var literalCounts = [Int](repeating: 0, count: 286)
  private var distanceCounts = [Int](repeating: 0, count: 30)
  /// Where in the text the block begins, and how many of its bytes the steps stand for.
  private var blockStart = 0
  private var blockLength = 0

  var isBlockFull: Bool { steps.count >= 24576 }

  mutating func append(_ step: DeflateStep) {
    steps.append(step)
    let length = step.length
    if length == 0 {
      literalCounts[step.distanceOrLiteral] += 1
      blockLength += 1
    } else {
      literalCounts[257 + Int(DeflateTables.lengthSymbols[length])] += 1
      distanceCounts[DeflateTables.distanceSymbol(step.distanceOrLiteral)] += 1
      blockLength += length
    }
  }

  mutating func finish() -> [UInt8] {
    while bitCount > 0 {
      output.append(UInt8(truncatingIfNeeded: accumulator))
      accumulator >>= 8
      bitCount -= 8
    }
    return output
  }

  @inline(__always)
  private mutating func put(_ value: Int, _ count: Int) {
    accumulator |= UInt64(value) << UInt64(bitCount)
    bitCount += count
    while bitCount >= 8 {
      output.append(UInt8(truncatingIfNeeded: accumulator))
      accumulator >>= 8
      bitCount -= 8
    }
  }

  mutating func writeBlock(of text: [UInt8], isLast: Bool) {
    literalCounts[DeflateTables.endOfBlock] = 1
    let literalLengths = HuffmanCode.lengths(counts: literalCounts, limit: 15)
    let distanceLengths = HuffmanCode.lengths(counts: distanceCounts, limit: 15)
    let header = CodeLengthHeader(literalLengths, distanceLengths)
    let dynamicBits = header.bitCount + bodyBits(literalLengths, distanceLengths)
    let fixedBits = bodyBits(
      DeflateTables.fixedLiteralLengths, DeflateTables.fixedDistanceLengths)
    let storedBits = (blockLength / 65535 + 1) * 40 + blockLength * 8
    if storedBits < min(dynamicBits, fixedBits) {
      writeStored(text[blockStart..<blockStart + blockLength], isLast: isLast)
    } else if fixedBits <= dynamicBits {
      put((isLast ? 1 : 0) | 1 << 1, 3)
      writeBody(DeflateTables.fixedLiteralLengths, DeflateTables.fixedDistanceLengths)
    } else {
      put((isLast ? 1 : 0) | 2 << 1, 3)
      writeHeader(header)
      writeBody(literalLengths, distanceLengths)
    }
    blockStart += blockLength
    blockLength = 0
    steps.removeAll(keepingCapacity: true)
    for index in literalCounts.indices { literalCounts[index] = 0 }
    for index in distanceCounts.indices { distanceCounts[index] = 0 }
  }

  private func bodyBits(_ literalLengths: [UInt8], _ distanceLengths: [UInt8]) -> Int {
    var bits = 0
    for (symbol, count) in literalCounts.enumerated() {
      let extra = symbol > 256 ? DeflateTables.lengthExtraBits[symbol - 257] : 0
      bits += count * (Int(literalLengths[symbol]) + extra)
    }
    for (symbol, count) in distanceCounts.enumerated() {
      bits += count * (Int(distanceLengths[symbol]) + DeflateTables.distanceExtraBits[symbol])
    }
    return bits
  }

  private mutating func writeStored(_ bytes: ArraySlice<UInt8>, isLast: Bool) {
    var rest = bytes
    repeat {
      let chunk = rest.prefix(65535)
      rest = rest.dropFirst(chunk.count)
      put(isLast && rest.isEmpty ? 1 : 0, 3)
      if bitCount > 0 { put(0, 8 - bitCount) }
      put(chunk.count, 16)
      put(~chunk.count & 0xFFFF, 16)
      output.append(contentsOf: chunk)
    } while !rest.isEmpty
  }

  private mutating func writeHeader(_ header: CodeLengthHeader) {
    put(header.literalLengthCount - 257, 5)
    put(header.distanceLengthCount - 1, 5)
    put(header.orderedLengths.count - 4, 4)
    for length in header.orderedLengths { put(Int(length), 3) }
    let words = HuffmanCode.reversedWords(lengths: header.lengths)
    for symbol in header.symbols {
      put(Int(words[symbol.value]), Int(header.lengths[symbol.value]))
      put(symbol.extra, CodeLengthHeader.extraBits(symbol.value))
    }
  }

  private mutating func writeBody(_ literalLengths: [UInt8], _ distanceLengths: [UInt8]) {
    let literalWords = HuffmanCode.reversedWords(lengths: literalLengths)
    let distanceWords = HuffmanCode.reversedWords(lengths: distanceLengths)
    for index in steps.indices {
      let step = steps[index]
      let length = step.length
      if length == 0 {
        let literal = step.distanceOrLiteral
        put(Int(literalWords[literal]), Int(literalLengths[literal]))
      } else {
        let symbol = Int(DeflateTables.lengthSymbols[length])
        put(Int(literalWords[257 + symbol]), Int(literalLengths[257 + symbol]))
        put(length - DeflateTables.lengthBases[symbol], DeflateTables.lengthExtraBits[symbol])
        let distance = step.distanceOrLiteral
        let far = DeflateTables.distanceSymbol(distance)
        put(Int(distanceWords[far]), Int(distanceLengths[far]))
        put(distance - DeflateTables.distanceBases[far], DeflateTables.distanceExtraBits[far])
      }
    }
    let end = DeflateTables.endOfBlock
    put(Int(literalWords[end]), Int(literalLengths[end]))
  }
}

/// The code lengths of a dynamic block, themselves run-length and Huffman coded (RFC 1951, 3.2.7).
private struct CodeLengthHeader {
  let literalLengthCount: Int
  let distanceLengthCount: Int
  /// The run-length symbols 0…18 with the value of their extra bits.
  private(set) var symbols: [(value: Int, extra: Int)] = []
  /// The lengths of the code for those symbols.
  let lengths: [UInt8]
  /// The same in the header's own order, without the zeros at its end.
  let orderedLengths: [UInt8]

  static func extraBits(_ symbol: Int) -> Int {
    switch symbol {
    case 16: 2
    case 17: 3
    case 18: 7
    default: 0
    }
  }

  init(_ literalLengths: [UInt8], _ distanceLengths: [UInt8]) {
    literalLengthCount = max(257, 1 + (literalLengths.lastIndex { $0 > 0 } ?? 0))
    distanceLengthCount = 1 + (distanceLengths.lastIndex { $0 > 0 } ?? 0)
    let sequence =
      literalLengths.prefix(literalLengthCount) + distanceLengths.prefix(distanceLengthCount)
    var symbols: [(value: Int, extra: Int)] = []
    var rest = sequence[...]
    while let first = rest.first {
      var run = rest.prefix { $0 == first }.count
      rest = rest.dropFirst(run)
      if first > 0 {
        symbols.append((Int(first), 0))
        run -= 1
      }
      while run >= 3 {
        let part: Int
        if first > 0 {
          part = min(run, 6)
          symbols.append((16, part - 3))
        } else if run <= 10 {
          part = run
          symbols.append((17, part - 3))
        } else {
          part = min(run, 138)
          symbols.append((18, part - 11))
        }
        run -= part
      }
      for _ in 0..<run { symbols.append((Int(first), 0)) }
    }
    var counts = [Int](repeating: 0, count: 19)
    for symbol in symbols { counts[symbol.value] += 1 }
    let lengths = HuffmanCode.lengths(counts: counts, limit: 7)
    var ordered = DeflateTables.codeLengthOrder.map { lengths[$0] }
    while ordered.count > 4, ordered.last == 0 { ordered.removeLast() }
    self.symbols = symbols
    self.lengths = lengths
    orderedLengths = ordered
  }

  /// The bits of the header with the two run-length counts.
  var bitCount: Int {
    symbols.reduce(14 + 3 * orderedLengths.count) {
      $0 + Int(lengths[$1.value]) + Self.extraBits($1.value)
    }
  }
}
