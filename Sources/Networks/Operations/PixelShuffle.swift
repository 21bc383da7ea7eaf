import Tensors

/// Moves groups of `factor²` channels into blocks of `factor` x `factor` pixels.
///
///     y[n, c, i·r + u, j·r + v] = x[n, c·r² + u·r + v, i, j]      r = factor
///
/// - Input: `[N, C·factor², H, W]`. Output: `[N, C, H·factor, W·factor]`.
/// - Cost: no MACs.
/// - Source: Shi et al. 2016, `torch.nn.PixelShuffle`.
public struct PixelShuffle: Hashable, Codable, Sendable {
  public var factor: Int

  public init(factor: Int) { self.factor = factor }
}

extension PixelShuffle: OperationDefinition {
  package var typeName: String { "pixelShuffle" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { "\(factor)" }
  package var attributeFault: String? { firstFault([("factor", factor, 1)]) }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let input = try image(inputs[0])
    guard input.channels % (factor * factor) == 0 else {
      throw ShapeMismatch("the \(input.channels) channels of \(input) are no multiple of \(factor)²")
    }
    return Shape(
      batch: input.batch, channels: input.channels / (factor * factor),
      height: input.height * factor, width: input.width * factor)
  }
}

/// The inverse of a pixel shuffle: moves blocks of pixels into channels.
///
///     y[n, c·r² + u·r + v, i, j] = x[n, c, i·r + u, j·r + v]      r = factor
///
/// - Input: `[N, C, H, W]`, height and width multiples of the factor. Output: `[N, C·factor², H / factor, W / factor]`.
/// - Cost: no MACs.
/// - Source: `torch.nn.PixelUnshuffle`.
public struct PixelUnshuffle: Hashable, Codable, Sendable {
  public var factor: Int

  public init(factor: Int) { self.factor = factor }
}

extension PixelUnshuffle: OperationDefinition {
  package var typeName: String { "pixelUnshuffle" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { "\(factor)" }

  package var attributeFault: String? {
    // Channels · factor² stays below 2^56 with legal shapes.
    factor >= 1 && factor <= 1024 ? nil : "the factor \(factor) is not in 1...1024"
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let input = try image(inputs[0])
    guard input.height % factor == 0, input.width % factor == 0 else {
      throw ShapeMismatch("height and width of \(input) are no multiples of \(factor)")
    }
    return Shape(
      batch: input.batch, channels: input.channels * factor * factor,
      height: input.height / factor, width: input.width / factor)
  }
}
