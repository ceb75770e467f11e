import DataFormats
import Figures
import Interpreter
import Language
import Training

/// The training runs of a folder as a value of the language.
final class RunsValue: ObjectValue {
  /// The folder.
  let path: String
  /// The runs in order of their names.
  let runs: [TrainingRun]
  /// Files that couldn't be read.
  let failures: [TrainingRecordError]
  private let call: Provenance

  init(path: String, runs: [TrainingRun], failures: [TrainingRecordError], call: Provenance) {
    self.path = path
    self.runs = runs
    self.failures = failures
    self.call = call
  }

  var typeName: String { "Runs" }

  /// The tags of numbers that any run has, those of one group (the part before `/`) together; large groups come last,
  /// so that they don't hide the others.
  var tags: [String] {
    var known: Set<String> = []
    var groups: [(name: Substring, tags: [String])] = []
    for run in runs {
      for tag in run.scalarTags where known.insert(tag).inserted {
        let group = tag.prefix { $0 != "/" }
        if let place = groups.firstIndex(where: { $0.name == group }) {
          groups[place].tags.append(tag)
        } else {
          groups.append((group, [tag]))
        }
      }
    }
    return (groups.filter { $0.tags.count <= 16 } + groups.filter { $0.tags.count > 16 })
      .flatMap(\.tags)
  }

  private var damages: [String] {
    failures.map(\.description) + runs.flatMap { $0.damages.map(\.description) }
  }

  private var unfinished: [String] { runs.flatMap { $0.unfinished.map(\.description) } }

  var summary: String {
    let count = tags.count
    var text =
      "\(runs.count) \(runs.count == 1 ? "run" : "runs"), \(count) \(count == 1 ? "tag" : "tags")"
      + " of numbers in \(ModelLibrary.shortened(path))"
    let steps = runs.flatMap { run in
      run.scalarTags.compactMap { run.series($0)?.points.last?.step }
    }
    if let last = steps.max() { text += ", up to step \(NumberText.grouped(last))" }
    if !damages.isEmpty {
      text += ", \(damages.count) damaged \(damages.count == 1 ? "file" : "files")"
    }
    return text
  }

  private static let fields: [(name: String, summary: String)] = [
    ("names", "the runs' names: their folders"),
    ("tags", "the tags of numbers, such as \"loss/train\""),
    ("distributions", "the tags of histograms"),
    ("pictures", "the tags of pictures"),
    ("last", "a table with each tag's last number in each run"),
    ("texts", "a table of the recorded texts"),
    ("damages", "which files are damaged, and where"),
    (
      "unfinished", "which files end within a record: they are still being written, or were cut off"
    ),
    ("path", "the folder"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "names": .texts(runs.map(\.name))
    case "tags": .texts(tags)
    case "last": try asTable().map { .table($0) }
    case "distributions": .texts(histogramTags)
    case "pictures": .texts(imageTags)
    case "texts": .table(texts())
    case "damages": .texts(damages)
    case "unfinished": .texts(unfinished)
    case "path": .text(path)
    default: nil
    }
  }

  var count: Int? { runs.count }

  /// What all runs recorded under a tag, or the run of a name or at a place.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    if case .text(let name) = index {
      if let run = runs.first(where: { $0.name.utf8.elementsEqual(name.utf8) }),
        !tags.contains(where: { $0.utf8.elementsEqual(name.utf8) })
      {
        return .object(choosing([run]))
      }
      let provenance = call
      if !tags.contains(name) {
        if let found = distribution(name, provenance: provenance) { return .object(found) }
        if let found = pictures(name, provenance: provenance) { return .object(found) }
        if textTags.contains(name) { return .table(texts(name)) }
      }
      return .object(try curves(name, CurveOptions(), provenance: provenance))
    }
    guard let selection = Selection(index) else { return nil }
    return .object(
      choosing(try selection.indices(count: runs.count, parameter: "run").map { runs[$0] }))
  }

  /// These runs alone.
  private func choosing(_ runs: [TrainingRun]) -> RunsValue {
    RunsValue(path: path, runs: runs, failures: [], call: call)
  }

  /// The curves of a tag in all runs that have it.
  ///
  /// - Throws: `FunctionError` with the nearest tag where no run has it.
  func curves(
    _ tag: String, _ options: CurveOptions, provenance: Provenance
  ) throws -> CurvesValue {
    let found = runs.compactMap { run in run.series(tag).map { (run.name, $0) } }
    guard !found.isEmpty else {
      let others = [
        (histogramTags, "distribution"), (imageTags, "pictures"),
      ].first { $0.0.contains(tag) }
      let nearest = Suggestions.nearest(tag, in: tags)
      let name = Value.text(tag).description
      throw FunctionError(
        "No run has numbers with the tag \(name).",
        hint: others.map { "`\($0.1)` draws what is recorded under it." } ?? nearest.map {
          "Did you mean \(Value.text($0).description)?"
        }
          ?? (tags.isEmpty
            ? "There are no numbers in this folder."
            : "The tags are \(tags.prefix(12).joined(separator: ", "))."),
        code: "unknown-tag")
    }
    return CurvesValue(tag: tag, curves: found, options: options, provenance: provenance)
  }

  /// A chart for each tag, with the runs as lines, and what is recorded beside numbers.
  ///
  /// - Parameter chosen: the tags that are drawn; `nil` for all of numbers and the first of other kinds.
  func figure(
    _ options: CurveOptions, tags chosen: [String]? = nil, provenance: Provenance
  ) -> (any Figure)? {
    let others = recorded(tags: chosen, provenance: provenance)
    let numbers = chosen.map { chosen in chosen.filter { tags.contains($0) } } ?? tags
    var figures = others
    if var grid = grid(options, tags: numbers) {
      grid.provenance = provenance
      figures.insert(grid, at: 0)
    }
    return figures.count < 2 ? figures.first : GroupFigure(figures: figures)
  }

  /// A chart for each tag of numbers, with the runs as lines.
  private func grid(_ options: CurveOptions, tags chosen: [String]) -> (any Figure)? {
    let charts = chosen.map { tag in
      CurvesValue(
        tag: tag, curves: runs.compactMap { run in run.series(tag).map { (run.name, $0) } },
        options: options, provenance: call
      ).chart
    }
    guard let first = charts.first else { return nil }
    let notes = (damages + unfinished).prefix(2)
    let note = notes.isEmpty ? nil : notes.joined(separator: " ")
    guard charts.count > 1 else {
      var chart = first
      chart.note =
        notes.isEmpty
        ? first.note : ([first.note].compactMap(\.self) + notes).joined(separator: " · ")
      chart.provenance = call
      return chart
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return LineChartGrid(
      title: "Runs · \(name)", charts: charts, note: note, provenance: call)
  }

  func defaultFigure() throws -> (any Figure)? { figure(CurveOptions(), provenance: call) }

  /// For each run and tag the last step and number.
  func asTable() throws -> Table? {
    Table(
      records: runs.flatMap { run in
        tags.compactMap { tag in
          guard let series = run.series(tag), let last = series.points.last else { return nil }
          return Record([
            ("run", .text(run.name)), ("tag", .text(tag)), ("step", .integer(last.step)),
            ("value", .number(last.value)), ("points", .integer(series.points.count)),
          ])
        }
      })
  }

  var json: JSON {
    [
      "path": .string(path), "runs": .array(runs.map { .string($0.name) }),
      "damages": .array(damages.map { .string($0) }),
      "unfinished": .array(unfinished.map { .string($0) }),
      "tags": .object(
        JSONObject(
          members: tags.map { tag in
            JSONObject.Member(
              key: tag,
              value: CurvesValue(
                tag: tag,
                curves: runs.compactMap { run in run.series(tag).map { (run.name, $0) } },
                options: CurveOptions(), provenance: call
              ).json)
          })),
    ]
  }
}
