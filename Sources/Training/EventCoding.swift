import DataFormats

extension EventRecord {
  /// The record as a message of TensorFlow's `event.proto`.
  func encoded() -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(1, double: wallTime)
    if step != 0 { writer.append(2, integer: step) }
    switch content {
    case .fileVersion(let version): writer.append(3, text: version)
    case .summary(let values):
      writer.append(5) { summary in
        for value in values { summary.append(1) { value.encode(to: &$0) } }
      }
    case .sessionStart: writer.append(7) { $0.append(1, integer: 1) }
    case .other: break
    }
    return writer.bytes
  }

  /// Reads a message of TensorFlow's `event.proto`.
  init(decoding bytes: [UInt8]) throws(ProtobufError) {
    self.init(wallTime: 0, step: 0, content: .other)
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: wallTime = field.value.double ?? 0
      case 2: step = field.value.integer ?? 0
      case 3: if let version = field.value.text { content = .fileVersion(version) }
      case 5:
        guard let bytes = field.value.bytes else { continue }
        var values: [SummaryValue] = []
        var summary = ProtobufReader(bytes)
        while let part = try summary.next() {
          guard part.number == 1, let bytes = part.value.bytes else { continue }
          if let value = try SummaryValue(decoding: bytes) { values.append(value) }
        }
        content = .summary(values)
      case 7:
        guard let bytes = field.value.bytes else { continue }
        var log = ProtobufReader(bytes)
        while let part = try log.next() {
          if part.number == 1, part.value.integer == 1 { content = .sessionStart }
        }
      default: break
      }
    }
  }
}

extension SummaryValue {
  fileprivate func encode(to writer: inout ProtobufWriter) {
    writer.append(1, text: tag)
    switch content {
    case .scalar(let number): writer.append(2, float: Float(number))
    case .histogram(let histogram): writer.append(5) { histogram.encode(to: &$0) }
    case .images(let images):
      for image in images.prefix(1) {
        writer.append(4) { part in
          part.append(1, integer: image.height)
          part.append(2, integer: image.width)
          part.append(3, integer: 4)
          part.append(4, bytes: image.encoded)
        }
      }
    case .text(let texts):
      writer.append(8) { tensor in
        tensor.append(1, integer: 7)
        tensor.append(2) { shape in shape.append(2) { $0.append(1, integer: texts.count) } }
        for text in texts { tensor.append(8, text: text) }
      }
      writer.append(9) { metadata in
        metadata.append(1) { $0.append(1, text: "text") }
        metadata.append(4, integer: 2)
      }
    case .other: break
    }
  }

  /// Reads a message `Summary.Value`; `nil` where it has no tag.
  fileprivate init?(decoding bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    var tag: String?
    var plugin = ""
    var content: Content?
    var tensor: TensorMessage?
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: tag = field.value.text
      case 2: if let number = field.value.float { content = .scalar(Double(number)) }
      case 4:
        if let bytes = field.value.bytes, let image = try ImageSummary(decoding: bytes) {
          content = .images([image])
        }
      case 5:
        if let bytes = field.value.bytes {
          content = .histogram(try HistogramSummary(decoding: bytes))
        }
      case 8: if let bytes = field.value.bytes { tensor = try TensorMessage(decoding: bytes) }
      case 9: if let bytes = field.value.bytes { plugin = try Self.plugin(bytes) }
      default: break
      }
    }
    guard let tag else { return nil }
    if let tensor { content = tensor.content(plugin: plugin) }
    // hparams writes values of its own kind into summaries without any number.
    self.init(tag: tag, content: content ?? .other(plugin: plugin))
  }

  /// The plugin's name in a message `SummaryMetadata`.
  private static func plugin(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> String {
    var reader = ProtobufReader(bytes)
    var name = ""
    while let field = try reader.next() {
      guard field.number == 1, let bytes = field.value.bytes else { continue }
      var data = ProtobufReader(bytes)
      while let part = try data.next() {
        if part.number == 1 { name = part.value.text ?? "" }
      }
    }
    return name
  }
}

extension HistogramSummary {
  fileprivate func encode(to writer: inout ProtobufWriter) {
    writer.append(1, double: minimum)
    writer.append(2, double: maximum)
    writer.append(3, double: count)
    writer.append(4, double: sum)
    writer.append(5, double: sumOfSquares)
    writer.append(6, doubles: limits)
    writer.append(7, doubles: counts)
  }

  fileprivate init(decoding bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    self.init(
      minimum: 0, maximum: 0, count: 0, sum: 0, sumOfSquares: 0, limits: [], counts: [])
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: minimum = field.value.double ?? 0
      case 2: maximum = field.value.double ?? 0
      case 3: count = field.value.double ?? 0
      case 4: sum = field.value.double ?? 0
      case 5: sumOfSquares = field.value.double ?? 0
      case 6: limits += field.value.doubles ?? []
      case 7: counts += field.value.doubles ?? []
      default: break
      }
    }
    // A bucket needs an edge and a count.
    let buckets = min(limits.count, counts.count)
    limits = Array(limits.prefix(buckets))
    counts = Array(counts.prefix(buckets))
  }
}

extension ImageSummary {
  fileprivate init?(decoding bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    self.init(width: 0, height: 0, encoded: [])
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: height = field.value.integer ?? 0
      case 2: width = field.value.integer ?? 0
      case 4: encoded = field.value.bytes.map { Array($0) } ?? []
      default: break
      }
    }
    if encoded.isEmpty { return nil }
  }
}

/// A message of TensorFlow's `tensor.proto`, as far as event files need it.
private struct TensorMessage {
  private var type = 0
  private var shape: [Int] = []
  private var content: ArraySlice<UInt8> = []
  private var numbers: [Double] = []
  private var texts: [ArraySlice<UInt8>] = []

  init(decoding bytes: ArraySlice<UInt8>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: type = field.value.integer ?? 0
      case 2: if let bytes = field.value.bytes { shape = try Self.shape(bytes) }
      case 4: content = field.value.bytes ?? []
      case 5: numbers += (field.value.floats ?? []).map(Double.init)
      case 6: numbers += field.value.doubles ?? []
      case 7, 10:
        if let number = field.value.integer {
          numbers.append(Double(number))
        } else if let bytes = field.value.bytes {
          numbers += try Self.packedIntegers(bytes)
        }
      case 8: if let bytes = field.value.bytes { texts.append(bytes) }
      default: break
      }
    }
  }

  private static func shape(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> [Int] {
    var axes: [Int] = []
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() {
      guard field.number == 2, let bytes = field.value.bytes else { continue }
      var size = 0
      var axis = ProtobufReader(bytes)
      while let part = try axis.next() {
        if part.number == 1 { size = part.value.integer ?? 0 }
      }
      axes.append(size)
    }
    return axes
  }

  /// Variable-length numbers one after another, by way of fields that each hold one of them.
  private static func packedIntegers(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> [Double] {
    var keyed: [UInt8] = []
    var isStart = true
    for byte in bytes {
      if isStart { keyed.append(8) }
      keyed.append(byte)
      isStart = byte < 0x80
    }
    var numbers: [Double] = []
    var reader = ProtobufReader(keyed)
    while let field = try reader.next() { numbers.append(Double(field.value.integer ?? 0)) }
    return numbers
  }

  /// The numbers, from either of the two places where they may be.
  private var allNumbers: [Double] {
    guard numbers.isEmpty, !content.isEmpty else { return numbers }
    let value = ProtobufReader.Value.bytes(content)
    switch type {
    case 1: return (value.floats ?? []).map(Double.init)
    case 2: return value.doubles ?? []
    case 3: return (value.floats ?? []).map { Double(Int32(bitPattern: $0.bitPattern)) }
    case 9: return (value.doubles ?? []).map { Double(Int64(bitPattern: $0.bitPattern)) }
    default: return []
    }
  }

  /// What the tensor is to the plugin that it is for.
  func content(plugin: String) -> SummaryValue.Content {
    switch plugin {
    case "scalars": return allNumbers.first.map { .scalar($0) } ?? .other(plugin: plugin)
    case "text":
      return type == 7
        ? .text(texts.map { String(decoding: $0, as: UTF8.self) }) : .other(plugin: plugin)
    case "images": return images ?? .other(plugin: plugin)
    case "histograms": return histogram ?? .other(plugin: plugin)
    case "":
      let isNumber = shape.allSatisfy { $0 == 1 } && allNumbers.count == 1
      return isNumber ? .scalar(allNumbers[0]) : .other(plugin: plugin)
    default: return .other(plugin: plugin)
    }
  }

  /// Width and height as texts, then the files.
  private var images: SummaryValue.Content? {
    guard type == 7, texts.count > 2,
      let width = Int(String(decoding: texts[0], as: UTF8.self)),
      let height = Int(String(decoding: texts[1], as: UTF8.self))
    else { return nil }
    return .images(
      texts.dropFirst(2).map { ImageSummary(width: width, height: height, encoded: Array($0)) })
  }

  /// Rows of left edge, right edge and count; the numbers' sums aren't recorded and are taken from
  /// the buckets' middles.
  private var histogram: SummaryValue.Content? {
    let numbers = allNumbers
    guard shape.count == 2, shape[1] == 3, numbers.count.isMultiple(of: 3) else { return nil }
    var histogram = HistogramSummary(
      minimum: numbers.first ?? 0, maximum: 0, count: 0, sum: 0, sumOfSquares: 0, limits: [],
      counts: [])
    for row in stride(from: 0, to: numbers.count, by: 3) {
      let middle = (numbers[row] + numbers[row + 1]) / 2
      histogram.maximum = numbers[row + 1]
      histogram.limits.append(numbers[row + 1])
      histogram.counts.append(numbers[row + 2])
      histogram.count += numbers[row + 2]
      histogram.sum += numbers[row + 2] * middle
      histogram.sumOfSquares += numbers[row + 2] * middle * middle
    }
    return .histogram(histogram)
  }
}
