public import Models
import Tensors

/// Taps that move a residual stream along a direction, or take the direction out of it.
public enum Steering {
  /// Adds a vector `[width]` to the stream that enters a layer, at every position.
  ///
  /// Turner et al. 2023, arXiv:2308.10248.
  public static func adding(_ vector: [Float], entering layer: Int) -> Tap {
    Tap(.residual(layer)) { activation, _ in
      try Tensor.broadcast(activation, Tensor(shape: [vector.count], vector), .add)
    }
  }

  /// Takes a unit direction `[width]` out of the stream that enters a layer: x − (x · v) v.
  ///
  /// Arditi et al. 2024, arXiv:2406.11717.
  public static func removing(_ unit: [Float], entering layer: Int) -> Tap {
    Tap(.residual(layer)) { activation, _ in
      let (rows, width) = (activation.shape[0], activation.shape[1])
      var numbers = activation.floats
      for row in 0..<rows {
        let places = row * width..<(row + 1) * width
        let share = zip(places, unit).reduce(0.0) { $0 + Double(numbers[$1.0]) * Double($1.1) }
        for (place, number) in zip(places, unit) { numbers[place] -= Float(share) * number }
      }
      return Tensor(shape: activation.shape, numbers)
    }
  }
}
