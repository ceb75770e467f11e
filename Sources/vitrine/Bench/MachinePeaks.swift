import DataFormats
import Tensors

/// What the machine could do at most while the benchmarks ran.
struct MachinePeaks {
  /// Single-precision operations a second.
  private(set) var multiplyAdd = 0.0
  /// Operations of bfloat16 dot products a second, where the CPU has them.
  private(set) var bfloat16Dot: Double?
  /// Bytes a second read from memory.
  private(set) var memory = 0.0

  /// Measures again and keeps the larger numbers: what else runs can only lower them.
  mutating func measure() {
    multiplyAdd = max(multiplyAdd, MachineRates.multiplyAdd())
    if let rate = MachineRates.bfloat16Dot() { bfloat16Dot = max(bfloat16Dot ?? 0, rate) }
    memory = max(memory, MachineRates.memoryRead())
  }

  /// The most of what limits a piece of work.
  func rate(_ limit: Measurement.Limit) -> Double? {
    switch limit {
    case .multiplyAdd: multiplyAdd
    case .bfloat16Dot: bfloat16Dot
    case .memory: memory
    case .none: nil
    }
  }

  /// The peaks as an object.
  var json: JSON {
    var object: JSONObject = ["f32_gflops": .number(multiplyAdd / 1e9)]
    if let bfloat16Dot { object["bf16_gflops"] = .number(bfloat16Dot / 1e9) }
    object["memory_gb_per_s"] = .number(memory / 1e9)
    return .object(object)
  }
}
