import CPUBackend
import Execution
import ReferenceBackend

/// What runs the networks.
public enum EngineKind: String, Hashable, Codable, Sendable, CaseIterable {
  /// The fast engine.
  case cpu
  /// Plain loops that sum in Double: slow, and what the fast engine is held against.
  case reference
}

/// Which engine runs the networks, and how.
public struct EngineOptions: Hashable, Sendable {
  public var kind: EngineKind
  public var instructionSet: InstructionSet
  /// At least 1.
  public var threadCount: Int
  public var precision: Precision
  /// What kernels are chosen by.
  public var machine: MachineDescription

  public init(
    kind: EngineKind = .cpu, instructionSet: InstructionSet = .best, threadCount: Int = Machine.processorCount,
    precision: Precision = .float32, machine: MachineDescription = .current
  ) {
    self.kind = kind
    self.instructionSet = instructionSet
    self.threadCount = max(threadCount, 1)
    self.precision = precision
    self.machine = machine
  }

  /// Throws where this machine cannot run the instruction set.
  package func checkedForThisMachine() throws(EvaluationError) -> EngineOptions {
    guard instructionSet.isAvailable else {
      let available = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue)
      throw .instructionSet(name: instructionSet.rawValue, available: available)
    }
    return self
  }
}

/// The engine for the options.
public func makeEngine(_ options: EngineOptions) throws(EvaluationError) -> any Backend {
  if options.kind == .reference { return ReferenceEngine() }
  _ = try options.checkedForThisMachine()
  return CPUEngine(
    instructionSet: options.instructionSet, threadCount: options.threadCount, precision: options.precision,
    machine: options.machine)
}
