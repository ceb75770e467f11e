/// What stands on a command line after the command's name: flags, options with values, and files.
struct CommandLineArguments {
  /// Options and their values, in order; an option may come more than once.
  private(set) var options: [(name: String, value: String)] = []
  /// What is neither an option nor an option's value.
  private(set) var positionals: [String] = []

  /// Takes the arguments apart.
  ///
  /// - Parameters:
  ///   - arguments: what was written, without the command's name.
  ///   - valued: the options that take a value, each with every way to write it (`-o`, `--output`).
  ///   - flags: the options without a value.
  /// - Throws: `UsageError` for an unknown option, or one without its value.
  init(_ arguments: [String], valued: [[String]], flags: [String] = []) throws(UsageError) {
    var rest = arguments[...]
    var onlyPositionals = false
    while let argument = rest.popFirst() {
      if onlyPositionals || !argument.hasPrefix("-") || argument == "-" {
        positionals.append(argument)
        continue
      }
      if argument == "--" {
        onlyPositionals = true
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if flags.contains(name), parts.count == 1 {
        options.append((name, ""))
      } else if let names = valued.first(where: { $0.contains(name) }), let canonical = names.last {
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
          throw UsageError("The option \(name) needs a value after it.")
        }
        options.append((canonical, value))
      } else {
        let known = (valued.flatMap { $0 } + flags).joined(separator: ", ")
        throw UsageError("The option \(name) isn't known here; known are: \(known).")
      }
    }
  }

  /// The last value of an option, under its last-listed name.
  func value(_ name: String) -> String? { options.last { $0.name == name }?.value }

  /// All values of an option in order.
  func values(_ name: String) -> [String] { options.filter { $0.name == name }.map(\.value) }

  /// Whether a flag was given.
  func has(_ flag: String) -> Bool { options.contains { $0.name == flag } }
}

/// A command line that can't be followed, in one sentence.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
