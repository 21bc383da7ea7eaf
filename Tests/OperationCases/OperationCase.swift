import GeneratedNetworks
import Networks
import Tensors

/// One row of the shared list: a small network and the shapes of its inputs. Every backend runs all of them against the oracle.
package struct OperationCase: Sendable, CustomStringConvertible {
  /// Unique in the list.
  package let name: String
  package let network: Network
  package let inputShapes: [Shape]

  package var description: String { name }

  /// Of the parameters and the inputs: a function of the name, so that a case keeps its numbers when the list changes.
  package var seed: UInt64 { Self.seed(of: name) }

  /// Random inputs between -1 and 1, or any integers.
  package var inputs: [Tensor] {
    var generator = SplitMix64(seed: seed ^ 1)
    return zip(network.inputs, inputShapes).map { input, shape in
      guard let integers = input.element.integers else { return Tensor(uniform: shape, bound: 1, using: &generator) }
      let values = (0..<shape.count).map { _ in Int.random(in: integers, using: &generator) }
      return Tensor(shape, input.element, integers: values)
    }
  }

  /// FNV-1a.
  static func seed(of name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  package static let all: [OperationCase] = {
    var list = OperationCaseList()
    list.addConvolutions()
    list.addSeparableConvolutions()
    list.addEpilogues()
    list.addElementwise()
    list.addResampling()
    list.addPoolingAndEnlarging()
    list.addFunctions()
    list.addElementaryFunctions()
    list.addNumbers()
    list.addIndexing()
    list.addSizes()
    list.addNetworks()
    list.addTraining()
    return list.cases
  }()
}

/// The list under construction. A case that is no valid network is a mistake in the list and traps.
struct OperationCaseList {
  private(set) var cases: [OperationCase] = []

  /// Adds a network made by `build` from one input of each shape; what it returns is the output.
  mutating func add(
    _ name: String, _ shapes: [Shape], _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> NetworkBuilder.Value
  ) {
    var builder = NetworkBuilder("case")
    let inputs = shapes.enumerated().map { builder.input("x\($0.offset)", channels: $0.element.channels) }
    add(name, shapes, &builder, inputs, build)
  }

  /// Adds a network of inputs of any shapes.
  mutating func add(
    _ name: String, inputs shapes: [Shape],
    _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> NetworkBuilder.Value
  ) {
    var builder = NetworkBuilder("case")
    let inputs = shapes.enumerated().map { builder.input("x\($0.offset)", axes: $0.element.extents) }
    add(name, shapes, &builder, inputs, build)
  }

  private mutating func add(
    _ name: String, _ shapes: [Shape], _ builder: inout NetworkBuilder, _ inputs: [NetworkBuilder.Value],
    _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> NetworkBuilder.Value
  ) {
    precondition(!cases.contains { $0.name == name }, "two operation cases are called \(name)")
    builder.output(build(&builder, inputs))
    do {
      let network = try builder.build(.zeros).randomized(seed: OperationCase.seed(of: name))
      _ = try network.inferredShapes(inputs: shapes)
      cases.append(OperationCase(name: name, network: network, inputShapes: shapes))
    } catch {
      preconditionFailure("the operation case \(name) is invalid: \(error)")
    }
  }

  /// Adds one separable convolution; extra inputs of the epilogue become inputs of the network.
  mutating func addSeparable(_ name: String, _ payload: SeparableConvolution, _ shape: Shape) {
    guard let extra = try? payload.shapeBeforeShuffle(shape) else { preconditionFailure("\(name): \(shape) does not fit") }
    let shapes = [shape] + Array(repeating: extra, count: payload.epilogue.extraInputCount)
    add(name, shapes) { builder, x in
      let channels = payload.outChannels / (payload.epilogue.pixelShuffleFactor * payload.epilogue.pixelShuffleFactor)
      return builder.node("separable", .separableConvolution(payload), x, channels: channels)
    }
  }

  /// Adds one convolution; extra inputs of the epilogue become inputs of the network.
  mutating func addConvolution(_ name: String, _ payload: Convolution, _ shape: Shape) {
    guard let extra = try? payload.shapeBeforeShuffle(shape) else { preconditionFailure("\(name): \(shape) does not fit") }
    let shapes = [shape] + Array(repeating: extra, count: payload.epilogue.extraInputCount)
    add(name, shapes) { builder, x in
      let channels = payload.outChannels / (payload.epilogue.pixelShuffleFactor * payload.epilogue.pixelShuffleFactor)
      return builder.node("convolution", .convolution(payload), x, channels: channels)
    }
  }
}
