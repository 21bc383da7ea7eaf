import Networks
import Tensors

extension Network {
  /// What to say before work with a network that was not trained, as a clause; nil of others.
  var untrainedNotice: String? {
    looksUntrained
      ? "the parameters are as random as those of a new network, and so is what it makes; train it first, with 'swiftlet train'"
      : nil
  }

  /// Weights of fewer elements say nothing about how they were drawn.
  private static let leastCount = 512

  /// Whether its weights are as a new network's: those of every convolution and linear layer spread evenly over `±√(6 / fan-in)` at most. What was
  /// trained is not: most weights gather around 0, and some leave the range.
  ///
  /// The fourth moment over the square of the second is 1.8 for numbers that are spread evenly, 3 for those of a bell.
  var looksUntrained: Bool {
    var count = 0
    for (name, tensor) in parameters where name.hasSuffix(".weight") && tensor.dataType == .float32 {
      guard tensor.shape.rank >= 2, tensor.count >= Self.leastCount else { continue }
      let fanIn = Double(tensor.count / max(tensor.shape[0], 1))
      var second = 0.0, fourth = 0.0, largest = 0.0
      tensor.withUnsafeFloats { values in
        for value in values {
          let square = Double(value) * Double(value)
          second += square
          fourth += square * square
          largest = max(largest, square)
        }
      }
      guard largest > 0, largest <= 6.001 / fanIn else { return false }
      let kurtosis = fourth / Double(tensor.count) / (second * second / Double(tensor.count * tensor.count))
      guard abs(kurtosis - 1.8) < 0.15 else { return false }
      count += 1
    }
    return count > 0
  }
}
