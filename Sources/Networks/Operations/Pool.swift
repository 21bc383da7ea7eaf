import Tensors

/// The windows of a pooling operation.
///
/// - Output: height `(H + top + bottom - kernel) / stride + 1`, rounded down, or up with `ceilMode`; windows that would begin
///   beyond the last row and the top padding are dropped. The width likewise.
/// - Maximum pool: `y[n, c, i, j] = max x` over the window; padding never wins.
/// - Average pool: the sum over the window by the number of its pixels, which counts padding (but not what `ceilMode` adds
///   beyond it) where `countIncludesPadding`.
/// - Input: `[N, C, H, W]`, of float32, int8 or uint8. Cost: no MACs.
/// - Of integers the average is `clamp(roundToNearestEven(Float(Σ (x - z)) · (1 / Float(n))) + z)`, with their zero point z, the sum exact and
///   its conversion, the quotient and the product rounded to float32.
/// - Source: `torch.nn.MaxPool2d`, `torch.nn.AvgPool2d`.
public struct Pool: Hashable, Sendable {
  public var kernel: Pair
  public var stride: Pair
  /// Smaller than the kernel on every side, so that each window holds a pixel.
  public var padding: Padding
  public var ceilMode: Bool
  /// Average pools only.
  public var countIncludesPadding: Bool

  /// The stride is the kernel unless given.
  public init(
    kernel: Pair, stride: Pair? = nil, padding: Padding = Padding(0), ceilMode: Bool = false, countIncludesPadding: Bool = true
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.ceilMode = ceilMode
    self.countIncludesPadding = countIncludesPadding
  }
}

extension Pool {
  var summary: String {
    var parts = ["kernel \(kernel)"]
    if stride != kernel { parts.append("stride \(stride)") }
    if padding != Padding(0) { parts.append("padding \(padding)") }
    if ceilMode { parts.append("ceil") }
    if !countIncludesPadding { parts.append("padding not counted") }
    return parts.joined(separator: ", ")
  }

  var attributeFault: String? {
    if let fault = kernel.fault("kernel") ?? stride.fault("stride") ?? padding.fault() { return fault }
    if max(padding.top, padding.bottom) >= kernel.height || max(padding.left, padding.right) >= kernel.width {
      return "the padding \(padding) is not smaller than the kernel \(kernel)"
    }
    return nil
  }

  func outputShape(_ input: Shape) throws(TypeMismatch) -> Shape {
    let input = try image(input)
    return Shape(
      batch: input.batch, channels: input.channels,
      height: try extent(input.height, "height", padding.top, padding.bottom, kernel.height, stride.height),
      width: try extent(input.width, "width", padding.left, padding.right, kernel.width, stride.width))
  }

  private func extent(
    _ extent: Int, _ axis: String, _ before: Int, _ after: Int, _ kernel: Int, _ stride: Int
  ) throws(TypeMismatch) -> Int {
    let room = extent + before + after - kernel
    guard room >= 0 else { throw TypeMismatch("the kernel \(kernel) exceeds the padded \(axis) \(extent + before + after)") }
    guard ceilMode else { return room / stride + 1 }
    let windows = (room + stride - 1) / stride + 1
    return (windows - 1) * stride >= extent + before ? windows - 1 : windows
  }
}

/// See `Pool`.
struct MaximumPool: PoolDefinition {
  var pool: Pool
  var type: OperationType { .maximumPool }
}

/// See `Pool`.
struct AveragePool: PoolDefinition {
  var pool: Pool
  var type: OperationType { .averagePool }
}

/// What both say.
protocol PoolDefinition: WithoutParameters, WithoutProducts, WithoutSizes, OnPooledElements {
  var pool: Pool { get }
  init(pool: Pool)
}

extension PoolDefinition {
  var attributeNames: [String] { Pool.CodingKeys.allCases.map(\.rawValue) }
  var inputCount: ClosedRange<Int> { 1...1 }
  func summary(of operands: [String]) -> String { pool.summary }
  var attributeFault: String? { pool.attributeFault }
  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { try pool.outputShape(inputs[0]) }
  var window: SpatialWindow? { SpatialWindow(kernel: pool.kernel, stride: pool.stride, padding: pool.padding) }
  func channelFlow(of operand: Int) -> ChannelFlow { .kept }

  init(from decoder: any Decoder) throws { self.init(pool: try Pool(from: decoder)) }
  func encode(to encoder: any Encoder) throws { try pool.encode(to: encoder) }
}

extension Pool: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case kernel, stride, padding, ceilMode, countIncludesPadding }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      kernel: try container.decode(Pair.self, forKey: .kernel),
      stride: try container.decodeIfPresent(Pair.self, forKey: .stride),
      padding: try container.decodeIfPresent(Padding.self, forKey: .padding) ?? Padding(0),
      ceilMode: try container.decodeIfPresent(Bool.self, forKey: .ceilMode) ?? false,
      countIncludesPadding: try container.decodeIfPresent(Bool.self, forKey: .countIncludesPadding) ?? true)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kernel, forKey: .kernel)
    if stride != kernel { try container.encode(stride, forKey: .stride) }
    if padding != Padding(0) { try container.encode(padding, forKey: .padding) }
    if ceilMode { try container.encode(ceilMode, forKey: .ceilMode) }
    if !countIncludesPadding { try container.encode(countIncludesPadding, forKey: .countIncludesPadding) }
  }
}
