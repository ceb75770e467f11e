import Glibc
public import Tensors

/// A linear classifier of several sets, multinomial logistic regression, found from the products of its examples alone.
///
/// Minimises `½ Σₖ |wₖ|² − C Σᵢ log softmax(wₖ · xᵢ + bₖ)[yᵢ]`, which is scikit-learn's LogisticRegression; of two sets
/// `½ |w|²` for one vector w, as there, with the score of the first set 0. Newton's method with conjugate gradients, in the inner product that the
/// examples' products give to the coefficients: the width of the vectors doesn't matter.
public struct MultinomialClassifier: Sendable {
  /// For each class α: by what each example's vector is multiplied in its w.
  public let coefficients: [[Double]]
  /// For each class b.
  public let biases: [Double]

  /// Finds the classifier.
  ///
  /// - Parameters:
  ///   - products: the products of all examples, row by row, `[examples, examples]`.
  ///   - labels: the class of each example, `0..<classes`; a class without examples is never chosen.
  ///   - penalty: C, by what the losses' sum is multiplied.
  /// - Throws: `Cancelled`.
  ///
  /// Precondition: two classes have examples.
  public init(
    products: [Double], labels: [Int], classes: Int, penalty: Double = 1,
    cancellation: Cancellation? = nil
  ) throws(Cancelled) {
    let present = (0..<classes).filter { labels.contains($0) }
    precondition(present.count > 1, "two classes")
    precondition(products.count == labels.count * labels.count, "products of all examples")
    var coefficients = [[Double]](
      repeating: [Double](repeating: 0, count: labels.count), count: classes)
    var biases = [Double](repeating: -.infinity, count: classes)
    // Of two classes the vectors are each other's opposites, and the sum of their squares half that of the difference's.
    let isBinary = present.count == 2
    var descent = MultinomialDescent(
      products: products, labels: labels.map { present.firstIndex(of: $0) ?? 0 },
      classes: present.count, penalty: isBinary ? penalty / 2 : penalty)
    for _ in 0..<100 {
      try cancellation?.check()
      if try descent.step(cancellation) { break }
    }
    for (place, label) in present.enumerated() {
      coefficients[label] = labels.indices.map {
        descent.point.rows[$0 * present.count + place]
      }
      biases[label] = descent.point.biases[place]
    }
    if isBinary {
      let (none, some) = (present[0], present[1])
      coefficients[some] = zip(coefficients[some], coefficients[none]).map { $0 - $1 }
      coefficients[none] = labels.map { _ in 0 }
      biases[some] -= biases[none]
      biases[none] = 0
    }
    self.coefficients = coefficients
    self.biases = biases
  }

  /// The score of each class for an example whose products with the training examples are given.
  public func scores(_ products: [Double]) -> [Double] {
    zip(coefficients, biases).map { alpha, bias in
      zip(alpha, products).reduce(bias) { $0 + $1.0 * $1.1 }
    }
  }

  /// The class with the highest score; of equal ones the first.
  public func label(_ products: [Double]) -> Int {
    let scores = scores(products)
    return scores.indices.max { (scores[$0], -$0) < (scores[$1], -$1) } ?? 0
  }
}

/// The way down to the optimum.
private struct MultinomialDescent {
  /// A point or a direction: coefficients `[examples, classes]` and biases `[classes]`.
  struct Point {
    var rows: [Double]
    var biases: [Double]

    mutating func add(_ other: Point, times factor: Double) {
      for place in rows.indices { rows[place] += factor * other.rows[place] }
      for place in biases.indices { biases[place] += factor * other.biases[place] }
    }
  }

  let products: [Double]
  let labels: [Int]
  let classes: Int
  let penalty: Double
  var point: Point
  /// `products · point.rows`.
  private var image: [Double]

  init(products: [Double], labels: [Int], classes: Int, penalty: Double) {
    self.products = products
    self.labels = labels
    self.classes = classes
    self.penalty = penalty
    let zeros = [Double](repeating: 0, count: labels.count * classes)
    point = Point(rows: zeros, biases: [Double](repeating: 0, count: classes))
    image = zeros
  }

  /// `products · rows`.
  private func image(of rows: [Double]) -> [Double] {
    let count = labels.count
    var result = [Double](repeating: 0, count: rows.count)
    for row in 0..<count {
      let start = row * classes
      for column in 0..<count {
        let product = products[row * count + column]
        for label in 0..<classes {
          result[start + label] += product * rows[column * classes + label]
        }
      }
    }
    return result
  }

  /// The inner product of two directions, of which one's image is given.
  private func inner(_ left: Point, _ right: Point, image: [Double]) -> Double {
    var sum = 0.0
    for place in image.indices { sum += left.rows[place] * image[place] }
    for place in left.biases.indices { sum += left.biases[place] * right.biases[place] }
    return sum
  }

  /// Probabilities `[examples, classes]`, and the sum of the losses.
  private func probabilities(
    _ image: [Double], _ biases: [Double]
  ) -> (shares: [Double], loss: Double) {
    var shares = image
    var loss = 0.0
    for row in labels.indices {
      let places = row * classes..<(row + 1) * classes
      for (label, place) in places.enumerated() { shares[place] += biases[label] }
      let largest = shares[places].max() ?? 0
      var sum = 0.0
      for place in places { sum += exp(shares[place] - largest) }
      let normalizer = largest + log(sum)
      loss += normalizer - shares[row * classes + labels[row]]
      for place in places { shares[place] = exp(shares[place] - normalizer) }
    }
    return (shares, loss)
  }

  private func objective(_ point: Point, _ image: [Double]) -> Double {
    var square = 0.0
    for place in image.indices { square += point.rows[place] * image[place] }
    return square / 2 + penalty * probabilities(image, point.biases).loss
  }

  /// The second derivative applied to a direction whose image is given.
  private func curvature(_ direction: Point, _ image: [Double], _ shares: [Double]) -> Point {
    var result = direction
    var biases = [Double](repeating: 0, count: classes)
    for row in labels.indices {
      let start = row * classes
      var mean = 0.0
      for label in 0..<classes {
        mean += shares[start + label] * (image[start + label] + direction.biases[label])
      }
      for label in 0..<classes {
        let change =
          penalty * shares[start + label]
          * (image[start + label] + direction.biases[label] - mean)
        result.rows[start + label] += change
        biases[label] += change
      }
    }
    result.biases = biases
    return result
  }

  /// One step of Newton's method; whether it was the last that is worth while.
  mutating func step(_ cancellation: Cancellation?) throws(Cancelled) -> Bool {
    let (shares, _) = probabilities(image, point.biases)
    // The residual is minus the gradient.
    var residual = Point(
      rows: point.rows.map { -$0 }, biases: [Double](repeating: 0, count: classes))
    for row in labels.indices {
      for label in 0..<classes {
        let place = row * classes + label
        let gap = penalty * ((labels[row] == label ? 1 : 0) - shares[place])
        residual.rows[place] += gap
        residual.biases[label] += gap
      }
    }
    var residualImage = image(of: residual.rows)
    var square = inner(residual, residual, image: residualImage)
    let start = square
    if start < 1e-20 { return true }
    // Precise where the optimum is near, rough far from it.
    let enough = start * min(0.01, start) * 1e-2
    var step = Point(
      rows: [Double](repeating: 0, count: image.count),
      biases: [Double](repeating: 0, count: classes))
    var stepImage = step.rows
    var direction = residual
    var directionImage = residualImage
    for _ in 0..<200 where square > max(enough, 1e-26) {
      try cancellation?.check()
      let bent = curvature(direction, directionImage, shares)
      let along = inner(bent, direction, image: directionImage)
      guard along > 0 else { break }
      let length = square / along
      step.add(direction, times: length)
      for place in stepImage.indices { stepImage[place] += length * directionImage[place] }
      residual.add(bent, times: -length)
      residualImage = image(of: residual.rows)
      let next = inner(residual, residual, image: residualImage)
      let ratio = next / square
      square = next
      var turned = residual
      turned.add(direction, times: ratio)
      direction = turned
      for place in directionImage.indices {
        directionImage[place] = residualImage[place] + ratio * directionImage[place]
      }
    }
    let before = objective(point, image)
    var length = 1.0
    while length > 1e-8 {
      var next = point
      next.add(step, times: length)
      var nextImage = image
      for place in nextImage.indices { nextImage[place] += length * stepImage[place] }
      if objective(next, nextImage) <= before + 1e-13 * abs(before) {
        point = next
        image = nextImage
        return false
      }
      length /= 2
    }
    return true
  }
}
