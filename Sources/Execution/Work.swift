/// What a step of a run does, as the engine that planned it knows: reports and explanations read this and guess nothing from names.
public struct Work: Hashable, Codable, Sendable {
  /// The way in which it is done.
  public enum Method: String, Hashable, Codable, Sendable, CaseIterable {
    /// Products in the domain of Winograd's transforms: fewer than are written.
    case winograd
    /// A matrix product whose rows are gathered, tap by tap.
    case gatheredProducts = "gathered_products"
    /// A matrix product of pixels, or of images, where they lie.
    case products
    /// A convolution of few input channels, from planes.
    case head
    /// A convolution of few output channels, to planes.
    case tail
    case depthwise
    /// A depthwise and a 1x1 convolution at once, nothing between them in memory.
    case separable
    /// A transposed convolution to a few planes.
    case planes
    case pool, reduction, softmax, resize
    /// A function of each element, or of two.
    case elementwise
    /// Elements that go to another place.
    case movement
    /// A value brought into another layout.
    case copy

    /// Whether it does the products that the network writes.
    public var isOfProducts: Bool {
      switch self {
      case .winograd, .gatheredProducts, .products, .head, .tail, .depthwise, .separable, .planes, .pool, .reduction, .softmax,
        .resize, .elementwise:
        true
      case .movement, .copy: false
      }
    }
  }

  /// What multiplies.
  public enum Unit: String, Hashable, Codable, Sendable, CaseIterable {
    case float32
    /// Pairs of bfloat16 numbers at once, summed in float32.
    case bfloat16Pairs = "bfloat16_pairs"
    /// Matrices of 16-bit floats at once, summed in float32.
    case float16
    /// Matrices of TF32 at once, summed in float32: three products for each of two float32 numbers, or one of what they are rounded to.
    case tensorFloat32 = "tensor_float32"
    /// Integers of 8 bits, summed in int32.
    case integers
  }

  public var method: Method
  public var unit: Unit
  /// Whether vectors do it; else plain loops, element by element.
  public var isVectorised: Bool
  /// For each product that the network writes, those that are done: fewer with Winograd's transforms, more where groups of channels share
  /// a register tile, with zeros between them. Products with the padding of channels are not counted.
  public var productShare: Double

  public init(_ method: Method, unit: Unit = .float32, isVectorised: Bool = true, productShare: Double? = nil) {
    self.method = method
    self.unit = unit
    self.isVectorised = isVectorised
    self.productShare = productShare ?? (method.isOfProducts ? 1 : 0)
  }
}
