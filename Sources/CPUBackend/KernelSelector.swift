import CKernels
import Networks

/// A way to run a convolution.
package enum ConvolutionMethod: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// Winograd F(4x4, 3x3): 36 products where 144 are asked for.
  case winograd4
  /// Winograd F(2x2, 3x3): 16 products where 36 are asked for.
  case winograd2
  /// Few input channels, read from planes.
  case head
  /// Few output channels, written to planes.
  case tail
  /// One kernel a channel.
  case depthwise
  /// 1x1 without padding: one product of matrices.
  case pointwise
  /// Any kernel, stride, padding and dilation: products over gathered rows.
  case direct

  package var description: String {
    switch self {
    case .winograd4: "Winograd F(4x4,3x3)"
    case .winograd2: "Winograd F(2x2,3x3)"
    case .head: "head"
    case .tail: "tail"
    case .depthwise: "depthwise"
    case .pointwise: "pointwise"
    case .direct: "direct"
    }
  }

  /// The grid of output pixels on which an output depends, in its last bits, on its neighbours.
  package var outputGrid: Int {
    switch self {
    case .winograd4: 4
    case .winograd2: 2
    case .head, .tail, .depthwise, .pointwise, .direct: 1
    }
  }
}

/// A method that was weighed for a convolution.
package struct KernelCandidate: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    /// The estimated time in cycles of one core.
    case cycles(Double)
    /// A clause that follows "because".
    case refused(String)
  }

  package let method: ConvolutionMethod
  package let verdict: Verdict

  package var cycles: Double? { if case .cycles(let value) = verdict { value } else { nil } }
}

/// Shapes and instruction set in, method out: a pure function, the same on every machine.
package enum KernelSelector {
  /// Every method with its estimate or the reason against it, in the order of `ConvolutionMethod.allCases`.
  package static func candidates(
    for geometry: ConvolutionGeometry, _ instructionSet: InstructionSet, _ precision: Precision = .float32
  ) -> [KernelCandidate] {
    ConvolutionMethod.allCases.map { method in
      if let reason = refusal(of: method, for: geometry) { return KernelCandidate(method: method, verdict: .refused(reason)) }
      return KernelCandidate(method: method, verdict: .cycles(cycles(of: method, for: geometry, instructionSet, precision)))
    }
  }

  /// The cheapest candidate, the first of equals. There is one: what `direct` leaves, `head` takes.
  package static func choose(
    for geometry: ConvolutionGeometry, _ instructionSet: InstructionSet, _ precision: Precision = .float32
  ) -> ConvolutionMethod {
    // A loop: the closure form of this crashes the optimiser of Swift 6.3.
    var best = ConvolutionMethod.direct
    var least = Double.infinity
    for candidate in candidates(for: geometry, instructionSet, precision) {
      if let cycles = candidate.cycles, cycles < least {
        best = candidate.method
        least = cycles
      }
    }
    return best
  }

  package static func refusal(of method: ConvolutionMethod, for g: ConvolutionGeometry) -> String? {
    let few = ValueLayout.planarChannels
    switch method {
    case .winograd4, .winograd2:
      if g.kernel != Pair(3) { return "the kernel is \(g.kernel.height)x\(g.kernel.width), not 3x3" }
      if !g.isUnitStride { return "stride and dilation are not 1" }
      if g.groups != 1 { return "there are \(g.groups) groups" }
      if g.inChannels <= few { return "\(g.inChannels) input channels are too few to pay for the transforms" }
      if g.outChannels <= few { return "\(g.outChannels) output channels are too few to pay for the transforms" }
    case .head:
      if g.inChannels > few { return "there are more than \(few) input channels" }
      if g.groups != 1 { return "there are \(g.groups) groups" }
    case .tail:
      if g.outChannels > few { return "there are more than \(few) output channels" }
      if g.inChannels <= few { return "the input is planar" }
      if !g.isUnitStride { return "stride and dilation are not 1" }
      if g.groups != 1 { return "there are \(g.groups) groups" }
      if g.kernel.height > Int(SW_TAIL_KERNEL_HEIGHT) { return "the kernel is taller than \(SW_TAIL_KERNEL_HEIGHT)" }
    case .depthwise:
      if !g.isDepthwise { return "it is no depthwise convolution" }
    case .pointwise:
      if !g.isPointwise { return "it is no 1x1 convolution without padding" }
      if g.groups != 1 { return "there are \(g.groups) groups" }
      if g.inChannels <= few { return "the input is planar" }
    case .direct:
      if g.inChannels <= few, g.groups == 1 { return "the input is planar" }
    }
    return nil
  }

  /// Products over the rate of the method's kernel plus what it does beside them. The shares of the peak are those measured on a
  /// Zen 5 core with AVX-512 (2026-11); their ratios, which alone decide, are close on the other instruction sets.
  static func cycles(
    of method: ConvolutionMethod, for g: ConvolutionGeometry, _ instructionSet: InstructionSet,
    _ precision: Precision = .float32
  ) -> Double {
    // Two fused multiply-adds a cycle; portable code multiplies and adds apart.
    let peak = Double(2 * instructionSet.lanes) / (instructionSet == .portable ? 2 : 1)
    // Products of bfloat16 values as they lie in memory; what was transformed is float32.
    let plainPeak = precision == .bfloat16 && instructionSet.multipliesPairs ? 2 * peak : peak
    let pixels = Double(g.batch * g.outHeight * g.outWidth)
    let depth = Double(g.inChannels), columns = Double(paddedChannels(g.outChannels))
    switch method {
    case .winograd4, .winograd2:
      let size = method == .winograd4 ? 4 : 2
      let positions = Double((size + 2) * (size + 2))
      let tiles = Double(g.batch * ((g.outHeight + size - 1) / size) * ((g.outWidth + size - 1) / size))
      // Loads, stores and about 4 operations a position and vector, in both transforms.
      let transforms = tiles * positions * 2.2 * (Double(paddedChannels(g.inChannels)) + columns) / Double(instructionSet.lanes)
      // Rounded up to whole register tiles, of which a small image fills the last in part.
      let rows = (tiles / 6).rounded(.up) * 6
      return rows * positions * depth * columns / (0.9 * peak) + transforms + reading(positions * depth * columns)
    case .head:
      return pixels * (Double(g.taps) * depth * columns / (0.93 * peak) + columns / Double(instructionSet.lanes))
    case .tail:
      return pixels * Double(g.taps) * Double(paddedChannels(g.inChannels) * g.outChannels) / (0.6 * peak) + 10 * pixels
    case .depthwise: return pixels * Double(g.taps) * columns / (0.6 * peak)
    case .pointwise: return pixels * depth * columns / (0.85 * plainPeak)
    case .direct:
      // With groups a block of columns reads the channels of its groups alone, at least as many as it has columns.
      let read = min(depth, max(depth / Double(g.groups), depth / columns * Double(SW_CHANNEL_BLOCK)))
      return pixels * Double(g.taps) * read * columns / (0.85 * plainPeak) + 3 * pixels * Double(g.taps)
        + reading(Double(g.taps) * read * columns * peak / plainPeak)
    }
  }

  /// Weights that do not stay in the last-level cache from one run to the next come from memory: about 3 bytes a cycle and core.
  private static func reading(_ weights: Double) -> Double {
    let byteCount = weights * 4
    return byteCount > 4 * 1024 * 1024 ? byteCount / 3 : byteCount / 24
  }
}
