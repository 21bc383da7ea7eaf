import Imaging
import Tensors
import Testing

@Suite struct MetricsTests {
  @Test func picturesByTheirLargestNumber() {
    var metrics = ClassificationMetrics(classCount: 3, top: 2)
    #expect(metrics.accuracy == nil && metrics.topAccuracy == nil && metrics.count == 0)
    let outputs = Tensor([4, 3], [5, 1, 2, /**/ 0, 0, 0, /**/ -1, -3, -2, /**/ .nan, 1, .nan])
    // One-hot, and smoothed, as sources give them.
    let targets = Tensor([4, 3], [1, 0, 0, /**/ 0, 1, 0, /**/ 0.1, 0.1, 0.8, /**/ 0, 1, 0])
    metrics.accumulate(outputs: outputs, targets: targets)
    #expect(metrics.confusion.rows == [[1, 0, 0], [1, 1, 0], [1, 0, 0]])
    #expect(metrics.accuracy == 0.5 && metrics.topAccuracy == 1 && metrics.count == 4)
    metrics.accumulate(outputs: Tensor([1, 3, 1, 1], [3, 2, 1]), targets: Tensor([1, 3], [0, 0, 1]))
    #expect(metrics.accuracy == 0.4 && metrics.topAccuracy == 0.8)
    #expect(metrics.confusion.recall(0) == 1 && metrics.confusion.recall(2) == 0)
    #expect(metrics.confusion.precision(0) == 0.25 && metrics.confusion.precision(1) == 1)
    #expect(metrics.confusion.precision(2) == nil)
  }

  @Test func masksAreAboveTheThreshold() {
    var metrics = SegmentationMetrics(classes: 1)
    #expect(metrics.pixelAccuracy == nil && metrics.intersectionOverUnion == nil && metrics.dice == nil)
    let output = Tensor([1, 1, 2, 4], [1, 2, -1, 0, 3, -2, 0.25, -5])
    let target = Tensor([1, 1, 2, 4], [1, 0, 1, 0, 1, 0, 1, 0])
    // Of the class 4 pixels, thought to be 4, both 3.
    metrics.accumulate(outputs: output, targets: target)
    #expect(metrics.pixelAccuracy == 0.75 && metrics.intersectionOverUnion == 0.6 && metrics.dice == 0.75)
    var likely = SegmentationMetrics(classes: 1, threshold: 0.5)
    likely.accumulate(outputs: output, targets: target)
    #expect(likely.confusion.rows == [[3, 1], [2, 2]])
    // Over all pixels, not the mean of pictures.
    metrics.accumulate(
      outputs: Tensor([1, 1, 1, 4], [1, 1, 1, 1]), targets: Tensor([1, 1, 1, 4], [1, 1, 1, 1]))
    #expect(metrics.intersectionOverUnion == 7.0 / 9)
    var empty = SegmentationMetrics(classes: 1)
    empty.accumulate(predicted: [0, 0], expected: [0, 0])
    #expect(empty.pixelAccuracy == 1 && empty.intersectionOverUnion == nil)
  }

  /// Against the definitions, pixel by pixel, on random batches; those that occur nowhere count for nothing.
  @Test(arguments: 0..<20) func classesOfPixels(seed: Int) {
    var generator = Tensors.SplitMix64(seed: UInt64(seed))
    let classes = 2 + seed % 4, shape: Shape = [2, classes, 3 + seed % 3, 5]
    let pixels = shape.height * shape.width
    var metrics = SegmentationMetrics(classes: classes)
    var pairs: [(expected: Int, predicted: Int)] = []
    for _ in 0..<3 {
      let outputs = Tensor(uniform: shape, bound: 1, using: &generator)
      // The last class never occurs, nor the one before where there are many.
      let labels = (0..<2 * pixels).map { _ in Int.random(in: 0..<max(classes - 2, 1), using: &generator) }
      var targets = [Float](repeating: 0, count: shape.count)
      for (place, label) in labels.enumerated() {
        targets[(place / pixels * classes + label) * pixels + place % pixels] = 1
        let numbers = (0..<classes).map { outputs.floats[(place / pixels * classes + $0) * pixels + place % pixels] }
        pairs.append((label, numbers.firstIndex(of: numbers.max() ?? 0) ?? 0))
      }
      metrics.accumulate(outputs: outputs, targets: Tensor(shape, targets))
    }
    #expect(metrics.pixelAccuracy == Double(pairs.count { $0.expected == $0.predicted }) / Double(pairs.count))
    var overlaps: [Double] = [], dice: [Double] = []
    for label in 0..<classes {
      let both = pairs.count { $0.expected == label && $0.predicted == label }
      let either = pairs.count { $0.expected == label || $0.predicted == label }
      guard either > 0 else { continue }
      overlaps.append(Double(both) / Double(either))
      dice.append(2 * Double(both) / Double(both + either))
    }
    #expect(abs((metrics.intersectionOverUnion ?? -1) - overlaps.reduce(0, +) / Double(overlaps.count)) < 1e-12)
    #expect(abs((metrics.dice ?? -1) - dice.reduce(0, +) / Double(dice.count)) < 1e-12)
  }

  @Test func matricesAdd() {
    var first = ConfusionMatrix(classCount: 1 << 16), second = first
    first.add(expected: 65535, predicted: 7)
    second.add(expected: 65535, predicted: 65535, count: 3)
    second.add(expected: 1, predicted: 7, count: 0)
    first.add(second)
    #expect(first.count == 4 && first.correctCount == 3 && first.accuracy == 0.75)
    #expect(first.recall(65535) == 0.75 && first.precision(7) == 0 && first.dice(65535) == 6.0 / 7)
    #expect(first.intersectionOverUnion(65535) == 0.75 && first.intersectionOverUnion(3) == nil)
  }
}
