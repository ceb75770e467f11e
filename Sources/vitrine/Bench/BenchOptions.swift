import Models

/// What `vitrine bench` measures, and how.
struct BenchOptions {
  /// The kinds of work.
  enum Work: String, CaseIterable {
    case forward, gradient, decode, product, tokenizer
  }

  var works: [Work] = Work.allCases
  var modelPath: String?
  var shape = RandomModel.Shape.small
  var lengths = [32, 128, 512]
  var precision = Precision.full
  var threads: Int?
  /// How often everything is run at least, unless that takes too long.
  var repetitions = 5
  /// For how long short runs are repeated.
  var leastSeconds = 0.5
  /// After how long repeating ends.
  var mostSeconds = 20.0
  /// A file whose lines the tokenizer cuts, in place of a text made for it.
  var textPath: String?
  var printsJSON = false

  static let usage = """
    vitrine bench [--model PATH | --shape S|M] [--only WORK,…] [--lengths N,…]
                  [--precision full|fast] [--text FILE] [--threads N] [--repetitions N]
                  [--seconds N] [--json]

      Measures this machine: forward runs with all attentions viewable and all logits, the gradient
      of a logit with respect to the embeddings, single tokens, matrix products, and the tokenizer.
      Each line has the shortest and the median time, what was reached, and its share of what the
      CPU's multiply-add or bfloat16 instructions, or reading memory, reach in the same run.

      --model PATH      a model; without it, one with random weights is made for the run
      --shape S|M       of that: S (6 layers × 256, f32) or M (24 × 2,048, bf16)
      --only WORK,…     of \(Work.allCases.map(\.rawValue).joined(separator: ", "))
      --lengths N,…     how many tokens; 32,128,512 without it
      --precision P     full, or fast: bf16 products where the weights are bf16
      --text FILE       what the tokenizer cuts, line by line
      --threads N       without it, as many as there are cores
      --repetitions N   at least so many, 5 without it
      --seconds N       ends repeating after so long, 20 without it
      --json            one object instead of the table
    """

  /// Reads a command line.
  init(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(
      arguments,
      valued: [
        ["--model"], ["--shape"], ["--only"], ["--lengths"], ["--precision"], ["--text"],
        ["--threads"], ["--repetitions"], ["--seconds"],
      ], flags: ["--json"])
    if let extra = arguments.positionals.first {
      throw UsageError(
        "bench takes options only, and “\(extra)” is none; see vitrine bench --help.")
    }
    modelPath = arguments.value("--model")
    textPath = arguments.value("--text")
    printsJSON = arguments.has("--json")
    if let text = arguments.value("--shape") {
      guard let shape = RandomModel.Shape(rawValue: text) else {
        throw UsageError("--shape takes S or M, not “\(text)”.")
      }
      self.shape = shape
    }
    if let text = arguments.value("--only") {
      works = try text.split(separator: ",").map { name in
        guard let work = Work(rawValue: String(name)) else {
          let known = Work.allCases.map(\.rawValue).joined(separator: ", ")
          throw UsageError("--only takes words of \(known), and “\(name)” is none of them.")
        }
        return work
      }
    }
    if let text = arguments.value("--precision") {
      guard let precision = Precision(rawValue: text) else {
        throw UsageError("--precision takes full or fast, not “\(text)”.")
      }
      self.precision = precision
    }
    if let text = arguments.value("--lengths") {
      lengths = try text.split(separator: ",").map { try Self.count(String($0), "--lengths") }
    }
    if let text = arguments.value("--threads") { threads = try Self.count(text, "--threads") }
    if let text = arguments.value("--repetitions") {
      repetitions = try Self.count(text, "--repetitions")
    }
    if let text = arguments.value("--seconds") {
      mostSeconds = Double(try Self.count(text, "--seconds"))
      leastSeconds = min(leastSeconds, mostSeconds)
    }
  }

  private static func count(_ text: String, _ option: String) throws(UsageError) -> Int {
    guard let count = Int(text), count > 0, count <= 1 << 20 else {
      throw UsageError("\(option) takes whole numbers from 1 to 1048576, not “\(text)”.")
    }
    return count
  }
}
