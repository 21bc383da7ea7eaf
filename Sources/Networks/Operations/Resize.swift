import Tensors

/// Enlargement by a whole factor.
///
/// Output pixel `i` lies at `(i + 0.5) / factor - 0.5` of the input, each axis for itself:
/// - nearest: the pixel `⌊i / factor⌋`;
/// - bilinear: the two neighbours, weighted by distance; positions below 0 count as 0;
/// - bicubic: the four neighbours by Keys' kernel with a = -0.75; pixels beyond the border repeat it.
///
/// - Input: `[N, C, H, W]`. Output: `[N, C, H·factor, W·factor]`.
/// - Cost: no MACs.
/// - Source: `torch.nn.functional.interpolate(scale_factor:, align_corners: False)`; Keys 1981.
public struct Resize: Hashable, Codable, Sendable {
  /// How values between pixels are found.
  public enum Method: String, Hashable, Codable, Sendable, CaseIterable {
    case nearest, bilinear, bicubic
  }

  public var method: Method
  public var factor: Int

  public init(method: Method, factor: Int) {
    self.method = method
    self.factor = factor
  }
}

extension Resize: OperationDefinition {
  package var typeName: String { "resize" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { "\(method.rawValue), factor \(factor)" }
  package var attributeFault: String? { firstFault([("factor", factor, 1)]) }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let input = try image(inputs[0])
    return Shape(batch: input.batch, channels: input.channels, height: input.height * factor, width: input.width * factor)
  }
}
