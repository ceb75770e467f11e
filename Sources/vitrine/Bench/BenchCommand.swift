import DataFormats
import Models
import Tensors

/// `vitrine bench`: how fast this machine computes, and what it could do at most.
enum BenchCommand {
  static let usage = BenchOptions.usage

  static func run(_ arguments: [String]) throws {
    let options = try BenchOptions(arguments)
    guard let threads = options.threads else { return try measure(options) }
    try Compute.with(pool: ThreadPool(threadCount: threads)) { try measure(options) }
  }

  private static func measure(_ options: BenchOptions) throws {
    var peaks = MachinePeaks()
    peaks.measure()
    var measurements: [Measurement] = []
    var omissions: [Omission] = []
    let works = options.works
    if works.contains(where: { $0 != .product }) {
      if let path = options.modelPath {
        let model = try LanguageModel.load(path: path)
        (measurements, omissions) = try measure(model, options)
      } else {
        let random = try RandomModel(options.shape)
        (measurements, omissions) = try measure(random.model, options)
      }
    }
    if works.contains(.product) { measurements += try ProductBenchmarks.measure(options) }
    peaks.measure()
    if options.printsJSON {
      let object: JSON = [
        "threads": .integer(options.threads ?? ThreadPool.shared.threadCount),
        "instruction_set": .string("\(InstructionSet.best)"), "peaks": peaks.json,
        "measurements": .array(measurements.map { $0.json(peaks) }),
        "not_measured": .array(
          omissions.map { ["work": .string($0.work.rawValue), "reason": .string($0.reason)] }),
      ]
      print(String(decoding: object.serializedBytes(), as: UTF8.self))
    } else {
      printTable(measurements, omissions, peaks)
    }
  }

  /// A kind of work that a model doesn't do, and why: an encoder writes no tokens, and not every family has gradients.
  private struct Omission {
    let work: BenchOptions.Work
    let reason: String
  }

  private static func measure(
    _ model: LanguageModel, _ options: BenchOptions
  ) throws -> ([Measurement], [Omission]) {
    let model = model.with(precision: options.precision)
    let benchmarks = ModelBenchmarks(model: model, options: options)
    var measurements: [Measurement] = []
    var omissions: [Omission] = []
    for work in options.works {
      do {
        switch work {
        case .forward: measurements += try benchmarks.forward()
        case .gradient: measurements += try benchmarks.gradient()
        case .decode: measurements.append(try benchmarks.decode())
        case .tokenizer:
          guard let tokenizer = model.tokenizer else {
            throw ModelError.noTokenizer(model: model.name)
          }
          measurements.append(
            try TokenizerBenchmarks(name: model.name, tokenizer: tokenizer, options: options)
              .encode())
        case .product: break
        }
      } catch let error as ModelError {
        switch error {
        case .notDifferentiable, .notCausal, .noLanguageModelHead, .noTokenizer:
          omissions.append(Omission(work: work, reason: error.description))
        default: throw error
        }
      }
    }
    return (measurements, omissions)
  }

  private static func printTable(
    _ measurements: [Measurement], _ omissions: [Omission], _ peaks: MachinePeaks
  ) {
    var rows = [["work", "subject", "ms", "median", "reached", "of peak"]]
    for measurement in measurements {
      rows.append([
        measurement.work, measurement.subject, Measurement.short(measurement.shortest * 1e3),
        Measurement.short(measurement.median * 1e3), measurement.rateText,
        measurement.share(of: peaks).map { "\(Measurement.short($0 * 100)) %" } ?? "",
      ])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let cells = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column < 2 ? text + space : space + text
      }
      print(cells.joined(separator: "  "))
    }
    for omission in omissions {
      print("\(omission.work.rawValue): not measured. \(omission.reason)")
    }
    let dot = peaks.bfloat16Dot.map { ", \(Measurement.short($0 / 1e9)) GFLOP/s bf16" } ?? ""
    print(
      """

      Peaks in this run: \(Measurement.short(peaks.multiplyAdd / 1e9)) GFLOP/s f32\(dot), \
      \(Measurement.short(peaks.memory / 1e9)) GB/s read from memory (\(InstructionSet.best)).
      """)
  }
}
