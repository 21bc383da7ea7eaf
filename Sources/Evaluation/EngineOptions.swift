import CPUBackend
import Execution

/// Which engine runs the networks, and how.
public struct EngineOptions: Hashable, Sendable {
  public var instructionSet: InstructionSet
  /// At least 1.
  public var threadCount: Int
  public var precision: Precision

  public init(
    instructionSet: InstructionSet = .best, threadCount: Int = Machine.processorCount, precision: Precision = .float32
  ) {
    self.instructionSet = instructionSet
    self.threadCount = max(threadCount, 1)
    self.precision = precision
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
  return CPUEngine(
    instructionSet: options.instructionSet, threadCount: options.threadCount, precision: options.precision)
}
