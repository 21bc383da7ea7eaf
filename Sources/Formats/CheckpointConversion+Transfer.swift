import Architectures
import Networks
import Tensors

/// Moves tensors into a network. No memory is taken for what the checkpoint does not hold.
struct Transfer {
  var state: StateDict
  /// Whose names the tensors have.
  var naming: String

  /// The network with the tensors in place; `module` names the checkpoint's module of one of our nodes, without the part of a
  /// convolution that is made up of two.
  func network(
    _ architecture: Architecture, notes: [String] = [], module: (String) -> String
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let builder: NetworkBuilder
    do throws(ArchitectureError) { builder = try architecture.definition.builder() } catch { throw .architecture(error) }
    var parameters = builder.fixed
    var report = ConversionReport(architecture: architecture, naming: naming, notes: notes)
    var used: Set<String> = []
    var counters: Set<String> = []
    for node in builder.graph.nodes {
      let (whole, part) = node.name.splitAtPart
      let prefix = module(whole) + (part.map { "." + $0 } ?? "") + "."
      // A mean shift is checked, not taken; see `MeanShift`.
      if case .channelAffine(let payload) = node.operation, !payload.isTrainable {
        used.formUnion(MeanShift.roles.map { prefix + $0.rawValue })
        continue
      }
      if case .batchNorm = node.operation { counters.insert(prefix + "num_batches_tracked") }
      for owned in node.operation.parameters {
        let name =
          owned.role.checkpointNames.map { prefix + $0 }.first { state[$0] != nil } ?? prefix + owned.role.checkpointNames[0]
        used.insert(name)
        guard let tensor = state[name] else {
          report.missing.append(.init(name: name, shape: owned.shape))
          continue
        }
        let isFloat = tensor.dataType == .float32 || tensor.dataType == .bfloat16
        guard tensor.shape.fits(owned.shape), isFloat else {
          report.misshapen.append(
            .init(
              name: state.original(name), expected: owned.shape, got: tensor.shape,
              dataType: isFloat ? .float32 : tensor.dataType))
          continue
        }
        let parameter = node.parameterName(owned.role)
        parameters[parameter] = tensor.convertedToFloat32().reshaped(owned.shape)
        report.taken.append(.init(name: state.original(name), parameter: parameter))
      }
    }
    let counted = state.names.count { counters.contains($0) }
    if counted > 0 {
      report.notes.append("\(counted) counters of training steps (num_batches_tracked) are not needed")
    }
    let leftOver = state.names.filter { !used.contains($0) && !counters.contains($0) }
    report.leftOver = leftOver.map { .init(name: state.original($0), shape: state[$0]?.shape ?? []) }
    report.leftOver += state.hidden.map { .init(name: $0.original, shape: $0.tensor.shape) }
    guard report.isComplete else { throw .incomplete(architecture: architecture.name, report) }
    let network: Network
    do throws(NetworkError) {
      network = try Network(builder.graph, parameters: parameters)
    } catch {
      throw .architecture(.network(architecture: architecture.name, error))
    }
    if let parameter = network.firstNonFiniteParameter {
      throw .notFinite(tensor: report.taken.first { $0.parameter == parameter }?.name ?? parameter)
    }
    return (network, report)
  }
}

extension ParameterRole {
  /// PyTorch's name, then ours where it differs.
  fileprivate var checkpointNames: [String] {
    switch self {
    case .runningMean: ["running_mean", rawValue]
    case .runningVariance: ["running_var", rawValue]
    // PReLU's.
    case .slope: ["weight", rawValue]
    case .weight, .bias, .scale, .shift, .multiplier, .table, .value, .depthwiseWeight, .depthwiseBias,
      .depthwiseMultiplier, .pointwiseWeight, .pointwiseBias, .pointwiseMultiplier, .middleSlope:
      [rawValue]
    }
  }
}

extension Shape {
  /// Whether a tensor of this shape can be a parameter: the same extents, or a linear layer in place of a 1x1 convolution.
  fileprivate func fits(_ expected: Shape) -> Bool {
    self == expected || rank == 2 && expected == [self[0], self[1], 1, 1]
  }
}

/// The mean shift of the original EDSR: fixed in our network, tensors in checkpoints.
struct MeanShift {
  var state: StateDict
  var naming: CheckpointNaming

  /// Ours, and those of the 1x1 convolution that checkpoints have in its place.
  static let roles: [ParameterRole] = [.scale, .shift, .weight, .bias]

  private var nodes: [(module: String, sign: Float)] {
    [(naming.edsrModule("subtractMean", blocks: 0), -1), (naming.edsrModule("addMean", blocks: 0), 1)]
  }
  private var shiftRole: ParameterRole { naming.style == .original ? .bias : .shift }
  private var scaleRole: ParameterRole { naming.style == .original ? .weight : .scale }

  var isPresent: Bool { nodes.contains { state["\($0.module).\(shiftRole.rawValue)"] != nil } }

  /// What 255 is inside the network by the size of the shifts; nil where the checkpoint has none. Throws where a shift is another
  /// than the fixed one, or a scale is not 1.
  func maximum() throws(ConversionError) -> Float? {
    var found: Float?
    for (module, sign) in nodes {
      let identity: [Float] = naming.style == .original ? [1, 0, 0, 0, 1, 0, 0, 0, 1] : [1, 1, 1]
      if let scale = state["\(module).\(scaleRole.rawValue)"] {
        guard scale.isNear(identity, 1e-5) else { throw .meanShift(tensor: state.original("\(module).\(scaleRole.rawValue)")) }
      }
      let name = "\(module).\(shiftRole.rawValue)"
      guard let shift = state[name] else { continue }
      let candidates: [Float] = found.map { [$0] } ?? [255, 1]
      let maximum = candidates.first { maximum in
        let mean = EDSR.meanColour.map { sign * $0 * maximum }
        return shift.isNear(mean, 1e-5 * maximum) || shift.isRounded(mean)
      }
      guard let maximum else { throw .meanShift(tensor: state.original(name)) }
      found = maximum
    }
    return found
  }
}

extension Tensor {
  /// Whether the tensor has these elements, each within `tolerance`.
  fileprivate func isNear(_ elements: [Float], _ tolerance: Float) -> Bool {
    guard dataType == .float32, count == elements.count else { return false }
    return zip(floats, elements).allSatisfy { abs($0 - $1) <= tolerance }
  }

  /// Whether the tensor has these elements, each the nearest of half precision or of bfloat16: that many bits of the significand are kept.
  fileprivate func isRounded(_ elements: [Float]) -> Bool {
    guard dataType == .float32, count == elements.count else { return false }
    return [10, 7].contains { bits in
      let dropped: UInt32 = 1 << (23 - bits) - 1
      return zip(floats, elements).allSatisfy { stored, element in
        // Half a unit in the last place, and an ulp of the float that was rounded.
        stored.bitPattern & dropped == 0
          && abs(stored - element) <= element.ulp * Float(1 << (22 - bits) + 1)
      }
    }
  }
}
