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
    let works = options.works
    if works.contains(.forward) || works.contains(.gradient) || works.contains(.decode)
      || works.contains(.tokenizer)
    {
      if let path = options.modelPath {
        let model = try LanguageModel.load(path: path)
        measurements += try self.measurements(of: model, options)
      } else {
        let random = try RandomModel(options.shape)
        measurements += try self.measurements(of: random.model, options)
      }
    }
    if works.contains(.product) { measurements += try ProductBenchmarks.measure(options) }
    peaks.measure()
    if options.printsJSON {
      let object: JSON = [
        "threads": .integer(options.threads ?? ThreadPool.shared.threadCount),
        "instruction_set": .string("\(InstructionSet.best)"), "peaks": peaks.json,
        "measurements": .array(measurements.map { $0.json(peaks) }),
      ]
      print(String(decoding: object.serializedBytes(), as: UTF8.self))
    } else {
      printTable(measurements, peaks)
    }
  }

  private static func measurements(
    of model: LanguageModel, _ options: BenchOptions
  ) throws -> [Measurement] {
    let model = model.with(precision: options.precision)
    let benchmarks = ModelBenchmarks(model: model, options: options)
    var measurements: [Measurement] = []
    for work in options.works {
      switch work {
      case .forward: measurements += try benchmarks.forward()
      case .gradient: measurements += try benchmarks.gradient()
      case .decode: measurements.append(try benchmarks.decode())
      case .tokenizer:
        if let tokenizer = model.tokenizer {
          measurements.append(
            try TokenizerBenchmarks(name: model.name, tokenizer: tokenizer, options: options)
              .encode())
        }
      case .product: break
      }
    }
    return measurements
  }

  private static func printTable(_ measurements: [Measurement], _ peaks: MachinePeaks) {
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
    let dot = peaks.bfloat16Dot.map { ", \(Measurement.short($0 / 1e9)) GFLOP/s bf16" } ?? ""
    print(
      """

      Peaks in this run: \(Measurement.short(peaks.multiplyAdd / 1e9)) GFLOP/s f32\(dot), \
      \(Measurement.short(peaks.memory / 1e9)) GB/s read from memory (\(InstructionSet.best)).
      """)
  }
}
