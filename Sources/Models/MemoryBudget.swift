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

  /// Checks that a checkpoint's weights can be in memory together: mapped weights that can't would be
  /// read from the disk again for every token.
  ///
  /// - Parameters:
  ///   - byteCount: the bytes of all weights that are used.
  ///   - model: the model's name.
  ///   - limit: how many bytes of memory there are; `nil` asks the system.
  /// - Throws: `ModelError.tooLargeForMemory` with both figures.
  static func requireRoom(
    forWeights byteCount: Int, model: String, limit: Int? = nil
  ) throws(ModelError) {
    guard let total = limit ?? total, byteCount > total else { return }
    throw .tooLargeForMemory(model: model, needed: byteCount, total: total)
  }

  /// The bytes of memory that the machine has, or its control group may use; `nil` where the system
  /// doesn't say.
  static var total: Int? {
    let group = contents("/sys/fs/cgroup/memory.max").flatMap(firstNumber)
    return [systemBytes("MemTotal:"), group].compactMap(\.self).min()
  }

  /// The bytes that the system, and the control group if there is one, would still give; `nil` where
  /// the system doesn't say.
  static var available: Int? {
    [systemBytes("MemAvailable:"), groupAvailable].compactMap(\.self).min()
  }

  /// A figure of the system's own account, in bytes.
  private static func systemBytes(_ label: String) -> Int? {
    guard let text = contents("/proc/meminfo") else { return nil }
    return number(of: label, in: text).flatMap { kilobytes in
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
