import Architectures
import Networks
import Tensors

extension CheckpointConversion {
  /// The network that the tensors of a checkpoint tell without doubt: of one architecture alone, all of its tensors taken, nothing assumed that would
  /// change what the network makes; nil where there is none.
  public static func recognized(_ tensors: [String: Tensor]) -> (network: Network, report: ConversionReport)? {
    var found: (network: Network, report: ConversionReport)?
    for kind in Kind.allCases {
      var conversion = CheckpointConversion(architecture: kind)
      guard var result = conversion.whole(tensors) else { continue }
      if kind == .edsr {
        guard let scale = result.report.architecture?.publishedResidualScale else { continue }
        conversion.residualScale = scale
        guard let scaled = conversion.whole(tensors) else { continue }
        result = scaled
      }
      if found != nil { return nil }
      found = result
    }
    return found
  }

  /// The network where it takes all tensors of its set.
  private func whole(_ tensors: [String: Tensor]) -> (network: Network, report: ConversionReport)? {
    guard let (state, _) = try? chosen(StateDict(tensors)), let result = try? network(from: tensors) else { return nil }
    return result.report.leftOver.count == state.hidden.count ? result : nil
  }
}

extension Architecture {
  /// The factor of the residual blocks in published networks of these sizes, which no tensor tells: of the authors' baseline and of their large network.
  fileprivate var publishedResidualScale: Float? {
    guard case .edsr(let edsr) = self, edsr.layout == .original else { return nil }
    switch (edsr.features, edsr.blocks) {
    case (64, 16): return 1
    case (256, 32): return 0.1
    default: return nil
    }
  }
}

extension FormatProblem {
  /// Whether what was read as a model holds tensors without a network.
  package var isOfCheckpoint: Bool {
    switch self {
    case .foreign(.checkpoint), .noNetwork: true
    default: false
    }
  }
}
