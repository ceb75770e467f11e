import DataFormats

/// Vectors with labels, written as the files that TensorBoard's embedding projector reads.
public struct EmbeddingProjection: Sendable, Equatable {
  /// Its name in the projector; letters, digits, `_`, `-` and `.`, as its files are named after it.
  public var name: String
  /// The vectors, all of one length.
  public var vectors: [[Float]]
  /// The names of the labels' columns; may be empty where there are no labels.
  public var columns: [String]
  /// For each vector one label per column; empty for none.
  public var labels: [[String]]

  /// Makes a projection.
  public init(name: String, vectors: [[Float]], columns: [String] = [], labels: [[String]] = []) {
    self.name = name
    self.vectors = vectors
    self.columns = columns
    self.labels = labels
  }

  /// Writes `projector_config.pbtxt`, and for each projection a file of vectors and a file of
  /// labels, into a folder that TensorBoard is started on.
  ///
  /// - Throws: `TrainingRecordError` where rows are uneven, a name doesn't suit, or a file can't be
  ///   written.
  public static func write(
    _ projections: [EmbeddingProjection], folder: String
  ) throws(TrainingRecordError) {
    var files: [(String, String)] = []
    var configuration = ""
    for projection in projections {
      try projection.check()
      let tensors = "\(projection.name).tensors.tsv"
      files.append((tensors, projection.tensorFile))
      configuration += "embeddings {\n  tensor_name: \"\(projection.name)\"\n"
      configuration += "  tensor_path: \"\(tensors)\"\n"
      if !projection.labels.isEmpty {
        let metadata = "\(projection.name).metadata.tsv"
        files.append((metadata, projection.metadataFile))
        configuration += "  metadata_path: \"\(metadata)\"\n"
      }
      configuration += "}\n"
    }
    try SystemFile.makeFolder(folder)
    files.append(("projector_config.pbtxt", configuration))
    for (name, text) in files {
      try SystemFile(creating: "\(folder)/\(name)", replacing: true).write(Array(text.utf8))
    }
  }

  /// One vector per line, its numbers between tabs, without a header.
  var tensorFile: String {
    vectors.map { row in row.map { "\($0)" }.joined(separator: "\t") + "\n" }.joined()
  }

  /// One label per line; with a header where there are two columns or more, as the projector wants.
  var metadataFile: String {
    let rows = columns.count >= 2 ? [columns] + labels : labels
    return rows.map { row in row.map(Self.cell).joined(separator: "\t") + "\n" }.joined()
  }

  private func check() throws(TrainingRecordError) {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard isPlain, !name.isEmpty, !name.hasPrefix(".") else { throw .unsuitableName(name) }
    let width = vectors.first?.count ?? 0
    for row in vectors where row.count != width {
      throw .unevenRows(expected: width, found: row.count)
    }
    guard labels.isEmpty || labels.count == vectors.count else {
      throw .unevenRows(expected: vectors.count, found: labels.count)
    }
    let cells = max(1, columns.count)
    for row in labels where row.count != cells {
      throw .unevenRows(expected: cells, found: row.count)
    }
  }

  /// A label on one line and in one cell: line ends and tabs become spaces.
  ///
  /// An empty one becomes a space, because the projector drops empty lines and with them the order.
  private static func cell(_ text: String) -> String {
    let breaks: Set<Unicode.Scalar> = [
      "\t", "\n", "\r", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { scalars.append(breaks.contains(scalar) ? " " : scalar) }
    return scalars.isEmpty ? " " : String(scalars)
  }
}
