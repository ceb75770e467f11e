import DataFormats
import Figures
import Interpreter
import Training

/// What runs recorded beside numbers: distributions, pictures and texts.
extension RunsValue {
  /// How many charts of distributions, sequences of pictures and texts are drawn where all of a folder is.
  private static let (mostCharts, mostPictures, mostTexts) = (12, 4, 12)

  private static func sorted(_ tags: some Sequence<String>) -> [String] {
    Array(Set(tags)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The tags of distributions that any run has.
  var histogramTags: [String] { Self.sorted(runs.flatMap { $0.histograms.keys }) }

  /// The tags of pictures that any run has.
  var imageTags: [String] { Self.sorted(runs.flatMap { $0.images.keys }) }

  /// The tags of texts that any run has.
  var textTags: [String] { Self.sorted(runs.flatMap { $0.texts.keys }) }

  /// The distributions of a tag, or `nil` where no run has any.
  func distribution(_ tag: String, provenance: Provenance) -> DistributionValue? {
    let found = runs.compactMap { run in run.histograms[tag].map { (name: run.name, values: $0) } }
    return found.isEmpty
      ? nil : DistributionValue(tag: tag, runs: found, provenance: provenance)
  }

  /// The pictures of a tag, or `nil` where no run has any.
  func pictures(_ tag: String, provenance: Provenance) -> PicturesValue? {
    let found = runs.compactMap { run in run.images[tag].map { (name: run.name, values: $0) } }
    return found.isEmpty ? nil : PicturesValue(tag: tag, runs: found, provenance: provenance)
  }

  /// The recorded texts of all runs, or of one tag.
  func texts(_ tag: String? = nil) -> Table {
    Table(
      records: runs.flatMap { run in
        Self.sorted(run.texts.keys).filter { known in tag.map { $0 == known } ?? true }
          .flatMap { tag in
            (run.texts[tag] ?? []).map { text in
              Record([
                ("run", .text(run.name)), ("tag", .text(tag)), ("step", .integer(text.step)),
                ("text", .text(text.content)),
              ])
            }
          }
      })
  }

  /// What is beside the numbers' charts: distributions as bands, pictures with sliders, the last texts.
  ///
  /// - Parameter chosen: the tags that are drawn; `nil` for the first of each kind.
  func recorded(tags chosen: [String]?, provenance: Provenance) -> [any Figure] {
    func shown(_ tags: [String], most: Int) -> (tags: [String], more: Int) {
      if let chosen { return (chosen.filter { tags.contains($0) }, 0) }
      return (Array(tags.prefix(most)), max(0, tags.count - most))
    }
    var figures: [any Figure] = []
    let histograms = shown(histogramTags, most: Self.mostCharts)
    let charts = histograms.tags.flatMap { tag in
      distribution(tag, provenance: provenance)?.charts(isOnlyTag: false) ?? []
    }
    if !charts.isEmpty {
      var note = DistributionValue.note
      if histograms.more > 0 { note += " · \(histograms.more) more tags, see `distributions`" }
      figures.append(
        LineChartGrid(
          title: "Distributions", charts: charts, note: note, provenance: provenance))
    }
    let images = shown(imageTags, most: Self.mostPictures)
    figures += images.tags.flatMap { tag in
      pictures(tag, provenance: provenance)?
        .sequences(byteBudget: 700_000 / max(1, images.tags.count)) ?? []
    }.prefix(8).map { $0 }
    if let table = lastTexts(shown(textTags, most: Self.mostTexts).tags, provenance) {
      figures.append(table)
    }
    return figures
  }

  /// Each tag's last text in each run.
  private func lastTexts(_ tags: [String], _ provenance: Provenance) -> TableFigure? {
    let rows = runs.flatMap { run in
      tags.compactMap { tag in run.texts[tag]?.last.map { (run.name, tag, $0) } }
    }
    guard !rows.isEmpty else { return nil }
    return TableFigure(
      title: "Texts", columns: ["run", "tag", "step", "text"],
      rows: rows.map { name, tag, text in
        [
          .string(name), .string(tag), .integer(text.step),
          .string(String(text.content.prefix(2_000))),
        ]
      }, provenance: provenance)
  }
}
