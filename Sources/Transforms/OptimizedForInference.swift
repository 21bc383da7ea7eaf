import Networks

extension Network {
  /// The same function as a backend likes it best: dead nodes gone, batch norms and affines folded into weights, and what follows
  /// a convolution drawn into it. What every program that only runs a network should run.
  ///
  /// `eliminatingDeadNodes().foldingBatchNorm().fusing()`. Exact but for the rounding of folded weights; doing it twice changes
  /// nothing.
  public func optimizedForInference() -> Network { eliminatingDeadNodes().foldingBatchNorm().fusing() }
}
