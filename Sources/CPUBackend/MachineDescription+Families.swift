import CKernels

/// Families of processors whose rates are known.
extension MachineDescription {
  /// AMD's Zen 5: two multiply-adds of 512 bits a cycle, dot products of pairs of bfloat16 numbers as fast, two additions beside them.
  public static let zen5 = MachineDescription(
    name: "zen5", portable: .vectors(of: 4, fused: false), avx2: .vectors(of: 8), avx512: .vectors(of: 16),
    avx512vnni: .vectors(of: 16, integers: 128), avx512bf16: .vectors(of: 16, paired: 64, integers: 128))

  /// AMD's Zen 4: halves of vectors of 512 bits, one after the other; so do the Zen 5 of laptops.
  public static let zen4 = MachineDescription(
    name: "zen4", portable: .vectors(of: 4, fused: false), avx2: .vectors(of: 8), avx512: .vectors(of: 16, width: 8),
    avx512vnni: .vectors(of: 16, width: 8, integers: 64), avx512bf16: .vectors(of: 16, width: 8, paired: 32, integers: 64))

  /// Intel's Sapphire Rapids and what followed it. A dot product of pairs takes two cycles, so that products of pairs go at half the rate
  /// of float32: ResNet-18 by such products, 1.8e9 of them, took 35.5 ms, and 19.5 in float32 (2026-11). So kernels widen numbers a vector at
  /// a time, which takes few slots of the multiply-adds (counted, not measured there).
  public static let sapphireRapids = MachineDescription(
    name: "sapphire-rapids", caches: CacheSizes(level1: 48 << 10, level2: 2 << 20, lastLevel: 32 << 20),
    portable: .vectors(of: 4, fused: false), avx2: .vectors(of: 8), avx512: .vectors(of: 16, widened: 29),
    avx512vnni: .vectors(of: 16, widened: 29, integers: 128),
    avx512bf16: .vectors(of: 16, widened: 29, paired: 16, integers: 128),
    // A product of tiles, 16 x 16 x 64, takes 16 cycles (Intel's optimisation manual; not measured).
    amx: .vectors(of: 16, widened: 29, paired: 16, integers: 128, tiled: 1024))

  /// What is taken of processors that are not known: what most have, and pairs, where there are any, at the usual rate.
  public static let generic: MachineDescription = {
    var result = zen5
    result.name = "generic"
    return result
  }()

  public static let families = [zen5, zen4, sapphireRapids, generic]

  /// The family of a processor by its maker's text, family and model, as `cpuid` tells them.
  package static func family(vendor: String, family: Int, model: Int) -> MachineDescription {
    switch (vendor, family, model) {
    // Strix Point, Krackan and their kin.
    case ("AuthenticAMD", 0x1A, 0x20...0x2F), ("AuthenticAMD", 0x1A, 0x60...0x6F): zen4
    case ("AuthenticAMD", 0x1A, _): zen5
    case ("AuthenticAMD", 0x19, 0x10...0x1F), ("AuthenticAMD", 0x19, 0x60...0x7F), ("AuthenticAMD", 0x19, 0xA0...0xAF): zen4
    // Sapphire and Emerald Rapids, Granite Rapids.
    case ("GenuineIntel", 6, 0x8F), ("GenuineIntel", 6, 0xCF), ("GenuineIntel", 6, 0xAD), ("GenuineIntel", 6, 0xAE):
      sapphireRapids
    default: generic
    }
  }
}

extension InstructionRates {
  /// Vectors of so many floats, two multiply-adds a cycle of `width` floats.
  ///
  /// - Parameters:
  ///   - fused: whether one instruction multiplies and adds.
  ///   - integers: products of integers of 8 bits; by pairs of 16 bits, an addition for each, where one instruction does not do them.
  ///   - tiled: the same by tiles of registers.
  fileprivate static func vectors(
    of lanes: Double, width: Double? = nil, fused: Bool = true, widened: Double? = nil, paired: Double = 0,
    integers: Double? = nil, tiled: Double = 0
  ) -> InstructionRates {
    let width = width ?? lanes
    return InstructionRates(
      products: 2 * width / (fused ? 1 : 2), widenedProducts: widened, pairedProducts: paired,
      integerProducts: integers ?? 2 * width, tiledIntegerProducts: tiled, additions: 2 * width)
  }
}
