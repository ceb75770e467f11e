import Glibc

/// How points in space are seen: turned, lifted, and with weak perspective.
struct ScatterCamera {
  /// The turn about the vertical axis, in radians.
  let yaw: Double
  /// How far the eye is above the ground, in radians.
  let pitch: Double

  /// A camera that looks askew, from where the points lie spread the widest.
  ///
  /// - Parameter places: three lists of places in the box from -1 to 1.
  init(facing places: [[Double]]) {
    var best = (area: -1.0, yaw: 0.6, pitch: 0.4)
    let count = places[0].count
    let stride = max(1, count / 2000)
    for pitch in [25.0, 18, 32] {
      for yaw in [35.0, 55, 25, 65, 125, 145, 115, 155] {
        let camera = ScatterCamera(yaw: yaw * .pi / 180, pitch: pitch * .pi / 180)
        var (x, y, xx, yy, xy, seen) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for index in Swift.stride(from: 0, to: count, by: stride) {
          let at = camera.project(places[0][index], places[1][index], places[2][index])
          x += at.x
          y += at.y
          xx += at.x * at.x
          yy += at.y * at.y
          xy += at.x * at.y
          seen += 1
        }
        guard seen > 0 else { continue }
        let (mx, my) = (x / seen, y / seen)
        let area = (xx / seen - mx * mx) * (yy / seen - my * my) - pow(xy / seen - mx * my, 2)
        // A little better is not worth a less usual view.
        if area > best.area * 1.05 { best = (area, camera.yaw, camera.pitch) }
      }
    }
    self.init(yaw: best.yaw, pitch: best.pitch)
  }

  init(yaw: Double, pitch: Double) {
    self.yaw = yaw
    self.pitch = pitch
  }

  /// Where a place in the box is seen: to the right, upwards, and how far behind the middle.
  func project(_ x: Double, _ y: Double, _ z: Double) -> (x: Double, y: Double, depth: Double) {
    let across = x * cos(yaw) + y * sin(yaw)
    let away = y * cos(yaw) - x * sin(yaw)
    let up = z * cos(pitch) + away * sin(pitch)
    let depth = away * cos(pitch) - z * sin(pitch)
    let near = 4.5 / (4.5 + depth)
    return (across * near, up * near, depth)
  }

  /// The direction of a line on the picture, in degrees.
  static func degrees(_ dx: Double, _ dy: Double) -> Double { atan2(dy, dx) * 180 / .pi }
}

/// The extents of a scatter plot's axes, with some air, and the box that they span.
struct ScatterExtents {
  /// The lowest and the highest number of each axis.
  let ranges: [(low: Double, high: Double)]
  /// Half of the longest axis.
  let half: Double

  init(_ places: [[Double]]) {
    ranges = places.map { values in
      guard let low = values.min(), let high = values.max() else { return (0, 1) }
      let air = high > low ? (high - low) * 0.06 : max(abs(low) * 0.1, 0.5)
      let from = low - air
      let to = high + air
      return from.isFinite && to.isFinite && from < to ? (from, to) : (-1, 1)
    }
    half = max(.leastNormalMagnitude, ranges.map { ($0.high / 2 - $0.low / 2) }.max() ?? 1)
  }

  /// Half the length of an axis where the longest is 1.
  func side(_ axis: Int) -> Double { (ranges[axis].high / 2 - ranges[axis].low / 2) / half }

  /// A number of an axis in the box from -1 to 1.
  func place(_ value: Double, _ axis: Int) -> Double {
    (value - (ranges[axis].low / 2 + ranges[axis].high / 2)) / half
  }
}
