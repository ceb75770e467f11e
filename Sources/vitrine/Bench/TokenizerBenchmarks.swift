import FoundationEssentials
import Tokenizers

/// Cutting mixed text into tokens.
struct TokenizerBenchmarks {
  let name: String
  let tokenizer: Tokenizer
  let options: BenchOptions

  /// Sentences in two scripts, code and numbers.
  private static let sentences = [
    "The model reads one token at a time and keeps a short memory of all that came before it.",
    "A head's weights sum to one; what they are on is another question, isn't it?",
    "for (int i = 0; i < count; ++i) { sum += left[i] * right[i]; }  // the inner loop",
    "In 2026 the price rose by 3.75 % to $1,299.00 at 10:45.",
    "模型一次读取一个词元，注意力的权重之和为一。今天天气很好，我们去公园散步。",
  ]

  /// The tokens of the lines with their places, one line after the other.
  func encode() throws -> Measurement {
    let lines = try lines()
    let bytes = lines.reduce(0) { $0 + $1.utf8.count }
    return .time(
      "tokenizer", "\(name), encode line by line, one thread", amount: Double(bytes), limit: .none,
      options
    ) {
      for line in lines { _ = tokenizer.encode(line) }
    }
  }

  /// The lines of the given file with their ends, or a megabyte of made ones.
  private func lines() throws -> [String] {
    if let path = options.textPath {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw UsageError("\(path) can't be read; is there such a file?")
      }
      return data.split(separator: 10, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self) + "\n"
      }
    }
    var lines: [String] = []
    var bytes = 0
    while bytes < 1_000_000 {
      // Rotated words, so that not every line is one that came before.
      let words = Self.sentences[lines.count % Self.sentences.count].split(separator: " ")
      let turn = lines.count / Self.sentences.count % words.count
      let line = (words[turn...] + words[..<turn]).joined(separator: " ") + " \(lines.count)\n"
      bytes += line.utf8.count
      lines.append(line)
    }
    return lines
  }
}
