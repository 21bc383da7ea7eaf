/// How fast the kernels of an instruction set are on a machine: what estimates are made of. Products are multiply-adds, times cycles of
/// one core.
///
/// The shares of the peak are those measured on a Zen 5 core with AVX-512 (2026-11); their ratios, which alone decide, are close on
/// the other instruction sets.
package struct KernelRates: Hashable, Sendable {
  /// Products a cycle of float32 numbers, or of integers (`ofIntegers`).
  package private(set) var peak: Double
  /// Sums of two numbers a cycle.
  package let additions: Double
  /// Products a cycle of values as they lie in memory. What was transformed is float32.
  private var plainPeak: Double
  /// The same of integers.
  private let integerPeak: Double
  /// The same of integers by tiles of registers, which some kernels do not use; 0 where there are none.
  private var tilePeak: Double
  /// Bytes of one weight beside such values.
  private var weightByteCount: Double
  private var isOfIntegers = false
  private let memory: MemoryRates

  package init(_ machine: MachineDescription, _ instructionSet: InstructionSet, _ precision: Precision = .float32) {
    let rates = machine[instructionSet]
    peak = rates.products
    additions = rates.additions
    plainPeak = rates.products(precision)
    integerPeak = rates.integerProducts
    tilePeak = rates.tiledIntegerProducts
    weightByteCount = precision == .bfloat16 && rates.multipliesPairs ? 2 : 4
    memory = machine.memory
  }

  /// The same where values are integers of 8 bits, which are summed in int32.
  var ofIntegers: KernelRates {
    var result = self
    result.plainPeak = integerPeak
    result.peak = integerPeak
    result.isOfIntegers = true
    result.weightByteCount = 1
    return result
  }

  /// Whether products are made by tiles of registers where a method uses them.
  var hasTiles: Bool { isOfIntegers && tilePeak > 0 }

  /// Products of vectors, of pixels where they lie.
  func products(_ count: Double) -> Double { count / (0.85 * plainPeak) }

  /// The same for so many sums, by tiles of registers where there are such.
  func products(_ count: Double, sums: Double) -> Double {
    hasTiles ? count / (0.85 * tilePeak) + sums * Self.tileSum : products(count)
  }

  /// What it takes to fill and to empty tiles of registers, in cycles for each sum: more than they save where few numbers are summed. On a
  /// Sapphire Rapids a separable EDSR of integers, whose layers sum 64, took 1.2 times with tiles what it took with VNNI; with half of its time
  /// in those products they took 1.4 times as long, 0.82 cycles for a sum where its 64 products are 0.59.
  static let tileSum = 0.75

  /// The same of values that are float32 whatever the others are.
  func float32Products(_ count: Double) -> Double { count / (0.85 * peak) }

  /// Products of one kernel a channel: each vector is loaded for one multiply-add.
  func depthwise(_ count: Double) -> Double { count / (0.6 * peak) }

  /// Numbers written to scratch memory and read again, through the level-2 cache.
  func scratch(_ count: Double) -> Double { count * 4 * 2 / memory.level2 }

  /// What a transform of Winograd's method does for each number, counted in additions: loads, stores and about 4 operations a vector.
  static let transformAdditions = 4.4

  /// Vectors of so many numbers in all, stored as results.
  func stores(_ count: Double) -> Double { 2 * count / additions }

  /// Weights as they lie beside values in memory.
  func weights(_ count: Double) -> Double { reading(byteCount: count * weightByteCount) }

  /// Weights that are float32 whatever the values are, as transformed ones.
  func float32Weights(_ count: Double) -> Double { reading(byteCount: count * 4) }

  /// Those that do not stay in the last-level cache from one run to the next come from memory.
  private func reading(byteCount: Double) -> Double {
    byteCount > memory.keptWeights ? byteCount / memory.memory : byteCount / memory.lastLevel
  }
}
