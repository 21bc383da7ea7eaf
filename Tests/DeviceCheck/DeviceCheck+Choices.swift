import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors

/// Whether the selector takes the fastest kernel: every kernel that can do a layer, timed in the midst of its like.
extension DeviceCheck {
  /// What is measured once.
  private struct Measured: Hashable {
    var layer: DeviceLayer
    var kernel: CUDAKernel
    var splits: Int
  }

  /// Every layer of the networks by every kernel that can do it, one whose estimate is far above the best one's left out.
  ///
  /// - Parameter mostTimes: the estimate of what is left out, over that of the kernel that is chosen.
  package func choices(mostTimes: Double = 6) throws(CUDAError) -> [DeviceCheckReport.Choice] {
    var rows: [DeviceCheckReport.Choice] = []
    var known: Set<Measured> = []
    for example in wanted(DeviceCheckNetwork.all) {
      for precision in precisions where !isOver {
        do {
          rows += try choices(of: example, precision, mostTimes, &known)
          progress("\(precision.rawValue): \(example.name): \(rows.count) times of kernels")
        } catch {
          progress("\(example.name), \(precision.rawValue): not timed: \(error)")
        }
      }
    }
    return rows
  }

  private func choices(
    of example: DeviceCheckNetwork, _ precision: CUDAPrecision, _ mostTimes: Double, _ known: inout Set<Measured>
  ) throws -> [DeviceCheckReport.Choice] {
    let network = try example.network(isSmall: isSmall).optimizedForInference()
    let shape = example.input(isSmall: isSmall), input = Self.randomInput(shape)
    var engine = try engine(precision)
    let plan = try DevicePlan(network, inputs: [shape], precision: precision, device: engine.device)
    func isWorthwhile(_ candidates: [KernelCandidate<CUDAKernel>], _ kernel: CUDAKernel) -> Bool {
      guard let best = candidates.compactMap(\.cost).min() else { return false }
      return candidates.contains { $0.method == kernel && ($0.cost ?? .infinity) <= mostTimes * best }
    }
    var rows: [DeviceCheckReport.Choice] = []
    let kernels = CUDAKernel.allCases.filter { kernel in plan.steps.contains { isWorthwhile($0.candidates, kernel) } }
    for kernel in kernels {
      for splits in kernel.sharesChannels ? [1, 2, 4, 8, 16] : [1] where !isOver {
        engine.preferredKernels = [kernel]
        engine.preferredSplits = splits
        guard let session = try engine.prepare(network, inputs: [shape]) as? CUDASession else { continue }
        let times = try session.layerTimes([input], repeats: isSmall ? 1 : 16) { layer, chosen, actual in
          chosen == kernel && actual == splits && isWorthwhile(layer.candidates, kernel)
            && known.insert(Measured(layer: layer, kernel: kernel, splits: splits)).inserted
        }
        for time in times {
          rows.append(
            DeviceCheckReport.Choice(
              network: example.name, precision: precision.rawValue, node: time.node, layer: time.layer.text,
              kernel: kernel.name, splits: splits, estimate: time.layer.nanoseconds(of: kernel, splits: splits) / 1e3,
              microseconds: time.nanoseconds / 1e3,
              isChosen: time.layer.chosen == kernel && time.layer.splits(of: kernel) == splits))
        }
        if times.isEmpty { break }
      }
    }
    return rows
  }
}

extension DeviceLayer {
  /// What it does: `convolution 3x3 1x64x256x256 to 1x64x256x256`.
  var text: String {
    let what =
      switch form {
      case .convolution(let p): "convolution \(p.kernel)" + (p.stride == Pair(1) ? "" : " stride \(p.stride)")
      case .transposed(let p): "transposed \(p.kernel)"
      case .separable(let p): p.order == .depthwiseFirst ? "separable" : "selection"
      case .maximumPool(let p): "pool \(p.kernel)"
      case .averagePool(let p): "mean \(p.kernel)"
      }
    return "\(what) \(input.shape) to \(output.shape)" + (residual == nil ? "" : " added")
      + (epilogue.shuffle == 1 ? "" : " shuffled")
  }
}
