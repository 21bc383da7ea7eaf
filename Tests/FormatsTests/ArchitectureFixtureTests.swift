import Architectures
import Formats
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Each architecture, kind of convolution and naming against PyTorch: the converted network on the reference engine.
@Suite struct ArchitectureFixtureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var architecture: Architecture
    var naming = "a plain module"
    var skip: UNet.SkipPosition?
    var notes: [String] = []

    var kind: CheckpointConversion.Kind? { CheckpointConversion.Kind(rawValue: architecture.name) }
    var testDescription: String { name }
  }

  static let residualScale = "the residual scale is not in the tensors; 0.1 is assumed, the default of the layout"
  static func counters(_ count: Int) -> String { "\(count) counters of training steps (num_batches_tracked) are not needed" }

  static let cases: [Case] = [
    Case(
      name: "edsr-separable", architecture: .edsr(EDSR(features: 4, blocks: 2, convolution: .separable)),
      notes: [residualScale]),
    Case(
      name: "edsr-selection", architecture: .edsr(EDSR(features: 4, blocks: 2, convolution: .selection)),
      notes: [residualScale]),
    Case(
      name: "vdsr-separable", architecture: .vdsr(VDSR(depth: 4, features: 4, convolution: .separable)),
      naming: "a plain sequence"),
    Case(name: "unet", architecture: .unet(UNet(classes: 2, features: 2)), notes: [counters(18)]),
    Case(
      name: "unet-separable", architecture: .unet(UNet(classes: 2, features: 2, convolution: .separable)),
      notes: [counters(18)]),
    Case(
      name: "unet-selection", architecture: .unet(UNet(classes: 2, features: 1, convolution: .selection)),
      notes: [counters(18)]),
    Case(name: "unet-named", architecture: .unet(UNet(features: 1)), skip: .last, notes: [counters(18)]),
    Case(
      name: "unet-skip-first", architecture: .unet(UNet(features: 1, skip: .first)), skip: .first, notes: [counters(18)]),
    Case(
      name: "unet-milesial", architecture: .unet(UNet(classes: 2, features: 1, hasBias: false, skip: .first)),
      naming: "milesial/Pytorch-UNet", notes: [counters(18)]),
    Case(
      name: "unet-bilinear",
      architecture: .unet(UNet(classes: 2, features: 2, hasBias: false, skip: .first, upsampling: .bilinear)),
      naming: "milesial/Pytorch-UNet", notes: [counters(18)]),
    Case(name: "dark-base", architecture: .seeInTheDark(SeeInTheDark(features: 1))),
    Case(name: "dark-light", architecture: .seeInTheDark(SeeInTheDark(variant: .light, features: 1))),
    Case(name: "dark-lighter", architecture: .seeInTheDark(SeeInTheDark(variant: .lighter, features: 2))),
    Case(
      name: "dark-selection",
      architecture: .seeInTheDark(SeeInTheDark(variant: .light, convolution: .selection, features: 1))),
    Case(
      name: "dark-numbered", architecture: .seeInTheDark(SeeInTheDark(features: 1)), naming: "a module with numbered layers"),
    Case(name: "small-resnet", architecture: .smallResNet(SmallResNet(features: 4)), notes: [counters(14)]),
    Case(
      name: "small-resnet-separable", architecture: .smallResNet(SmallResNet(features: 4, convolution: .separable)),
      notes: [counters(14)]),
    Case(
      name: "small-resnet-selection", architecture: .smallResNet(SmallResNet(features: 4, convolution: .selection)),
      notes: [counters(14)]),
    Case(name: "resnet18", architecture: .resNet18(ResNet18(classes: 5, features: 2)), notes: [counters(20)]),
    Case(
      name: "resnet18-separable", architecture: .resNet18(ResNet18(classes: 5, features: 1, convolution: .separable)),
      notes: [counters(20)]),
    Case(
      name: "resnet18-selection", architecture: .resNet18(ResNet18(classes: 5, features: 2, convolution: .selection)),
      notes: [counters(20)]),
    Case(
      name: "resnet18-unbiased",
      architecture: .resNet18(ResNet18(classes: 5, features: 1, convolution: .selection, hasBias: false)),
      notes: [counters(20)]),
    Case(
      name: "resnet18-torchvision", architecture: .resNet18(ResNet18(classes: 5, features: 1)), naming: "torchvision",
      notes: [counters(20)]),
  ]

  @Test(arguments: cases) func sameOutputAsPyTorch(of fixtureCase: Case) throws {
    let fixture = try NetworkFixture(fixtureCase.name)
    let kind = try #require(fixtureCase.kind)
    let (network, report) = try CheckpointConversion(
      architecture: kind, skip: fixtureCase.skip
    ).network(from: fixture.state)
    #expect(report.architecture == fixtureCase.architecture)
    #expect(report.naming == fixtureCase.naming)
    #expect(report.leftOver.isEmpty)
    #expect(report.notes == fixtureCase.notes)
    #expect(try network.graph == fixtureCase.architecture.network(.zeros).graph)
    let output = try ReferenceEngine().prepare(network, inputs: [fixture.input.shape]).run([fixture.input])[0]
    let tolerance = try Tolerance.outputs(of: network, inputs: [fixture.input])[0]
    #expect(output.difference(from: fixture.output).maximum <= tolerance.error)
    // That bound is loose for a deep network. The reference rounds once a node, and batch norms keep values near 1.
    let rounding = Double(Float.ulpOfOne) * Double(network.nodes.count)
    expectClose(
      output, fixture.output, tolerance: rounding * fixture.output.largestMagnitude, fixtureCase.name)
  }

  /// What an option or an order of operands changes is seen by the comparison above.
  @Test func theFixturesTellSkipPositionsApart() throws {
    let fixture = try NetworkFixture("unet-skip-first")
    // Nothing tells, and nothing is guessed.
    #expect(throws: ConversionError.skipNeeded) { try CheckpointConversion(architecture: .unet).network(from: fixture.state) }
    let (network, _) = try CheckpointConversion(architecture: .unet, skip: .last).network(from: fixture.state)
    let output = try ReferenceEngine().prepare(network, inputs: [fixture.input.shape]).run([fixture.input])[0]
    #expect(output.difference(from: fixture.output).relative > 1e-3)
  }

  /// Our own names convert to the same network.
  @Test(arguments: cases) func ownNames(of fixtureCase: Case) throws {
    let network = try fixtureCase.architecture.network(.random(seed: 3))
    let kind = try #require(fixtureCase.kind)
    let conversion = CheckpointConversion(architecture: kind, skip: fixtureCase.skip ?? Self.skip(of: fixtureCase.architecture))
    let (converted, report) = try conversion.network(from: network.parameters)
    #expect(converted == network)
    #expect(report.leftOver.isEmpty)
  }

  /// A U-Net whose modules have names of no one's is told by its shapes, in every kind.
  @Test(arguments: ConvolutionKind.allCases) func unetOfUnknownNames(kind: ConvolutionKind) throws {
    let unet = UNet(channels: 1, classes: 3, features: 6, convolution: kind)
    let network = try unet.network(.random(seed: 4))
    var state: [String: Tensor] = [:]
    for (name, tensor) in network.parameters {
      let renamed = name.replacing("down_", with: "enc.level").replacing("up_", with: "dec.level")
      state[renamed.replacing("double_conv.", with: "convs.").replacing("out.", with: "head.last.")] = tensor
    }
    let (converted, report) = try CheckpointConversion(architecture: .unet, skip: .last).network(from: state)
    #expect(converted == network)
    #expect(report.architecture == .unet(unet))
    #expect(report.naming == "a plain module")
    #expect(report.notes.isEmpty)
    // One pair too many, or two outputs, are no U-Net that could be told.
    for (extra, shape) in [("more.convs.0.weight", [6, 12, 3, 3]), ("aux.weight", [2, 6, 1, 1])] as [(String, Shape)] {
      var other = state
      other[extra] = Tensor(zeros: shape)
      if extra.hasPrefix("more") { other["more.convs.3.weight"] = Tensor(zeros: [6, 6, 3, 3]) }
      #expect(throws: ConversionError.self) { try CheckpointConversion(architecture: .unet).network(from: other) }
    }
  }

  /// Names that promise much and hold nothing cost no memory.
  @Test(arguments: [CheckpointConversion.Kind.unet, .seeInTheDark, .smallResNet, .resNet18])
  func fewTensorsMakeNoLargeNetwork(kind: CheckpointConversion.Kind) {
    let state: [String: Tensor] = [
      "down.0.f.0.weight": Tensor(zeros: [1024, 1024, 0, 0]), "out.weight": Tensor(zeros: [4096, 1024, 0, 0]),
      "down.0.0.weight": Tensor(zeros: [1024, 4, 0, 0]), "stem.weight": Tensor(zeros: [1024, 1024, 0, 0]),
      "fc.weight": Tensor(zeros: [1_000_000, 0]), "blocks.0.a.weight": Tensor(zeros: [1, 1, 0, 0]),
      "layers.0.a.weight": Tensor(zeros: [1, 1, 0, 0]),
    ]
    do throws(ConversionError) {
      _ = try CheckpointConversion(architecture: kind).network(from: state)
      Issue.record("converted")
    } catch {
      guard case .incomplete = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  /// Tensors of another network, and numbers that are not finite, are refused.
  @Test func otherNetworksAreRefused() throws {
    let state = try NetworkFixture("small-resnet").state
    for kind in [CheckpointConversion.Kind.unet, .seeInTheDark] {
      #expect(throws: ConversionError.noKnownNames(architecture: kind.rawValue, names: state.keys.sorted())) {
        try CheckpointConversion(architecture: kind).network(from: state)
      }
    }
    var broken = state
    broken["blocks.2.bn_a.running_var"] = Tensor([8], [1, 1, 1, .nan, 1, 1, 1, 1])
    #expect(throws: ConversionError.notFinite(tensor: "blocks.2.bn_a.running_var")) {
      try CheckpointConversion(architecture: .smallResNet).network(from: broken)
    }
    for (kind, option) in [(CheckpointConversion.Kind.vdsr, "residual-scale"), (.unet, "residual-scale")] {
      let unused = ConversionError.architecture(.unknownOption(architecture: kind.rawValue, option: option))
      #expect(throws: unused) { try CheckpointConversion(architecture: kind, residualScale: 1).network(from: state) }
    }
    #expect(throws: ConversionError.self) {
      try CheckpointConversion(architecture: .resNet18, skip: .first).network(from: state)
    }
  }

  private static func skip(of architecture: Architecture) -> UNet.SkipPosition? {
    if case .unet(let unet) = architecture { unet.skip } else { nil }
  }

  /// Each tensor without which there is no network is named where it is missing.
  @Test(arguments: cases) func missingTensorsAreNamed(of fixtureCase: Case) throws {
    let state = try NetworkFixture(fixtureCase.name).state
    let kind = try #require(fixtureCase.kind)
    for name in state.keys.sorted() where !name.hasSuffix("num_batches_tracked") {
      var partial = state
      partial[name] = nil
      do throws(ConversionError) {
        _ = try CheckpointConversion(architecture: kind, skip: fixtureCase.skip).network(from: partial)
        Issue.record("\(name) is not missed")
      } catch {
        #expect(!error.description.contains("\n"))
        // Without a weight, modules that only their shapes tell cannot be named.
        // Without the last layer a chain is a shorter chain whose last layer is wrong.
        if !["unet-named", "unet-skip-first"].contains(fixtureCase.name), name != "f.6.weight" {
          #expect(error.description.contains("'\(name)'"), "\(name): \(error)")
        }
      }
    }
  }
}
