import Checkpoints

/// How much memory may still be used.
package enum MemoryBudget {
  /// Checks that there is memory for something large before it is made.
  ///
  /// - Parameters:
  ///   - byteCount: how much it takes.
  ///   - what: what it is, as the beginning of a sentence.
  ///   - limit: how many bytes may be used; `nil` asks the system what is available.
  /// - Throws: `ModelError.notEnoughMemory` with both figures.
  package static func require(
    _ byteCount: Int, for what: @autoclosure () -> String, limit: Int? = nil
  ) throws(ModelError) {
    guard let available = limit ?? available, byteCount > available else { return }
    throw .notEnoughMemory(what: what(), needed: byteCount, available: available)
  }

  /// The bytes that the system, and the control group if there is one, would still give; `nil` where
  /// the system doesn't say.
  static var available: Int? {
    [systemAvailable, groupAvailable].compactMap(\.self).min()
  }

  private static var systemAvailable: Int? {
    guard let text = contents("/proc/meminfo") else { return nil }
    return number(of: "MemAvailable:", in: text).flatMap { kilobytes in
      let (bytes, overflow) = kilobytes.multipliedReportingOverflow(by: 1_024)
      return overflow ? nil : bytes
    }
  }

  /// What a version 2 control group leaves: its limit less what is used and can't be given back.
  private static var groupAvailable: Int? {
    guard let limit = contents("/sys/fs/cgroup/memory.max").flatMap(firstNumber),
      let used = contents("/sys/fs/cgroup/memory.current").flatMap(firstNumber)
    else { return nil }
    let cached = contents("/sys/fs/cgroup/memory.stat").flatMap { number(of: "file", in: $0) } ?? 0
    return max(0, limit - max(0, used - cached))
  }

  private static func contents(_ path: String) -> String? {
    (try? FileSystem.read(path, limit: 1_000_000)).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func firstNumber(_ text: String) -> Int? {
    text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
  }

  /// The number after a label at the start of a line.
  static func number(of label: String, in text: String) -> Int? {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      if words.count >= 2, words[0] == label { return Int(words[1]) }
    }
    return nil
  }
}
