import Architectures
import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// A network that lost channels gives what it gives with them masked.
@Suite struct RemovingChannelsTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var network: Network
    var input: Shape

    init(_ name: String, _ input: Shape, _ network: Network) {
      (testDescription, self.input) = (name, input)
      self.network = network.randomized(seed: 21)
    }
  }

  /// Every architecture of the catalogue in all of its variants, small.
  static func catalogue() throws -> [Row] {
    var rows: [Row] = []
    for kind in ConvolutionKind.allCases {
      rows.append(Row("vdsr \(kind)", [1, 1, 9, 8], try VDSR(depth: 4, features: 6, convolution: kind).network(.zeros)))
      for layout in EDSR.Layout.allCases {
        for scale in 2...4 where layout == .plain || scale == 3 {
          let edsr = EDSR(scale: scale, features: 8, blocks: 2, layout: layout, convolution: kind)
          rows.append(Row("edsr \(layout) x\(scale) \(kind)", [1, 3, 7, 6], try edsr.network(.zeros)))
        }
      }
      for upsampling in UNet.Upsampling.allCases {
        for skip in UNet.SkipPosition.allCases {
          let unet = UNet(features: 4, convolution: kind, skip: skip, upsampling: upsampling)
          rows.append(Row("u-net \(upsampling) \(skip) \(kind)", [1, 3, 32, 16], try unet.network(.zeros)))
        }
      }
      rows.append(Row("small-resnet \(kind)", [2, 3, 16, 16], try SmallResNet(features: 4, convolution: kind).network(.zeros)))
      rows.append(
        Row("resnet18 \(kind)", [1, 3, 32, 32], try ResNet18(classes: 5, features: 4, convolution: kind).network(.zeros)))
      for variant in SeeInTheDark.Variant.allCases where (kind == .standard) == (variant == .base) {
        let dark = SeeInTheDark(variant: variant, convolution: kind, features: 4)
        rows.append(Row("see-in-the-dark \(variant) \(kind)", [1, 4, 16, 16], try dark.network(.zeros)))
      }
    }
    return rows
  }

  /// As many of each group as the share says, at least one where there are two, never all.
  static func removal(
    _ coupling: ChannelCoupling, share: Double, seed: UInt64
  ) throws -> ChannelRemoval {
    var choices = ChoiceSource(seed: seed)
    let units = coupling.groups.map { group in
      var places = Array(group.units.indices)
      for index in places.indices.dropLast() { places.swapAt(index, choices.within(index...places.count - 1)) }
      return Array(places.prefix(min(max(Int(share * Double(places.count)), 1), places.count - 1)))
    }
    return try coupling.removal(of: units)
  }

  @Test(arguments: try catalogue()) func halfOfEveryLayer(row: Row) throws {
    for network in [row.network, row.network.optimizedForInference()] {
      let coupling = try ChannelCoupling(network, inputs: [row.input])
      let removal = try Self.removal(coupling, share: 0.5, seed: 3)
      let result = network.removingChannels(removal)
      try result.verify()
      let masked = try network.masked(removal, inputs: [row.input])
      // The reference sums in one order; products with 0 change no sum.
      try expectSameOutputs(result, masked, [row.input])
      try expectCloseOnCPU(result, masked, [row.input])
      // Every layer but those that make the output, and those before a fixed one, has half of its channels.
      for node in result.nodes {
        guard let part = node.operation.linearParts.last, let old = network.nodes.first(where: { $0.name == node.name }),
          !coupling.fixed.contains(where: { $0.layer == node.name }), let before = old.operation.linearParts.last
        else { continue }
        #expect(2 * part.outChannels == before.outChannels, "\(node.name)")
      }
      // Removing nothing changes nothing; what is left can be cut again.
      #expect(try network.removingChannels(coupling.removal(of: coupling.groups.map { _ in [] })) == network)
      let again = try ChannelCoupling(result, inputs: [row.input])
      #expect(again.groups.map(\.layers) == coupling.groups.map(\.layers))
    }
  }

  /// Masked as training does it: only the parameters that make a channel, and those that follow, are 0. All functions of the catalogue keep
  /// 0, so that nothing else is needed.
  @Test(arguments: try catalogue()) func parametersAsMasks(row: Row) throws {
    let coupling = try ChannelCoupling(row.network, inputs: [row.input])
    let removal = try Self.removal(coupling, share: 0.4, seed: 4)
    var masked = row.network
    for node in masked.nodes {
      let rows = removal.rows[node.name] ?? removal.values[node.name] ?? []
      for parameter in node.operation.parameters where parameter.role != .runningMean && parameter.role != .runningVariance {
        let isTransposed = node.operation.linearParts.first.map { $0.rowsAreInputs && parameter.role == $0.weightRole } ?? false
        masked.parameters[node.parameterName(parameter.role)]?.clear(rows, along: isTransposed ? 1 : 0)
      }
    }
    try expectSameOutputs(row.network.removingChannels(removal), masked, [row.input])
  }

  /// Kernels sum in another order where widths change, so that they agree to rounding.
  private func expectCloseOnCPU(_ result: Network, _ masked: Network, _ shapes: [Shape]) throws {
    let (inputs, expected) = try referenceOutputs(masked, shapes)
    let outputs = try CPUEngine(threadCount: 1).prepare(result, inputs: shapes).run(inputs)
    let bounds = try Tolerance.outputs(of: result, inputs: inputs, convolutionFactor: 10)
    for (index, output) in outputs.enumerated() { expectClose(output, expected[index], tolerance: bounds[index].error) }
  }

  /// Random networks of all operations, as they are and fused.
  @Test func generatedNetworks() throws {
    var count = 0, removed = 0, seed: UInt64 = 0, kinds: Set<OperationKind> = []
    while count < 250, seed < 4000 {
      seed += 1
      var choices = ChoiceSource(seed: seed &* 7919)
      guard let generated = GeneratedNetwork(choices.pick(GeneratedNetwork.Kind.allCases), &choices) else { continue }
      let network = choices.oneIn(2) ? generated.network : generated.network.optimizedForInference()
      let coupling = try ChannelCoupling(network, inputs: generated.inputShapes)
      let share = choices.pick([0.1, 0.5, 0.9])
      let removal: ChannelRemoval
      do { removal = try Self.removal(coupling, share: share, seed: seed) } catch {
        Issue.record("seed \(seed): \(error)\n\(network.text)")
        continue
      }
      guard !removal.isEmpty else { continue }
      count += 1
      removed += removal.values.count
      for node in network.nodes where removal.values[node.name] != nil { kinds.insert(OperationKind(node.operation)) }
      let result = network.removingChannels(removal)
      let masked = try network.masked(removal, inputs: generated.inputShapes)
      do {
        try result.verify()
        let engine = ReferenceEngine()
        let outputs = try engine.prepare(result, inputs: generated.inputShapes).run(generated.inputs)
        let expected = try engine.prepare(masked, inputs: generated.inputShapes).run(generated.inputs)
        for (output, wanted) in zip(outputs, expected) { expectSameBits(output, wanted, "seed \(seed)\n\(network.text)") }
        let session = try? CPUEngine(threadCount: 1).prepare(result, inputs: generated.inputShapes)
        let bounds = try Tolerance.outputs(of: result, inputs: generated.inputs, convolutionFactor: 10)
        if let session {
          for (index, output) in try session.run(generated.inputs).enumerated() where bounds[index].error < 1e30 {
            expectClose(output, expected[index], tolerance: bounds[index].error, seed: seed)
          }
        }
      } catch {
        Issue.record("seed \(seed): \(error)\n\(network.text)\n\(removal)")
      }
    }
    #expect(count == 250 && removed > 500)
    // What mixes channels is never cut; `ChannelCouplingTests.whatKeepsChannels` has what seldom keeps them here.
    let uncut: Set<OperationKind> = [
      .matrixMultiply, .integer, .training, .transpose, .reduction, .reshape, .maximumIndex, .expand,
    ]
    #expect(
      kinds.isSuperset(of: Set(OperationKind.allCases).subtracting(uncut)), "\(Set(OperationKind.allCases).subtracting(kinds))")
  }
}

extension Tensor {
  fileprivate mutating func clear(_ places: [Int], along axis: Int) {
    let extent = shape[axis], inner = shape.extents[(axis + 1)...].reduce(1, *), gone = Set(places)
    withUnsafeMutableFloats { values in
      for index in values.indices where gone.contains(index / inner % extent) { values[index] = 0 }
    }
  }
}
