import DataFormats
import Figures
import FoundationEssentials
import Glibc
import Interpreter
import Synchronization
import Tensors
import Training

/// The training records of TensorBoard's event files.
enum RunFunctions {
  static let all: [FunctionDefinition] = [runs, curve, watch]

  private static let smooth = ParameterDefinition(
    "smooth", .number(in: 0...0.999), default: .number(0),
    "The weight of the exponential moving average; the numbers as recorded show through.")
  private static let log = ParameterDefinition(
    "log", .bool, default: .bool(false), "Whether the vertical axis is by logarithm.")
  private static let axis = ParameterDefinition(
    "axis", .choice(["step", "time"]), default: .text("step"),
    "What the horizontal axis is: steps, or the time since each run's first record.")

  private static func options(_ arguments: Arguments) throws -> CurveOptions {
    CurveOptions(
      smoothing: try arguments.number("smooth"), isByTime: try arguments.text("axis") == "time",
      isLogarithmic: try arguments.bool("log"))
  }

  private static let runs = FunctionDefinition(
    "runs", group: "Training",
    summary: "The training runs in a folder, from the event files that PyTorch, TensorFlow or "
      + "TensorBoard wrote.",
    details: """
      A run is a folder with event files. Several files of one run are joined: one that begins \
      later at a step that was already reached is a restart and replaces what was there from that \
      step on. Files that are damaged are read up to the damage, which is named. Calling it again \
      reads only what was appended.
      """,
    parameters: [ParameterDefinition("folder", .path, "The folder to look through.")],
    result: "Runs: r[\"tag\"] is a tag's curves, r[\"name\"] or r[0] one run",
    examples: [
      Example("r = runs(\"logs\")", needsResources: true),
      Example("runs(\"logs\")[\"loss/train\"]", needsResources: true),
    ]
  ) { arguments, context in
    .object(try FollowedFolders.of(context).read(try arguments.text("folder"), in: context).value)
  }

  private static let curve = FunctionDefinition(
    "curve", group: "Training",
    summary: "One tag's numbers in all runs, as lines.",
    parameters: [
      ParameterDefinition("runs", .object(["Runs"]), "What `runs` gives."),
      ParameterDefinition("tag", .text, "The tag, such as \"loss/train\"."),
      smooth, log, axis,
    ],
    result: "Curves: c.steps and c.values are the numbers",
    examples: [
      Example("runs(\"logs\") |> curve(\"loss/train\", smooth: 0.6)", needsResources: true)
    ],
    source: "the smoothing is TensorBoard's: an exponential moving average, corrected for its start"
  ) { arguments, context in
    guard let runs: RunsValue = try arguments.object("runs") else {
      throw ArgumentError("runs", "`runs` of `curve` takes what `runs` gives.")
    }
    return .object(
      try runs.curves(
        try arguments.text("tag"), try options(arguments), provenance: context.provenance()))
  }

  private static let watch = FunctionDefinition(
    "watch", group: "Training",
    summary: "Follows a training while it writes its event files: one picture, renewed in place.",
    details: """
      The picture is renewed when something was appended, at most twice a second, until the cell \
      is interrupted or the given time is over.
      """,
    parameters: [
      ParameterDefinition("folder", .path, "The folder to look through."),
      ParameterDefinition(
        "tags", .optional(.either([.text, .list(of: .text)])), defaultText: "all",
        "The tags to show."),
      smooth, log, axis,
      ParameterDefinition(
        "seconds", .optional(.number(in: 0...1_000_000)), defaultText: "until interrupted",
        unit: "seconds", "How long to follow."),
    ],
    result: "none",
    examples: [
      Example(
        "watch(\"logs\", tags: \"loss/train\", smooth: 0.6, seconds: 1)", needsResources: true)
    ]
  ) { arguments, context in
    let folder = try arguments.text("folder")
    let options = try options(arguments)
    let tags = try arguments.optional("tags") == nil ? nil : try arguments.texts("tags")
    let limit = try arguments.optionalNumber("seconds").map { Duration.seconds($0) }
    let folders = FollowedFolders.of(context)
    let identifier = "watch-\(UInt64.random(in: 0...UInt64.max))"
    let start = ContinuousClock.now
    var isShown = false
    while true {
      let began = ContinuousClock.now
      let (value, changed) = try folders.read(folder, in: context)
      if changed || !isShown {
        let figure = Self.figure(value, tags, options, context)
        if isShown {
          context.output.update(figure.mimeBundle(), identifier: identifier)
        } else {
          context.output.display(figure.mimeBundle(), identifier: identifier)
        }
        isShown = true
      }
      // What is left of half a second, in pieces that let an interrupt through.
      repeat {
        try context.check()
        if let limit, start.duration(to: .now) >= limit { return .none }
        usleep(20_000)
      } while began.duration(to: .now) < .milliseconds(500)
    }
  }

  /// The charts of the tags that are there already; before any is, what is there in words.
  private static func figure(
    _ value: RunsValue, _ tags: [String]?, _ options: CurveOptions, _ context: ExecutionContext
  ) -> any Figure {
    let known = value.tags
    let chosen = tags.map { tags in
      tags.filter { tag in known.contains { $0.utf8.elementsEqual(tag.utf8) } }
    }
    if var figure = value.grid(options, tags: chosen) {
      figure.provenance = context.provenance()
      return figure
    }
    return TableFigure(
      title: "waiting for numbers · \(value.summary)", columns: ["tags so far"],
      rows: known.prefix(40).map { [.string($0)] }, provenance: context.provenance())
  }
}

/// Folders that were read in this session, so that reading one again reads only what is new.
private final class FollowedFolders: Sendable {
  private let folders = Mutex<[RunFolder]>([])

  /// How many folders are kept.
  private static let most = 4

  static func of(_ context: ExecutionContext) -> FollowedFolders {
    context.storage.object(FollowedFolders.self) { FollowedFolders() }
  }

  /// A path with the user's home folder for a leading `~`, and without slashes at its end.
  private static func expanded(_ path: String) -> String {
    var path = path
    if path == "~" || path.hasPrefix("~/"), let home = ProcessInfo.processInfo.environment["HOME"] {
      path = home + path.dropFirst()
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path.isEmpty ? "." : path
  }

  /// The runs of a folder as they are now, and whether anything is new since it was last read.
  func read(
    _ path: String, in context: ExecutionContext
  ) throws -> (value: RunsValue, changed: Bool) {
    let path = Self.expanded(path)
    let place = folders.withLock { folders in
      folders.firstIndex { $0.path.utf8.elementsEqual(path.utf8) }.map { folders.remove(at: $0) }
    }
    var folder = try place ?? RunFolder(path: path)
    let changed = try folder.refresh { context.cancellation.isCancelled }
    let known = folder
    folders.withLock { folders in
      folders.append(known)
      if folders.count > Self.most { folders.removeFirst() }
    }
    try context.check()
    return (
      RunsValue(
        path: path, runs: folder.runs, failures: folder.failures, call: context.provenance()),
      changed
    )
  }
}
