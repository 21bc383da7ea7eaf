import Architectures
import Formats
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

@Suite struct ConversionTests {
  /// A state dict of another naming, by our parameter names.
  enum Naming: CaseIterable {
    case swiftlet, original, plain, wrapped

    func name(_ parameter: String, count: Int) -> String {
      let dot = parameter.lastIndex(of: ".") ?? parameter.startIndex
      let (node, role) = (String(parameter[..<dot]), String(parameter[dot...]))
      let parts = node.split(separator: ".")
      switch self {
      case .swiftlet: return parameter
      case .wrapped: return "module.model." + Naming.original.name(parameter, count: count)
      case .plain:
        if parts[0] == "layers" { return "f.\((Int(parts[1]) ?? 0) * 2)" + role }
        return node == "up.0" ? "up" + role : parameter
      case .original:
        if parts[0] == "layers" {
          let layer = Int(parts[1]) ?? 0
          return (layer == 0 ? "input" : layer == count - 1 ? "output" : "residual_layer.\(layer - 1).conv") + role
        }
        let renamed = [
          "head": "head.0", "body.end": "body.\(count)", "up.0": "tail.0.0", "up.1": "tail.0.2", "tail": "tail.1",
        ]
        if let name = renamed[node] { return name + role }
        return "body.\(parts[1]).body.\(parts[2] == "a" ? 0 : 2)" + role
      }
    }
  }

  static func state(_ network: Network, _ naming: Naming, count: Int) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (parameter, tensor) in network.parameters {
      guard naming != .swiftlet, parameter.contains("Mean.") else {
        result[naming.name(parameter, count: count)] = tensor
        continue
      }
      let prefix = (naming == .wrapped ? "module.model." : "") + (parameter.hasPrefix("sub") ? "sub_mean." : "add_mean.")
      if parameter.hasSuffix("shift") {
        result[prefix + "bias"] = tensor
      } else {
        result[prefix + "weight"] = Tensor([3, 3, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1])
      }
    }
    return result
  }

  @Test(arguments: Naming.allCases)
  func vdsrOfEveryNaming(naming: Naming) throws {
    for (depth, features) in [(20, 64), (5, 3), (2, 4)] {
      let network = try VDSR(depth: depth, features: features).network(depth == 20 ? .zeros : .random(seed: 1))
      let state = Self.state(network, naming, count: depth)
      let (converted, report) = try CheckpointConversion(architecture: .vdsr).network(from: state)
      #expect(converted == network)
      #expect(report.architecture == .vdsr(VDSR(depth: depth, features: features)))
      #expect(report.taken.count == depth)
      #expect(report.leftOver.isEmpty)
      if depth == 20 { #expect(converted.parameterCount == 664_704) }
    }
  }

  @Test(arguments: [2, 3, 4], [Naming.swiftlet, .plain])
  func plainEDSR(scale: Int, naming: Naming) throws {
    for description in [
      EDSR(scale: scale, features: 5, blocks: 3), EDSR(scale: scale, features: 6, blocks: 0),
      EDSR(scale: scale, channels: 1, features: 32, blocks: 3, residualScale: 1),
    ] {
      // Two stages have our names in the plain module as well.
      let network = try description.network(.random(seed: 2))
      let state = Self.state(network, scale == 4 ? .swiftlet : naming, count: description.blocks)
      let conversion = CheckpointConversion(
        architecture: .edsr, residualScale: description.residualScale == 1 ? 1 : nil)
      let (converted, report) = try conversion.network(from: state)
      #expect(converted == network)
      #expect(report.architecture == .edsr(description))
      #expect(report.notes.isEmpty == (description.residualScale == 1))
    }
  }

  @Test(arguments: [2, 3, 4], [Naming.swiftlet, .original, .wrapped])
  func originalEDSR(scale: Int, naming: Naming) throws {
    for maximum in [1, 255] as [Float] {
      var description = EDSR.original(scale: scale, features: 5, blocks: 11)
      description.maximum = maximum
      let network = try description.network(.random(seed: 3))
      let state = Self.state(network, naming, count: 11)
      let (converted, report) = try CheckpointConversion(architecture: .edsr).network(from: state)
      #expect(converted == network)
      #expect(report.architecture == .edsr(description))
      #expect(report.leftOver.isEmpty)
    }
  }

  @Test func publishedCounts() throws {
    for (description, naming, count) in [
      (EDSR(), Naming.plain, 1_332_931), (.original(), .original, 1_369_859), (.original(), .swiftlet, 1_369_859),
    ] {
      let state = Self.state(try description.network(.zeros), naming, count: 16)
      let (converted, report) = try CheckpointConversion(architecture: .edsr).network(from: state)
      #expect(converted.parameterCount == count)
      #expect(report.architecture == .edsr(description))
    }
  }

  @Test func residualScaleIsAnOption() throws {
    let network = try EDSR(features: 4, blocks: 2, residualScale: 0.25).network(.random(seed: 4))
    let conversion = CheckpointConversion(architecture: .edsr, residualScale: 0.25)
    #expect(try conversion.network(from: network.parameters).network == network)
    #expect(try conversion.network(from: network.parameters).report.notes.isEmpty)
  }

  @Test func leftOversAreReported() throws {
    let network = try VDSR(depth: 4, features: 2).network(.random(seed: 5))
    var state = Self.state(network, .original, count: 4)
    state["input.bias"] = Tensor(zeros: [2])
    state["steps"] = Tensor(zeros: [])
    state["module.output.weight"] = Tensor(zeros: [9])
    let (converted, report) = try CheckpointConversion(architecture: .vdsr).network(from: state)
    #expect(converted == network)
    #expect(report.leftOver.map(\.name) == ["input.bias", "steps", "module.output.weight"])
    #expect(
      report.text == """
        vdsr: depth 4, 2 features
        names of twtygqyy/pytorch-vdsr: 4 tensors taken
        left over: 'input.bias' 2
        left over: 'steps' scalar
        left over: 'module.output.weight' 9

        """)
  }

  @Test func missingAndMisshapenAreNamed() throws {
    let network = try EDSR.original(features: 4, blocks: 2).network(.random(seed: 6))
    let state = Self.state(network, .original, count: 2)
    for name in state.keys where !name.contains("mean") {
      var partial = state
      partial[name] = nil
      let error = failure(.edsr, partial)
      #expect(error?.description.contains("'\(name)'") == true, "\(name): \(error.map(\.description) ?? "converted")")
      var wrong = state
      wrong[name] = Tensor(zeros: [4, 5, 3, 3])
      // A wrong extent of a tensor that tells the features shows as the others' fault.
      if name != "head.0.weight" { #expect(failure(.edsr, wrong)?.description.contains("'\(name)'") == true) }
      #expect(failure(.edsr, wrong) != nil)
      wrong[name] = Tensor(zeros: state[name]?.shape ?? [], .int32)
      #expect(failure(.edsr, wrong)?.description.contains("'\(name)' holds integers and must hold float32") == true)
    }
    var partial = state
    partial["body.1.body.2.bias"] = nil
    partial["tail.1.weight"] = Tensor(zeros: [3, 4, 5, 5])
    #expect(
      failure(.edsr, partial)?.description
        == "the checkpoint is no edsr as it stands: missing 'body.1.body.2.bias' (4); "
        + "'tail.1.weight' is 3x4x5x5 and must be 3x4x3x3")
  }

  @Test func meanShiftIsChecked() throws {
    let network = try EDSR.original(features: 4, blocks: 1).network(.random(seed: 7))
    let state = Self.state(network, .original, count: 1)
    var other = state
    other["add_mean.bias"] = Tensor([3], [114, 111.5, 103])
    #expect(failure(.edsr, other) == .meanShift(tensor: "add_mean.bias"))
    other = state
    other["sub_mean.weight"] = Tensor([3, 3, 1, 1], [2, 0, 0, 0, 2, 0, 0, 0, 2])
    #expect(failure(.edsr, other) == .meanShift(tensor: "sub_mean.weight"))
    // Of 1 before and of 255 behind the network.
    other = state
    other["sub_mean.bias"] = Tensor([3], [-0.4488, -0.4371, -0.4040])
    #expect(failure(.edsr, other) == .meanShift(tensor: "add_mean.bias"))
    other = state.filter { !$0.key.contains("mean") }
    let (converted, report) = try CheckpointConversion(architecture: .edsr).network(from: other)
    #expect(converted == network)
    #expect(
      report.text == """
        edsr: x2, RGB, 4 features, 1 blocks, residual scale 1, original layout, range 255
        names of sanghyun-son/EDSR-PyTorch: 12 tensors taken
        nothing missing, nothing left over
        note: the residual scale is not in the tensors; 1 is assumed, the default of the layout
        note: the checkpoint has no mean shift; that of DIV2K for the range 255 is used

        """)
  }

  @Test func otherCheckpointsAreRefused() throws {
    #expect(failure(.vdsr, [:])?.description == "the checkpoint holds no tensors")
    let network = try EDSR(features: 4, blocks: 1).network(.random(seed: 8))
    #expect(
      failure(.vdsr, network.parameters)?.description
        == "no tensor has a name of vdsr; the checkpoint holds 'body.0.a.bias', 'body.0.a.weight', 'body.0.b.bias' and 7 more; "
        + "choose another architecture")
    var single = network.parameters
    single["up.0.weight"] = Tensor(zeros: [64, 4, 3, 3])
    #expect(failure(.edsr, single) == .scale(tensor: "up.0.weight", outChannels: 64, features: 4))
    var broken = network.parameters
    broken["body.0.b.bias"] = Tensor([4], [0, .nan, 0, 0])
    #expect(failure(.edsr, broken) == .notFinite(tensor: "body.0.b.bias"))
    guard case .architecture? = failure(.vdsr, ["layers.0.weight": Tensor(zeros: [2000, 1, 3, 3])]) else {
      Issue.record("a depth of 1 was accepted")
      return
    }
  }

  @Test func fewTensorsMakeNoLargeNetwork() {
    let empty = Tensor(zeros: [1024, 3, 0, 0])
    let up = Tensor(zeros: [4096, 1024, 0, 0])
    let plain = ["head.weight": empty, "up.weight": up, "body.999.a.weight": up]
    #expect(failure(.edsr, plain)?.description.contains("'body.0.a.weight' (1024x1024x3x3)") == true)
    #expect(failure(.vdsr, ["layers.0.weight": empty, "layers.999.weight": empty]) != nil)
    #expect(failure(.vdsr, ["layers.0.weight": empty, "layers.999999999.weight": empty]) != nil)
    #expect(failure(.edsr, ["head.weight": empty, "up.weight": up, "body.999999999.a.weight": up]) != nil)
    #expect(failure(.vdsr, ["layers.0.weight": Tensor(zeros: [1, 1, 3, 3]), "layers.99999999999999999999.weight": up]) != nil)
  }

  private func failure(_ kind: CheckpointConversion.Kind, _ state: [String: Tensor]) -> ConversionError? {
    do throws(ConversionError) {
      _ = try CheckpointConversion(architecture: kind).network(from: state)
      return nil
    } catch {
      #expect(!error.description.contains("\n"))
      return error
    }
  }
}

/// Against PyTorch: the converted network on the reference engine.
@Suite struct ConversionFixtureTests {
  @Test(
    arguments: [
      ("vdsr-plain", CheckpointConversion.Kind.vdsr, nil), ("vdsr-original", .vdsr, nil), ("edsr-plain-x2", .edsr, nil),
      ("edsr-plain-x3-luma", .edsr, 1), ("edsr-plain-x4-luma", .edsr, 1), ("edsr-original-x2", .edsr, nil),
      ("edsr-original-x4", .edsr, nil), ("srvgg-x3", .srvgg, nil), ("rrdb-x2", .rrdb, nil),
    ] as [(String, CheckpointConversion.Kind, Float?)])
  func sameOutputAsPyTorch(name: String, kind: CheckpointConversion.Kind, residualScale: Float?) throws {
    let fixture = try Fixture(name)
    let (network, report) = try CheckpointConversion(
      architecture: kind, residualScale: residualScale
    ).network(from: fixture.state)
    #expect(report.leftOver.isEmpty)
    let output = try ReferenceEngine().prepare(network, inputs: [fixture.input.shape]).run([fixture.input])[0]
    let difference = output.difference(from: fixture.output)
    let tolerance = try Tolerance.outputs(of: network, inputs: [fixture.input])[0]
    #expect(difference.maximum <= tolerance.error)
    // The bound is loose for a chain of layers; the networks do far better.
    #expect(difference.relative <= 1e-6)
  }
}
