import CUDABackend
import Evaluation
import Networks
import Tensors
import Transforms

/// What a device would take for each network, kernel by kernel, and how long that should last. The device need not be there.
package struct DevicePlans: Codable, Sendable {
  package struct Kernel: Codable, Sendable {
    package var node: String
    package var kernel: String
    package var blocks: Int
    package var splits: Int
    /// Products that the network writes, and bytes of values and weights.
    package var multiplyAccumulates: Int
    package var bytes: Int
    package var leastMicroseconds: Double
    package var bound: DevicePlan.Step.Bound
    package var expectedMicroseconds: Double
  }

  package struct Network: Codable, Sendable {
    package var name: String
    package var precision: String
    package var input: String
    package var leastMilliseconds: Double
    package var expectedMilliseconds: Double
    package var kernels: [Kernel]
  }

  package var device: CUDADevice
  package var networks: [Network] = []

  /// Of all networks that a device is checked with, and of steps of training.
  package init(_ device: CUDADevice = .h100) throws {
    self.device = device
    for example in DeviceCheckNetwork.all + DeviceCheckNetwork.largeInputs {
      let network = try example.network(isSmall: false).optimizedForInference()
      for precision in CUDAPrecision.allCases {
        networks.append(try Self.row(network, example.name, [example.input(isSmall: false)], precision, device))
      }
    }
    for step in try DeviceCheck.steps() {
      for precision in CUDAPrecision.allCases {
        // What is not trained in a precision is refused.
        guard let row = try? Self.row(step.network, step.name, step.inputs, precision, device) else { continue }
        networks.append(row)
      }
    }
  }

  private static func row(
    _ network: Networks.Network, _ name: String, _ inputs: [Shape], _ precision: CUDAPrecision, _ device: CUDADevice
  ) throws -> Network {
    let plan = try DevicePlan(network, inputs: inputs, precision: precision, device: device)
    let ceilings = DeviceCeilings(device)
    return Network(
      name: name, precision: precision.rawValue, input: inputs[0].description,
      leastMilliseconds: plan.leastNanoseconds(ceilings) / 1e6,
      expectedMilliseconds: plan.expectedNanoseconds(ceilings) / 1e6,
      kernels: plan.steps.map { step in
        let least = step.least(ceilings)
        return Kernel(
          node: step.node, kernel: step.kernel.name, blocks: step.blockCount, splits: step.splits,
          multiplyAccumulates: step.multiplyAccumulates, bytes: step.byteCount + step.weightByteCount,
          leastMicroseconds: least.nanoseconds / 1e3, bound: least.bound,
          expectedMicroseconds: step.expectedNanoseconds(ceilings) / 1e3)
      })
  }

  /// For people: a line a network.
  package var text: String {
    var table = TextTable(["network", "input", "precision", "kernels", "at least, ms", "estimate, ms"])
    for row in networks {
      table.append([
        row.name, row.input, row.precision, "\(row.kernels.count)", TextFormat.fixed(row.leastMilliseconds, 3),
        TextFormat.fixed(row.expectedMilliseconds, 3),
      ])
    }
    return "\(device.name)\n\n" + table.text()
  }
}
