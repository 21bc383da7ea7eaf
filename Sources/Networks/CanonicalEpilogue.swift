/// An epilogue in the order that fusing makes and fast kernels know:
/// `[rescale] [activation] [scale] [add] [activation] [requantize or quantize] [pixelShuffle]`, each at most once.
package struct CanonicalEpilogue: Hashable, Sendable {
  /// Whether sums of integers come in, which are multiplied to be numbers.
  package var rescales = false
  package var before: ActivationFunction?
  package var scale: Float = 1
  package var adds = false
  package var after: ActivationFunction?
  /// What is stored of sums of integers; nil where they stay numbers.
  package var requantization: Requantization?
  /// What is stored of sums of float32; nil where they stay numbers.
  package var quantize: Quantize?
  package var shuffle = 1

  package init() {}

  /// Nil where the steps come in another order.
  package init?(_ epilogue: Epilogue) {
    var stage = 0
    for (index, step) in epilogue.steps.enumerated() {
      switch step {
      case .rescale:
        guard index == 0 else { return nil }
        rescales = true
      case .activation(let function):
        if stage == 0 {
          before = function
          stage = 1
        } else if stage <= 3 {
          after = function
          stage = 4
        } else {
          return nil
        }
      case .scale(let factor):
        guard stage <= 1 else { return nil }
        scale = factor
        stage = 2
      case .add:
        guard stage <= 2 else { return nil }
        adds = true
        stage = 3
      case .requantize(let payload):
        guard stage <= 4 else { return nil }
        requantization = payload
        stage = 5
      case .quantize(let payload):
        guard stage <= 4 else { return nil }
        quantize = payload
        stage = 5
      case .pixelShuffle(let factor):
        shuffle = factor
        stage = 6
      }
    }
  }

  /// Whether integers come in or go out.
  package var isOfIntegers: Bool { rescales || quantize != nil }
}
