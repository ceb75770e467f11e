import DataFormats
import Figures
import FoundationEssentials
import Glibc
import Interpreter
import Language
import Synchronization
import Tensors
import Training

/// The training records of TensorBoard's event files.
enum RunFunctions {
  static let all: [FunctionDefinition] = [runs, curve, distribution, pictures, watch]

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
      step on. Files that are damaged or cut off are read up to there, which is said. Calling it again \
      reads only what was appended.
      """,
    parameters: [ParameterDefinition("folder", .path, "The folder to look through.")],
    result:
      "Runs: r[\"tag\"] is what was recorded under a tag (Curves, a Distribution, Pictures, texts), r[\"name\"] or r[0] one run",
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

  private static let distribution = FunctionDefinition(
    "distribution", group: "Training",
    summary: "How the numbers of a histogram's tag are distributed over the steps, as bands.",
    details: """
      Each band lies between two quantiles, where the numbers of a bucket count as evenly spread in it: the median, and \
      about it the middle 38, 68, 87 and 100 %.
      """,
    parameters: [
      ParameterDefinition("runs", .object(["Runs"]), "What `runs` gives."),
      ParameterDefinition(
        "tag", .text, "The tag, such as \"weights/lm_head.weight\": one of `r.distributions`."),
    ],
    result: "Distribution: d.quantiles and d.buckets are tables",
    examples: [
      Example("runs(\"logs\") |> distribution(\"weights\")", needsResources: true)
    ],
    source: "the quantiles are those of TensorBoard's distributions"
  ) { arguments, context in
    let (runs, tag) = try recorded(arguments)
    guard let found = runs.distribution(tag, provenance: context.provenance()) else {
      throw missing(tag, "histograms", runs.histogramTags)
    }
    return .object(found)
  }

  private static let pictures = FunctionDefinition(
    "pictures", group: "Training",
    summary: "The pictures that were recorded under a tag, with a slider through the steps.",
    parameters: [
      ParameterDefinition("runs", .object(["Runs"]), "What `runs` gives."),
      ParameterDefinition("tag", .text, "The tag: one of `r.pictures`."),
    ],
    result: "Pictures: p.sizes is a table",
    examples: [
      Example("runs(\"logs\") |> pictures(\"picture\")", needsResources: true)
    ]
  ) { arguments, context in
    let (runs, tag) = try recorded(arguments)
    guard let found = runs.pictures(tag, provenance: context.provenance()) else {
      throw missing(tag, "pictures", runs.imageTags)
    }
    return .object(found)
  }

  private static func recorded(_ arguments: Arguments) throws -> (RunsValue, String) {
    guard let runs: RunsValue = try arguments.object("runs") else {
      throw ArgumentError("runs", "`runs` takes what `runs` gives.")
    }
    return (runs, try arguments.text("tag"))
  }

  private static func missing(_ tag: String, _ kind: String, _ known: [String]) -> FunctionError {
    FunctionError(
      "No run has \(kind) with the tag \(Value.text(tag).description).",
      hint: Suggestions.nearest(tag, in: known).map {
        "Did you mean \(Value.text($0).description)?"
      }
        ?? (known.isEmpty
          ? "There are no \(kind) in this folder."
          : "The tags are \(known.prefix(12).joined(separator: ", "))."),
      code: "unknown-tag")
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
        "The tags to show, of whatever kind."),
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
    if let figure = value.figure(options, tags: tags, provenance: context.provenance()) {
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
