import Tensors

/// How well a segmenter does, summed up over the pixels of all pictures.
///
/// With one class, a binary mask, two are counted: 0, what is not of it, and 1, what is.
public struct SegmentationMetrics: Hashable, Sendable {
  /// Which class was taken for which, by pixels.
  public private(set) var confusion: ConfusionMatrix
  private let channels: Int
  /// What a binary mask is above: 0 for logits, 0.5 for probabilities.
  private let threshold: Float

  /// - Parameter classes: the channels of the network's output.
  public init(classes: Int, threshold: Float = 0) {
    channels = classes
    self.threshold = threshold
    confusion = ConfusionMatrix(classCount: max(classes, 2))
  }

  /// The share of pixels that were taken for what they are; nil where there were none.
  public var pixelAccuracy: Double? { confusion.accuracy }

  /// Of a binary mask that of the class; of more classes the mean over those that occur or were thought to.
  public var intersectionOverUnion: Double? { mean(confusion.intersectionOverUnion) }

  /// The Dice coefficient, of the same classes.
  public var dice: Double? { mean(confusion.dice) }

  private func mean(_ value: (Int) -> Double?) -> Double? {
    if channels == 1 { return value(1) }
    let values = (0..<channels).compactMap(value)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// Adds a batch.
  ///
  /// - Parameters:
  ///   - outputs: `[N, classes, height, width]`: logits or probabilities.
  ///   - targets: as many, such as sources of samples give them: 1, or the largest number, for a pixel's class; of a binary mask 1
  ///     where a pixel is of it.
  ///
  /// Traps where the shapes are others.
  public mutating func accumulate(outputs: Tensor, targets: Tensor) {
    precondition(
      outputs.shape.isImage && outputs.shape.channels == channels && outputs.shape == targets.shape,
      "\(outputs.shape) and \(targets.shape) are no batch of \(channels) classes")
    for image in 0..<outputs.shape.batch {
      accumulate(
        predicted: Self.labels(of: outputs, image: image, threshold: threshold),
        expected: Self.labels(of: targets, image: image, threshold: 0.5))
    }
  }

  /// Adds a picture's pixels: the class of each. Traps where their numbers differ.
  public mutating func accumulate(predicted: [UInt8], expected: [UInt8]) {
    precondition(predicted.count == expected.count, "\(predicted.count) and \(expected.count) pixels")
    let classes = confusion.classCount
    var counts = [Int](repeating: 0, count: classes * classes)
    for (predicted, expected) in zip(predicted, expected) { counts[Int(expected) * classes + Int(predicted)] += 1 }
    for (index, count) in counts.enumerated() {
      confusion.add(expected: index / classes, predicted: index % classes, count: count)
    }
  }

  /// The class of each pixel of an image of `[N, classes, height, width]`: the one with the largest number, of equal ones the first; of
  /// one class 1 where its number is above the threshold, else 0.
  public static func labels(of tensor: Tensor, image: Int = 0, threshold: Float = 0) -> [UInt8] {
    let channels = tensor.shape.channels, count = tensor.shape.height * tensor.shape.width
    return tensor.withUnsafeFloats { floats in
      let planes = UnsafeBufferPointer(rebasing: floats[image * channels * count..<(image + 1) * channels * count])
      guard channels > 1 else { return planes.map { $0 > threshold ? 1 : 0 } }
      var labels = [UInt8](repeating: 0, count: count)
      var most = Array(planes[..<count])
      for channel in 1..<channels {
        for i in 0..<count where planes[channel &* count &+ i] > most[i] {
          most[i] = planes[channel &* count &+ i]
          labels[i] = UInt8(channel)
        }
      }
      return labels
    }
  }
}
