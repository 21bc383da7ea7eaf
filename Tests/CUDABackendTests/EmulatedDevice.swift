import CUDABackend
import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing
import Transforms

/// A device that is not there: the driver's functions on memory of the host, the kernels by their definition.
enum EmulatedDevice {
  static func driver() throws -> CUDADriver { try CUDADriver { cudaEmulatedSymbol($0) } }

  /// An engine whose values each have memory of their own, unless it is to pack them as on a real device.
  static func engine(_ precision: CUDAPrecision = .float16, separatesValues: Bool = true) throws -> CUDAEngine {
    var engine = try CUDAEngine(driver(), precision: precision)
    engine.separatesValues = separatesValues
    return engine
  }

  /// What kernels did wrong on this thread.
  static var fault: String { String(cString: cudaEmulatedFault()) }
}

extension Network {
  /// Random inputs between -1 and 1, or between 0 and 1.
  func randomInputs(_ shapes: [Shape], seed: UInt64) -> [Tensor] {
    var generator = SplitMix64(seed: seed)
    return shapes.map { Tensor(uniform: $0, bound: 1, using: &generator) }
  }
}

/// Records an issue unless what the device makes of a network is what the reference makes, within what storing values may cost; returns
/// the outputs.
@discardableResult
func expectReference(
  _ engine: CUDAEngine, _ network: Network, _ inputs: [Tensor], _ context: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> [Tensor] {
  let fused = network.optimizedForInference()
  let outputs: [Tensor]
  do {
    outputs = try engine.prepare(fused, inputs: inputs.map(\.shape)).run(inputs)
  } catch {
    Issue.record("\(context): \(error) \(EmulatedDevice.fault)", sourceLocation: sourceLocation)
    throw error
  }
  let expected = try ReferenceEngine().prepare(fused, inputs: inputs.map(\.shape)).run(inputs)
  let storage = engine.precision.rounding
  // Float32 on the tensor cores leaves out what is below 2^-21 of a product.
  let bounds = try Tolerance.outputs(
    of: fused, inputs: inputs, convolutionFactor: engine.precision.element == .float32 ? 8 : 1, storage: storage)
  for (index, (output, exact)) in zip(outputs, expected).enumerated() {
    guard output.shape == exact.shape else {
      Issue.record("\(context): the shape is \(output.shape), not \(exact.shape)", sourceLocation: sourceLocation)
      continue
    }
    let difference = output.difference(from: exact)
    if difference.maximum <= bounds[index].error { continue }
    Issue.record(
      "\(context): output \(index) differs by \(difference.maximum), the bound is \(bounds[index].error)",
      sourceLocation: sourceLocation)
  }
  return outputs
}

/// The length of the difference by that of the tensor.
func relativeError(_ result: Tensor, _ exact: Tensor) -> Double {
  var distance = 0.0, length = 0.0
  for (a, b) in zip(result.floats, exact.floats) {
    distance += Double(a - b) * Double(a - b)
    length += Double(b) * Double(b)
  }
  return (distance / max(length, 1e-30)).squareRoot()
}
