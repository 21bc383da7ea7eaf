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

  /// Whether this machine can run it.
  public var isAvailable: Bool { sw_isa_available(tag) != 0 }

  /// The highest level that this machine can run.
  public static let best: InstructionSet = allCases.last { $0.isAvailable } ?? .portable

  /// Floats in a vector.
  package var lanes: Int {
    switch self {
    case .portable: 4
    case .avx2: 8
    case .avx512: 16
    }
  }

  package var tag: sw_isa {
    switch self {
    case .portable: SW_ISA_PORTABLE
    case .avx2: SW_ISA_AVX2
    case .avx512: SW_ISA_AVX512
    }
  }

  public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.tag.rawValue < b.tag.rawValue }
}
