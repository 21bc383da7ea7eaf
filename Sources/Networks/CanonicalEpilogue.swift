/// An epilogue in the order that fusing makes and fast kernels know: `[activation] [scale] [add] [activation] [pixelShuffle]`, each at
/// most once.
package struct CanonicalEpilogue: Hashable, Sendable {
  package var before: ActivationFunction?
  package var scale: Float = 1
  package var adds = false
  package var after: ActivationFunction?
  package var shuffle = 1

  package init() {}

  /// Nil where the steps come in another order, or work on integers.
  package init?(_ epilogue: Epilogue) {
    guard epilogue.requantization == nil else { return nil }
    var stage = 0
    for step in epilogue.steps {
      switch step {
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
      case .pixelShuffle(let factor):
        shuffle = factor
        stage = 5
      // Swift 6.3's optimiser loses what other cases set where one of them leaves from here.
      case .requantize: continue
      }
    }
  }
}
