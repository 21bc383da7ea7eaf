import CKernels

/// What a CPU can execute, from least to most. Passed in, never looked up by a kernel, so that each path is tested on any machine
/// that can run it.
public enum InstructionSet: String, Hashable, Codable, Sendable, CaseIterable, Comparable, BitwiseCopyable {
  /// Vectors of four floats in plain C: SSE2 on x86-64, NEON on arm64.
  case portable
  /// AVX2 and fused multiply-add.
  case avx2
  /// AVX-512 F, BW, DQ and VL.
  case avx512
  /// The same with VNNI: sums of four products of integers of 8 bits. In float32 it gives the bits of `avx512`.
  case avx512vnni
  /// The same with BF16: dot products of pairs of bfloat16 numbers. In float32 it gives the bits of `avx512`.
  case avx512bf16

  /// The same with AMX: products of integers of 8 bits by tiles. In float32 and bfloat16 it gives the bits of `avx512bf16`.
  case amx

  /// Whether this machine can run it.
  public var isAvailable: Bool { sw_isa_available(tag) != 0 }

  /// Whether it runs by what its instructions are said to do, which the environment asks for (`SWIFTLET_EMULATED_TILES`), because the machine lacks them: to be
  /// tested, and slow.
  public var isEmulated: Bool { sw_isa_available(tag) == 2 }

  /// The highest level that this machine can run.
  public static let best: InstructionSet = allCases.last { $0.isAvailable && !$0.isEmulated } ?? .portable

  /// Floats in a vector.
  package var lanes: Int {
    switch self {
    case .portable: 4
    case .avx2: 8
    case .avx512, .avx512vnni, .avx512bf16, .amx: 16
    }
  }

  /// Whether products of integers are made by tiles of registers.
  package var hasTiles: Bool { self == .amx }

  /// Whether products of bfloat16 numbers are made two at a time.
  package var multipliesPairs: Bool { self >= .avx512bf16 }

  /// The level whose kernels do what this one has none of its own for.
  var base: InstructionSet? {
    switch self {
    case .portable, .avx2, .avx512: nil
    case .avx512vnni: .avx512
    case .avx512bf16: .avx512vnni
    case .amx: .avx512bf16
    }
  }

  /// It and those whose kernels it has, too, the most special first.
  var levels: [InstructionSet] { [self] + (base?.levels ?? []) }

  package var tag: sw_isa {
    switch self {
    case .portable: SW_ISA_PORTABLE
    case .avx2: SW_ISA_AVX2
    case .avx512: SW_ISA_AVX512
    case .avx512vnni: SW_ISA_AVX512VNNI
    case .avx512bf16: SW_ISA_AVX512BF16
    case .amx: SW_ISA_AMX
    }
  }

  public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.tag.rawValue < b.tag.rawValue }
}
