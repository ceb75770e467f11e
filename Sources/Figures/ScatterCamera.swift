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
