/// The known name that is fewest edits away from a wanted one, or `nil` where none is near.
///
/// Near is at most a third of the wanted name's length. Checkpoints have thousands of names, so
/// only names of about the same length are compared.
func nearestName(to wanted: String, in names: [String]) -> String? {
  let target = Array(wanted.utf8)
  guard target.count <= 200 else { return nil }
  let limit = max(1, target.count / 3)
  var best: (name: String, distance: Int)?
  for name in names where abs(name.utf8.count - target.count) <= limit {
    let distance = editDistance(Array(name.utf8), target)
    if distance <= limit, distance < best?.distance ?? .max { best = (name, distance) }
  }
  return best?.name
}

/// Levenshtein's distance: how many bytes to insert, delete or replace.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var row = Array(0...right.count)
  for (i, a) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, b) in right.enumerated() {
      let replaced = diagonal + (a == b ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
    }
  }
  return row[right.count]
}
