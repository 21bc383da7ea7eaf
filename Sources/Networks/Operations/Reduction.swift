import Tensors

/// One number of many, along some axes.
///
/// The mean over height and width with the axes kept is `globalAveragePool`, which backends know better.
/// - Input: any shape with those axes. Output: extents of 1 there, or without those axes where `keepsAxes` is false.
/// - Cost: no MACs.
/// - Source: `torch.mean`, `torch.sum`, `torch.amax`, … with `dim` and `keepdim`; ONNX `ReduceMean`, `ReduceSum`, `ReduceMax`, ….
public struct Reduction: Hashable, Sendable {
  public enum Function: Hashable, Sendable, CaseIterable {
    /// `Σ x / number`
    case mean
    /// `Σ x`
    case sum
    /// `Σ |x|`
    case sumOfMagnitudes
    /// `Σ x²`
    case sumOfSquares
    /// `Π x`
    case product
    /// The largest, NaN where one is.
    case maximum
    /// The smallest, NaN where one is.
    case minimum
  }

  public var function: Function
  /// Counted from 0, ascending.
  public var axes: [Int]
  public var keepsAxes: Bool

  public init(_ function: Function, axes: [Int], keepsAxes: Bool = true) {
    self.function = function
    self.axes = axes
    self.keepsAxes = keepsAxes
  }
}

extension Reduction.Function {
  /// The `type` of the JSON form.
  package var type: OperationType {
    switch self {
    case .mean: .reduceMean
    case .sum: .reduceSum
    case .sumOfMagnitudes: .reduceSumOfMagnitudes
    case .sumOfSquares: .reduceSumOfSquares
    case .product: .reduceProduct
    case .maximum: .reduceMaximum
    case .minimum: .reduceMinimum
    }
  }
}

extension Reduction: WithoutParameters, WithoutProducts, WithoutSizes, OnFloat32 {
  package var type: OperationType { function.type }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func summary(of operands: [String]) -> String {
    "axes [\(axes.map(String.init).joined(separator: ", "))]" + (keepsAxes ? "" : ", not kept")
  }

  package var attributeFault: String? {
    if axes.isEmpty { return "there is no axis to reduce" }
    return axesFault(axes)
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    var output = inputs[0].extents
    for axis in axes.reversed() {
      _ = try inputs[0].extent(along: axis)
      if keepsAxes { output[axis] = 1 } else { output.remove(at: axis) }
    }
    return Shape(output)
  }

  package var window: SpatialWindow? { axes == [1] && keepsAxes ? .pixel : nil }

  package func channelFlow(of operand: Int) -> ChannelFlow {
    axes.contains(1) || (axes.contains(0) && !keepsAxes) ? .mixed : .kept
  }
}

/// The function is the `type`, which the operation writes.
extension Reduction: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case type, axes, keepsAxes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .type)
    guard let function = Function.allCases.first(where: { $0.type.rawValue == name }) else {
      throw NetworkError.unknownOperation(name)
    }
    self.init(
      function, axes: try container.decode([Int].self, forKey: .axes),
      keepsAxes: try container.decode(Bool.self, forKey: .keepsAxes))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(type.rawValue, forKey: .type)
    try container.encode(axes, forKey: .axes)
    try container.encode(keepsAxes, forKey: .keepsAxes)
  }
}
