import CPUBackend
import Execution
import ReferenceBackend

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How numbers are computed.
public enum Precision: String, Hashable, Codable, Sendable, CaseIterable {
  case float32
}

/// Which engine runs the networks, and how.
public struct EngineOptions: Hashable, Sendable {
  public var instructionSet: InstructionSet
  /// At least 1.
  public var threadCount: Int
  public var precision: Precision

  public init(
    instructionSet: InstructionSet = .best, threadCount: Int = EngineOptions.processorCount, precision: Precision = .float32
  ) {
    self.instructionSet = instructionSet
    self.threadCount = max(threadCount, 1)
    self.precision = precision
  }

  /// The processors that the system offers to this process.
  public static var processorCount: Int {
    #if os(Linux)
      // A process may be confined to some of the processors.
      var set = cpu_set_t()
      if sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 {
        let count = withUnsafeBytes(of: &set) { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
        if count > 0 { return count }
      }
    #endif
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Throws where this machine cannot run the instruction set.
  func checkedForThisMachine() throws(EvaluationError) -> EngineOptions {
    guard instructionSet.isAvailable else {
      let available = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue)
      throw .instructionSet(name: instructionSet.rawValue, available: available)
    }
    return self
  }
}

/// The engine for the options.
public func makeEngine(_ options: EngineOptions) throws(EvaluationError) -> any Backend {
  _ = try options.checkedForThisMachine()
  return ReferenceEngine()
}
