/// The runs whose event files are in a folder and the folders below it, which may still be growing.
///
/// A run is a folder with event files, as in TensorBoard.
public struct RunFolder: Sendable {
  /// The folder.
  public let path: String
  /// The runs in order of their names.
  public private(set) var runs: [TrainingRun] = []
  /// Files that couldn't be opened or read; each is named once.
  public private(set) var failures: [TrainingRecordError] = []

  /// How many levels of folders are looked through.
  public static let maximumDepth = 16
  /// How many entries of folders are looked at in all.
  public static let maximumEntries = 100_000
  /// How many distributions, pictures and texts are kept per tag: those of the last steps.
  public static let keptValues = 50

  private var files: [OpenFile] = []
  private var refused: Set<String> = []

  /// Names a folder; nothing is read before `refresh`.
  ///
  /// - Throws: `TrainingRecordError.missingFolder` where there is none.
  public init(path: String) throws(TrainingRecordError) {
    self.path = path
    _ = try SystemFile.entries(of: path, limit: 1)
  }

  /// Reads what was written since the last time, also in files and folders that are new.
  ///
  /// - Parameter shouldStop: asked between records; where it says so, the rest is left to the next
  ///   call.
  /// - Returns: whether there was anything new.
  @discardableResult
  public mutating func refresh(
    shouldStop: () -> Bool = { false }
  ) throws(TrainingRecordError) -> Bool {
    var changed = try findFiles()
    for place in files.indices {
      if shouldStop() { break }
      if readFile(place, shouldStop: shouldStop) { changed.insert(files[place].run) }
    }
    guard !changed.isEmpty else { return false }
    runs.removeAll { run in !files.contains { $0.run.utf8.elementsEqual(run.name.utf8) } }
    for name in changed.sorted(by: Self.ascends) where files.contains(where: { $0.run == name }) {
      rebuild(name)
    }
    return true
  }

  private static func ascends(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// Opens files that are new and forgets those that are gone; gives the runs that lost one.
  private mutating func findFiles() throws(TrainingRecordError) -> Set<String> {
    var changed: Set<String> = []
    var known: [String: SystemFile.Identity] = [:]
    var outdated: Set<String> = []
    for file in files {
      switch file.reader.damage?.reason {
      case .shortened, .replaced:
        // Named once; then the file is read anew from its beginning.
        outdated.insert(file.path)
      default: known[file.path] = file.reader.identity
      }
    }
    var present: Set<String> = []
    var entries = 0
    var folders = [(path: path, name: ".", depth: 0)]
    while let (folder, name, depth) = folders.popLast() {
      let content: (files: [(name: String, identity: SystemFile.Identity)], folders: [String])
      do throws(TrainingRecordError) {
        content = try SystemFile.entries(of: folder, limit: Self.maximumEntries - entries)
      } catch {
        if depth == 0 { throw error }
        // A folder that was removed or can't be listed hides only its own runs.
        if refused.insert(folder).inserted { failures.append(error) }
        continue
      }
      entries += content.files.count + content.folders.count
      for (file, identity) in content.files where file.contains("tfevents") {
        let path = folder + "/" + file
        present.insert(path)
        guard known[path] != identity, !refused.contains(path) else { continue }
        if known[path] != nil || outdated.contains(path) {
          files.removeAll { $0.path.utf8.elementsEqual(path.utf8) }
          changed.insert(name)
        }
        do throws(TrainingRecordError) {
          files.append(OpenFile(run: name, reader: try EventFileReader(path: path)))
        } catch {
          refused.insert(path)
          failures.append(error)
        }
      }
      guard depth < Self.maximumDepth, entries < Self.maximumEntries else { continue }
      for inner in content.folders.reversed() {
        folders.append((folder + "/" + inner, depth == 0 ? inner : name + "/" + inner, depth + 1))
      }
    }
    for file in files where !present.contains(file.path) { changed.insert(file.run) }
    files.removeAll { !present.contains($0.path) }
    return changed
  }

  /// Whether there was anything new in a file.
  private mutating func readFile(_ place: Int, shouldStop: () -> Bool) -> Bool {
    var file = files[place]
    // The array lets go of the file's content while it is changed, so that nothing is copied.
    files[place].content = FileContent()
    defer { files[place] = file }
    let before = (file.reader.recordCount, file.reader.damage, file.reader.pendingByteCount)
    do throws(TrainingRecordError) {
      try file.reader.read { event in
        file.content.take(event)
        return !shouldStop()
      }
    } catch {
      if refused.insert(file.path).inserted { failures.append(error) }
    }
    return before != (file.reader.recordCount, file.reader.damage, file.reader.pendingByteCount)
  }

  private mutating func rebuild(_ name: String) {
    var run = TrainingRun(name: name)
    let own = files.filter { $0.run.utf8.elementsEqual(name.utf8) }.sorted {
      Self.ascends($0.path, $1.path)
    }
    for file in own {
      for tag in file.content.scalarTags where run.scalars[tag] == nil {
        run.scalarTags.append(tag)
        run.scalars[tag] = ScalarSeries(
          joining: own.compactMap { $0.content.scalars[tag] })
      }
      for (tag, values) in file.content.histograms { run.histograms[tag, default: []] += values }
      for (tag, values) in file.content.images { run.images[tag, default: []] += values }
      for (tag, values) in file.content.texts { run.texts[tag, default: []] += values }
      if let damage = file.reader.damage { run.damages.append(damage) }
      run.recordCount += file.reader.recordCount
      let pending = file.reader.pendingByteCount
      if pending > 0 {
        run.unfinished.append(
          UnfinishedEventFile(
            path: file.path, byteCount: pending, recordCount: file.reader.recordCount))
      }
    }
    if let place = runs.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
      runs[place] = run
    } else {
      let place = runs.firstIndex { Self.ascends(name, $0.name) } ?? runs.endIndex
      runs.insert(run, at: place)
    }
  }
}

/// A file of a run, and what was read of it.
private struct OpenFile: Sendable {
  let run: String
  var reader: EventFileReader
  var content = FileContent()

  var path: String { reader.path }
}

/// What was read of one file.
private struct FileContent: Sendable {
  var scalarTags: [String] = []
  var scalars: [String: FilePoints] = [:]
  var histograms: [String: [SteppedValue<HistogramSummary>]] = [:]
  var images: [String: [SteppedValue<ImageSummary>]] = [:]
  var texts: [String: [SteppedValue<String>]] = [:]

  mutating func take(_ event: EventRecord) {
    switch event.content {
    case .sessionStart:
      for tag in scalarTags {
        let count = scalars[tag]?.points.count ?? 0
        scalars[tag]?.restarts.append((event.step, count))
      }
    case .summary(let values):
      for value in values { take(value, event) }
    case .fileVersion, .other: break
    }
  }

  private mutating func take(_ value: SummaryValue, _ event: EventRecord) {
    switch value.content {
    case .scalar(let number):
      if scalars[value.tag] == nil { scalarTags.append(value.tag) }
      scalars[value.tag, default: FilePoints()].points.append(
        ScalarSeries.Point(step: event.step, wallTime: event.wallTime, value: number))
    case .histogram(let histogram):
      Self.keep(histogram, event, in: &histograms[value.tag, default: []])
    case .images(let pictures):
      for picture in pictures { Self.keep(picture, event, in: &images[value.tag, default: []]) }
    case .text(let written):
      for text in written { Self.keep(text, event, in: &texts[value.tag, default: []]) }
    case .other: break
    }
  }

  private static func keep<Content>(
    _ content: Content, _ event: EventRecord, in values: inout [SteppedValue<Content>]
  ) {
    if values.count >= 2 * RunFolder.keptValues { values.removeFirst(RunFolder.keptValues) }
    values.append(
      SteppedValue(step: event.step, wallTime: event.wallTime, content: content))
  }
}
