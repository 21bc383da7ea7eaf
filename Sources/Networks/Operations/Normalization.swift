import Tensors

/// Values that are normalised together, by their own mean and variance.
///
///     y = (x - μ) / √(σ² + ε)      μ = mean x, σ² = mean (x - μ)² over the axes
///
/// Without `centres` the mean is not subtracted: `y = x / √(mean x² + ε)`. Where `groups` is more than 1, the axes are all but the
/// batch, and only neighbouring channels, `C / groups` of them, are normalised together. Factors and shifts follow as operations of their own.
/// - Input: any shape with those axes. Output: the same shape.
/// - Cost: no MACs.
/// - Source: `torch.nn.InstanceNorm2d` (height and width), `LayerNorm` (the last axes), `GroupNorm` (all but the batch), `RMSNorm`.
public struct Normalization: Hashable, Sendable {
  /// Counted from 0, ascending.
  public var axes: [Int]
  public var groups: Int
  public var epsilon: Float
  public var centres: Bool

  public init(axes: [Int], groups: Int = 1, epsilon: Float = 1e-5, centres: Bool = true) {
    self.axes = axes
    self.groups = groups
    self.epsilon = epsilon
    self.centres = centres
  }
}

extension Normalization: WithoutParameters, WithoutProducts, WithoutSizes, OnFloat32 {
  package var type: OperationType { .normalization }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func summary(of operands: [String]) -> String {
    "axes [\(axes.map(String.init).joined(separator: ", "))], epsilon \(epsilon)" + (groups == 1 ? "" : ", \(groups) groups")
      + (centres ? "" : ", not centred")
  }

  package var attributeFault: String? {
    if axes.isEmpty { return "there is no axis to normalise along" }
    if let fault = axesFault(axes) ?? firstFault([("groups", groups, 1)]) { return fault }
    if groups > 1, axes != Array(1...axes.count) {
      return "there are \(groups) groups of channels and the axes are not all but the batch"
    }
    return epsilon.isFinite && epsilon >= 0 ? nil : "the epsilon \(epsilon) is not a finite number from 0 on"
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    for axis in axes { _ = try inputs[0].extent(along: axis) }
    if groups > 1, axes.count != inputs[0].rank - 1 {
      throw TypeMismatch("\(inputs[0]) has other axes than the batch and those of its \(groups) groups")
    }
    if groups > 1, inputs[0][1] % groups != 0 {
      throw TypeMismatch("the \(inputs[0][1]) channels of \(inputs[0]) are no multiple of \(groups) groups")
    }
    return inputs[0]
  }

  package var window: SpatialWindow? { axes == [1] ? .pixel : nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { axes.contains(1) ? .mixed : .kept }
}

extension Normalization: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case axes, groups, epsilon, centres }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      axes: try container.decode([Int].self, forKey: .axes),
      groups: try container.decodeIfPresent(Int.self, forKey: .groups) ?? 1,
      epsilon: try container.decode(Float.self, forKey: .epsilon),
      centres: try container.decodeIfPresent(Bool.self, forKey: .centres) ?? true)
  }

  /// Attributes with their default value are left out, epsilon never.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(axes, forKey: .axes)
    if groups != 1 { try container.encode(groups, forKey: .groups) }
    try container.encode(epsilon, forKey: .epsilon)
    if !centres { try container.encode(centres, forKey: .centres) }
  }
}
