import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is embedded is what the sources give.
@Suite struct CompiledKernelsTests {
  /// What `Tools/compile_cuda_kernels.py --check` exits with: 0 where both agree, 1 where they do not, anything else where NVRTC 12.4 is not
  /// there. A Python that has its packages may be named: SWIFTLET_NVRTC_PYTHON=venv/bin/python.
  private static let status: Int32 = {
    let python = getenv("SWIFTLET_NVRTC_PYTHON").map { String(cString: $0) } ?? "python3"
    let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    return system("'\(python)' '\(root)/Tools/compile_cuda_kernels.py' --check") >> 8 & 0xFF
  }()

  @Test(.enabled(if: status <= 1, "NVRTC 12.4 (nvidia-cuda-nvrtc-cu12 of PyPI) is not there"))
  func compiledKernelsAreThoseOfTheSources() { #expect(Self.status == 0) }
}
