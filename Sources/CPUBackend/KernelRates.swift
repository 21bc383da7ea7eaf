/// How fast the kernels of an instruction set are: what estimates are made of. Products are multiply-adds, times cycles of one core.
///
/// The shares of the peak are those measured on a Zen 5 core with AVX-512 (2026-11); their ratios, which alone decide, are close on
/// the other instruction sets.
package struct KernelRates: Hashable, Sendable {
  /// Floats in a vector.
  package let lanes: Double
  /// Products a cycle: two fused multiply-adds; portable code multiplies and adds apart.
  package let peak: Double
  /// The same of values as they lie in memory: bfloat16 may go in pairs. What was transformed is float32.
  private let plainPeak: Double

  package init(_ instructionSet: InstructionSet, _ precision: Precision = .float32) {
    lanes = Double(instructionSet.lanes)
    peak = 2 * lanes / (instructionSet == .portable ? 2 : 1)
    plainPeak = precision == .bfloat16 && instructionSet.multipliesPairs ? 2 * peak : peak
  }

  /// Products in register tiles, of pixels where they lie.
  func products(_ count: Double) -> Double { count / (0.85 * plainPeak) }

  /// Products of one kernel a channel: each vector is loaded for one multiply-add.
  func depthwise(_ count: Double) -> Double { count / (0.6 * peak) }

  /// Numbers written to scratch memory and read again: 32 bytes a cycle each way through the level-2 cache.
  func scratch(_ count: Double) -> Double { count * 4 * 2 / 32 }

  /// Weights as they lie beside such values: pairs of them in the place of one.
  func weights(_ count: Double) -> Double { reading(count * peak / plainPeak) }

  /// Float32 weights: those that do not stay in the last-level cache from one run to the next come from memory, about 3 bytes a
  /// cycle and core.
  func reading(_ weights: Double) -> Double {
    let byteCount = weights * 4
    return byteCount > 4 * 1024 * 1024 ? byteCount / 3 : byteCount / 24
  }
}
