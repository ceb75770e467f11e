import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Training

/// A training that was done, as a value of the language.
final class TrainingValue: ObjectValue {
  let name: String
  let series: [(tag: String, series: ScalarSeries)]
  let probes: [TrainingProbe]
  /// The probe whose heads' entropies are followed.
  let measured: TrainingProbe?
  let model: ModelValue
  private let steps: Int
  private let planned: Int
  private let parameterCount: Int

  init(_ watch: TrainingWatch, name: String, planned: Int, model: ModelValue) {
    self.name = name
    series = watch.series
    probes = watch.probes
    measured = watch.probes.first ?? watch.measured
    steps = watch.trainer.step
    parameterCount = watch.trainer.parameterCount
    self.planned = planned
    self.model = model
  }

  var typeName: String { "Training" }

  var summary: String {
    var parts = [
      "\(name): \(steps) \(steps == 1 ? "step" : "steps")"
        + (steps < planned ? " of \(planned), then stopped" : "")
    ]
    for (tag, words) in [("loss/train", "loss"), ("loss/held out", "held out")] {
      guard let points = numbers(tag)?.points, let first = points.first, let last = points.last
      else { continue }
      parts.append(
        "\(words) \(NumberText.short(first.value, 4)) → \(NumberText.short(last.value, 4))")
    }
    parts.append("\(ModelValue.short(parameterCount)) numbers trained")
    return parts.joined(separator: ", ")
  }

  /// The numbers of a tag, or `nil` where there are none.
  func numbers(_ tag: String) -> ScalarSeries? { series.first { $0.tag == tag }?.series }

  private static let fields: [(name: String, summary: String)] = [
    ("model", "the trained model, to be asked with `using:`"),
    ("steps", "how many steps were taken"),
    ("loss", "the loss of every step, in nats a token"),
    ("held_out", "the loss of the texts that were held out, whenever it was taken"),
    ("learning_rate", "the learning rate of every step"),
    ("gradient_norms", "a table: the norm of each part's gradients at every step"),
    (
      "attention_entropy",
      "a table: the entropy of each head's attention, in bits: to each probe, or where there is none to one of the texts"
    ),
    ("probes", "a table: what would follow each probe, whenever it was looked at"),
    ("tags", "the names of all curves: run[\"loss/train\"] is one"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    func values(_ tag: String) -> Value { .numbers(numbers(tag)?.points.map(\.value) ?? []) }
    switch name {
    case "model": return .object(model)
    case "steps": return .integer(steps)
    case "loss": return values("loss/train")
    case "held_out": return values("loss/held out")
    case "learning_rate": return values("learning rate")
    case "gradient_norms": return .table(norms)
    case "attention_entropy": return .table(entropies)
    case "probes": return .table(nextTokens)
    case "tags": return .texts(series.map(\.tag))
    default: return nil
    }
  }

  private var norms: Table {
    Table(
      records: series.filter { $0.tag.hasPrefix("gradient norm/") }.flatMap { tag, numbers in
        numbers.points.map { point in
          Record([
            ("part", .text(String(tag.dropFirst("gradient norm/".count)))),
            ("step", .integer(point.step)), ("norm", .number(point.value)),
          ])
        }
      })
  }

  private var entropies: Table {
    Table(
      records: (probes.isEmpty ? measured.map { [$0] } ?? [] : probes).flatMap { probe in
        probe.frames.flatMap { frame in
          frame.entropies.enumerated().flatMap { layer, heads in
            heads.enumerated().map { head, entropy in
              Record([
                ("text", .text(probe.text)), ("step", .integer(frame.step)),
                ("layer", .integer(layer)), ("head", .integer(head)), ("entropy", .number(entropy)),
              ])
            }
          }
        }
      })
  }

  private var nextTokens: Table {
    Table(
      records: probes.flatMap { probe in
        probe.frames.flatMap { frame in
          frame.next.map { token in
            Record([
              ("text", .text(probe.text)), ("step", .integer(frame.step)),
              ("next", .text(token.text ?? "\(token.id)")),
              ("probability", .number(token.probability)),
            ])
          }
        }
      })
  }

  /// The curve of a tag.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard case .text(let tag) = index, let numbers = numbers(tag) else { return nil }
    return .object(
      CurvesValue(
        tag: tag, curves: [(name, numbers)], options: CurveOptions(),
        provenance: try model.provenance(in: context)))
  }

  /// All curves, and the entropies of all heads.
  func history(provenance: Provenance) -> GroupFigure {
    let curves = TrainingFigures.curves(
      name, series: series, note: summary, provenance: provenance)
    let entropies = measured.flatMap {
      TrainingFigures.entropies(name, $0, provenance: provenance)
    }
    return GroupFigure(figures: [curves] + (entropies.map { [$0] } ?? []))
  }

  /// The last row of every curve.
  func asTable() throws -> Table? {
    Table(
      records: series.flatMap { tag, numbers in
        numbers.points.map {
          Record([
            ("tag", .text(tag)), ("step", .integer($0.step)), ("value", .number($0.value)),
          ])
        }
      })
  }

  var json: JSON {
    [
      "name": .string(name), "steps": .integer(steps),
      "curves": .object(
        JSONObject(
          members: series.map { tag, numbers in
            .init(
              key: tag,
              value: [
                "steps": .array(numbers.points.map { .integer($0.step) }),
                "values": .array(
                  numbers.points.map { $0.value.isFinite ? .number($0.value) : .null }),
              ])
          })),
    ]
  }
}
