import DataFormats
import Figures
import Interpreter
import Training

/// The pictures that runs recorded under one tag, as a value of the language.
final class PicturesValue: ObjectValue {
  let tag: String
  private let runs: [(name: String, values: [SteppedValue<ImageSummary>])]
  private let provenance: Provenance

  init(
    tag: String, runs: [(name: String, values: [SteppedValue<ImageSummary>])],
    provenance: Provenance
  ) {
    self.tag = tag
    self.runs = runs.map { run in
      (
        run.name,
        run.values.enumerated().sorted {
          ($0.element.step, $0.offset) < ($1.element.step, $1.offset)
        }.map(\.element)
      )
    }
    self.provenance = provenance
  }

  var typeName: String { "Pictures" }

  var summary: String {
    "\(tag): "
      + runs.prefix(8).map { run in
        "\(run.name) \(run.values.count) \(run.values.count == 1 ? "picture" : "pictures")"
          + (run.values.last.map { ", the last of step \($0.step)" } ?? "")
      }.joined(separator: "; ")
  }

  private static let fields: [(name: String, summary: String)] = [
    ("tag", "the tag"), ("names", "the runs' names"),
    ("sizes", "a table: each picture's run, step, width and height"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "tag": .text(tag)
    case "names": .texts(runs.map(\.name))
    case "sizes": try asTable().map { .table($0) }
    default: nil
    }
  }

  /// Each picture's run, step and size.
  func asTable() throws -> Table? {
    Table(
      records: runs.flatMap { run in
        run.values.map { value in
          Record([
            ("run", .text(run.name)), ("step", .integer(value.step)),
            ("width", .integer(value.content.width)), ("height", .integer(value.content.height)),
          ])
        }
      })
  }

  /// A slider for each run.
  ///
  /// - Parameter byteBudget: how many bytes of files all of them hold.
  func sequences(byteBudget: Int) -> [ImageSequence] {
    runs.map { run in
      ImageSequence(
        title: run.name == "." ? tag : "\(run.name) · \(tag)",
        frames: run.values.map { value in
          ImageSequence.Frame(
            title: "step \(value.step)", width: value.content.width, height: value.content.height,
            encoded: value.content.encoded)
        }, byteBudget: byteBudget / max(1, runs.count), provenance: provenance)
    }
  }

  func defaultFigure() throws -> (any Figure)? {
    let sequences = sequences(byteBudget: 900_000)
    return sequences.count == 1 ? sequences[0] : GroupFigure(figures: Array(sequences.prefix(6)))
  }

  var json: JSON {
    [
      "tag": .string(tag),
      "runs": .array(
        runs.map { run in
          [
            "name": .string(run.name), "steps": .array(run.values.map { .integer($0.step) }),
          ]
        }),
    ]
  }
}
