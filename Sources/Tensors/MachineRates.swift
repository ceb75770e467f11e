import CKernels
import Synchronization

/// What this machine's CPU and memory can do at most, measured with loops that do nothing else.
///
/// Other programs take their part of the machine while they run: a rate is to be measured close to what is
/// compared with it.
public enum MachineRates {
  /// Single-precision operations a second; a fused multiply-add counts as two.
  public static func multiplyAdd() -> Double {
    unsafe arithmetic(operationsPerLane: 2) { kernels, operands, steps in
      unsafe kernels.table.pointee.multiply_add_chains(operands, steps)
    }
  }

  /// Operations a second of bfloat16 dot products, each a multiplication or an addition; `nil` where the CPU has no
  /// instruction for them.
  public static func bfloat16Dot() -> Double? {
    guard unsafe Compute.kernels.table.pointee.has_bf16_product != 0 else { return nil }
    return unsafe arithmetic(operationsPerLane: 4) { kernels, operands, steps in
      unsafe kernels.table.pointee.dot_bf16_chains(operands, steps)
    }
  }

  /// Bytes a second that all threads together read from memory, which no cache holds.
  ///
  /// - Parameters:
  ///   - byteCount: how large the memory is that is read; it is allocated for the measurement.
  ///   - repetitions: how often, of which the fastest counts.
  public static func memoryRead(byteCount: Int = 512 << 20, repetitions: Int = 5) -> Double {
    let memory = TensorStorage(byteCount: byteCount)
    unsafe memory.floats.initialize(repeating: 1, count: byteCount / MemoryLayout<Float>.size)
    return unsafe memoryRead(memory.base, byteCount: byteCount, repetitions: repetitions)
  }

  private static func memoryRead(
    _ base: UnsafeRawPointer, byteCount: Int, repetitions: Int
  ) -> Double {
    let kernels = Compute.kernels
    let clock = ContinuousClock()
    let sink = Atomic<UInt32>(0)
    let grain = 1 << 20
    var shortest = Duration.seconds(3600)
    for _ in 0..<repetitions {
      let time = clock.measure {
        Compute.pool.divide(count: byteCount, grain: grain) { range in
          let sum = unsafe kernels.table.pointee.read_memory(
            base + range.lowerBound, Int64(range.count))
          sink.bitwiseXor(sum, ordering: .relaxed)
        }
      }
      shortest = min(shortest, time)
    }
    return Double(byteCount) / seconds(shortest)
  }

  /// The fastest of several rounds, in each of which all threads take many small pieces of the same work.
  private static func arithmetic(
    operationsPerLane: Int,
    _ loop: (Kernels, UnsafePointer<Float>, Int64) -> Float
  ) -> Double {
    let kernels = Compute.kernels
    let lanes = kernels.tileColumns / 2
    // Factors near 1 and small addends keep the sums in range.
    let operands = TensorStorage(byteCount: 2 * lanes * 4)
    unsafe operands.floats.initialize(repeating: 0.999, count: 2 * lanes)
    let steps = 100_000
    let pieces = 8 * Compute.pool.threadCount
    let clock = ContinuousClock()
    var shortest = Duration.seconds(3600)
    for _ in 0..<8 {
      let time = clock.measure {
        Compute.pool.divide(count: pieces) { range in
          for _ in range { unsafe _ = loop(kernels, operands.floats, Int64(steps)) }
        }
      }
      shortest = min(shortest, time)
    }
    let operations = pieces * steps * Int(vk_rate_chains) * lanes * operationsPerLane
    return Double(operations) / seconds(shortest)
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}
