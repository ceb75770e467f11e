import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers

/// Neurons with what excites them and what they write.
final class NeuronsValue: ObjectValue {
  private let result: Neurons
  private let tokens: [[Token]]
  private let model: ModelValue
  private let provenance: Provenance

  init(_ result: Neurons, tokens: [[Token]], model: ModelValue, provenance: Provenance) {
    self.result = result
    self.tokens = tokens
    self.model = model
    self.provenance = provenance
  }

  var typeName: String { "Neurons" }

  private func word(_ id: Int) -> String { model.model.tokenizer?.decode([id]) ?? "\(id)" }

  private func words(_ list: [(id: Int, effect: Float)], _ count: Int) -> String {
    // Spaces that belong to tokens are made visible.
    list.prefix(count).map { TokenLabel(word($0.id)).fullText }.joined(separator: " · ")
  }

  private func token(_ peak: Neurons.Peak) -> String {
    TokenLabels.text(tokens[peak.text][peak.position])
  }

  private var place: String {
    let part =
      switch result.part {
      case .dense: ""
      case .shared: " · shared experts"
      case .expert(let expert): " · expert \(expert)"
      }
    return "layer \(result.layer)\(part)"
  }

  var summary: String {
    let strongest = result.neurons.prefix(3).compactMap { neuron -> String? in
      guard let peak = neuron.peaks.first else { return nil }
      return "\(neuron.index) (\(NumberText.short(Double(peak.activation), 3)) at "
        + "\(Value.text(token(peak)).description))"
    }
    return "\(place), \(result.total) neurons over \(result.tokenCount) tokens: "
      + (strongest.isEmpty ? "none excited" : strongest.joined(separator: ", "))
  }

  private static let fields: [(name: String, summary: String)] = [
    ("neurons", "the numbers of the neurons"),
    ("activations", "for each neuron and each of its texts the activation at every token"),
    ("examples", "a table: where each neuron is excited most, text by text"),
    ("raises", "for each neuron the tokens that it raises most"),
    ("lowers", "for each neuron the tokens that it lowers most"),
    ("table", "one row for each neuron"),
    ("model", "the model"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "neurons": .list(result.neurons.map { .integer($0.index) })
    case "activations":
      .list(
        result.neurons.map { neuron in
          .list(neuron.activations.map { .numbers($0.map(Double.init)) })
        })
    case "examples": .table(examples)
    case "raises": .list(result.neurons.map { .texts($0.raises.map { word($0.id) }) })
    case "lowers": .list(result.neurons.map { .texts($0.lowers.map { word($0.id) }) })
    case "table": try asTable().map { .table($0) }
    case "model": .object(model)
    default: nil
    }
  }

  private var examples: Table {
    Table(
      records: result.neurons.flatMap { neuron in
        neuron.peaks.map { peak in
          Record([
            ("neuron", .integer(neuron.index)), ("text", .integer(peak.text)),
            ("position", .integer(peak.position)), ("token", .text(token(peak))),
            ("activation", .number(Double(peak.activation))),
          ])
        }
      })
  }

  func asTable() throws -> Table? {
    Table(
      records: result.neurons.map { neuron in
        Record([
          ("neuron", .integer(neuron.index)),
          ("strongest", neuron.peaks.first.map { .number(Double($0.activation)) } ?? .none),
          ("token", neuron.peaks.first.map { .text(token($0)) } ?? .none),
          ("mean", .number(neuron.mean)), ("above_0", .number(neuron.positiveShare)),
          ("raises", .text(words(neuron.raises, 5))), ("lowers", .text(words(neuron.lowers, 5))),
        ])
      })
  }

  /// A table of the neurons, and the texts of the first few tinted by their activations.
  func defaultFigure() throws -> (any Figure)? {
    let table = TableFigure(
      title: "Neurons · \(model.model.name) · \(place)",
      columns: ["neuron", "strongest", "at", "mean", "above 0", "raises", "lowers"],
      rows: result.neurons.map { neuron in
        [
          .integer(neuron.index),
          neuron.peaks.first.map { .number(Double($0.activation)) } ?? .null,
          neuron.peaks.first.map { .string(TokenLabel(token($0)).fullText) } ?? .null,
          .number(neuron.mean),
          .string(NumberText.percent(neuron.positiveShare)), .string(words(neuron.raises, 5)),
          .string(words(neuron.lowers, 5)),
        ]
      })
    let shown = result.neurons.prefix(result.neurons.count == 1 ? 1 : 5)
    let texts = shown.filter { !$0.peaks.isEmpty }.map { neuron -> any Figure in
      // The texts follow one another with a bar between them.
      let items = zip(neuron.peaks, neuron.activations).enumerated().flatMap { place, pair in
        (place == 0 ? [] : [ScoredText.Item("❙")])
          + zip(tokens[pair.0.text], pair.1).enumerated().map { position, pair in
            ScoredText.Item(
              TokenLabels.text(pair.0), score: pair.1.isNaN ? nil : Double(pair.1),
              isMarked: position == neuron.peaks[place].position)
          }
      }
      let numbers = neuron.peaks.map { "\($0.text)" }.joined(separator: ", ")
      return ScoredText(
        title: "Neuron \(neuron.index) · \(neuron.peaks.count == 1 ? "text" : "texts") \(numbers)",
        items: items, scoreName: "activation",
        limit: neuron.peaks.first.map { Double(abs($0.activation)) })
    }
    return GroupFigure(figures: [table] + texts, provenance: provenance)
  }

  var json: JSON {
    .array(
      result.neurons.map { neuron in
        [
          "neuron": .integer(neuron.index), "mean": .number(neuron.mean),
          "above_0": .number(neuron.positiveShare),
          "examples": .array(
            neuron.peaks.map { peak in
              [
                "text": .integer(peak.text), "position": .integer(peak.position),
                "token": .string(token(peak)), "activation": .number(Double(peak.activation)),
              ]
            }),
          "raises": .array(neuron.raises.map { .string(word($0.id)) }),
          "lowers": .array(neuron.lowers.map { .string(word($0.id)) }),
        ]
      })
  }
}
