import Tensors

/// How well a classifier does, summed up batch by batch.
public struct ClassificationMetrics: Hashable, Sendable {
  /// Which class was taken for which.
  public private(set) var confusion: ConfusionMatrix
  /// How many classes count as `topCount` sees them.
  public let top: Int
  /// The pictures whose class is among the `top` with the largest numbers.
  public private(set) var topCount = 0

  public init(classCount: Int, top: Int = 1) {
    confusion = ConfusionMatrix(classCount: classCount)
    self.top = top
  }

  public var count: Int { confusion.count }
  /// The share of pictures that were taken for what they are; nil where there were none.
  public var accuracy: Double? { confusion.accuracy }
  /// The share of pictures whose class is among the `top` with the largest numbers.
  public var topAccuracy: Double? { count > 0 ? Double(topCount) / Double(count) : nil }

  /// Adds a batch.
  ///
  /// - Parameters:
  ///   - outputs: `[N, classes]`, or with further axes of 1: logits or probabilities.
  ///   - targets: as many, such as sources of samples give them: 1, or the largest number, for a picture's class.
  ///
  /// Traps where the shapes are others.
  public mutating func accumulate(outputs: Tensor, targets: Tensor) {
    let classes = confusion.classCount, images = outputs.shape.batch
    precondition(
      outputs.shape.count == images * classes && targets.shape.count == outputs.shape.count
        && targets.shape.extents.first == images, "\(outputs.shape) and \(targets.shape) are no batch of \(classes) classes")
    outputs.withUnsafeFloats { outputs in
      targets.withUnsafeFloats { targets in
        for image in 0..<images {
          let row = image * classes..<(image + 1) * classes
          accumulate(
            output: UnsafeBufferPointer(rebasing: outputs[row]),
            expected: Self.largest(UnsafeBufferPointer(rebasing: targets[row])))
        }
      }
    }
  }

  /// Adds one picture: its numbers by class, and its class.
  public mutating func accumulate(output: UnsafeBufferPointer<Float>, expected: Int) {
    confusion.add(expected: expected, predicted: Self.largest(output))
    // Those before it: larger, or equal and of a lower class.
    let own = output[expected]
    let before = output.indices.count { output[$0] > own || (output[$0] == own && $0 < expected) }
    if before < top { topCount += 1 }
  }

  /// The class with the largest number, of equal ones the first. A NaN is no number.
  public static func largest(_ output: UnsafeBufferPointer<Float>) -> Int {
    var best = 0, most = -Float.infinity
    for (index, value) in output.enumerated() where value > most { (best, most) = (index, value) }
    return best
  }
}
