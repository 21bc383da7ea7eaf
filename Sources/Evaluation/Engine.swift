import CPUBackend
import CUDABackend
import Execution
import ReferenceBackend

/// What runs networks, and how.
public enum Engine: Hashable, Sendable {
  /// Plain loops that sum in Double: slow, and what the others are held against.
  case reference
  /// The fast engine.
  case cpu(CPUOptions = CPUOptions())
  /// A CUDA device.
  case cuda(CUDAOptions = CUDAOptions())

  /// What is left open is the best of this machine, and float32.
  public init(
    _ name: EngineName, threadCount: Int = Machine.processorCount, machine: MachineDescription = .current
  ) {
    switch name {
    case .reference: self = .reference
    case .cpu(let instructionSet, let precision):
      self = .cpu(
        CPUOptions(
          instructionSet: instructionSet ?? .best, precision: precision ?? .float32, threadCount: threadCount, machine: machine)
      )
    case .cuda(let device, let precision):
      self = .cuda(CUDAOptions(device: device ?? 0, precision: precision ?? .float32, threadCount: threadCount))
    }
  }

  public var name: EngineName {
    switch self {
    case .reference: .reference
    case .cpu(let options): .cpu(options.instructionSet, options.precision)
    case .cuda(let options): .cuda(options.device, options.precision)
    }
  }

  /// Those that compute; work around the network may be shared by as many.
  public var threadCount: Int {
    switch self {
    case .reference: 1
    case .cpu(let options): options.threadCount
    case .cuda(let options): options.threadCount
    }
  }

  /// Throws where this machine cannot run the instruction set, or has no such device.
  public func makeBackend() throws(EvaluationError) -> any Backend {
    switch self {
    case .reference: ReferenceEngine()
    case .cpu(let options): try options.makeEngine()
    case .cuda(let options): try options.makeEngine()
    }
  }
}

/// How the CPU engine computes.
public struct CPUOptions: Hashable, Sendable {
  public var instructionSet: InstructionSet
  public var precision: Precision
  /// At least 1.
  public var threadCount: Int
  /// What kernels are chosen by.
  public var machine: MachineDescription

  public init(
    instructionSet: InstructionSet = .best, precision: Precision = .float32, threadCount: Int = Machine.processorCount,
    machine: MachineDescription = .current
  ) {
    self.instructionSet = instructionSet
    self.precision = precision
    self.threadCount = max(threadCount, 1)
    self.machine = machine
  }

  /// Throws where this machine cannot run the instruction set.
  ///
  /// - Parameter memoryLimit: the most bytes that a session may hold, which computes values again where it would need more.
  package func makeEngine(memoryLimit: Int? = nil) throws(EvaluationError) -> CPUEngine {
    guard instructionSet.isAvailable else {
      let available = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue)
      throw .instructionSet(name: instructionSet.rawValue, available: available)
    }
    return CPUEngine(
      instructionSet: instructionSet, threadCount: threadCount, precision: precision, machine: machine,
      memoryLimit: memoryLimit, recomputesValues: memoryLimit != nil)
  }
}

/// How a CUDA device computes.
public struct CUDAOptions: Hashable, Sendable {
  /// Its place among the driver's devices.
  public var device: Int
  public var precision: CUDAPrecision
  /// Of the host, for the work around the network; at least 1.
  public var threadCount: Int

  public init(device: Int = 0, precision: CUDAPrecision = .float32, threadCount: Int = Machine.processorCount) {
    self.device = device
    self.precision = precision
    self.threadCount = max(threadCount, 1)
  }

  /// What the device says of itself. Throws where there is no driver, or it has no such device.
  public var description: CUDADevice { get throws(EvaluationError) { try makeEngine().device } }

  /// Throws where there is no driver, or it has no such device.
  package func makeEngine() throws(EvaluationError) -> CUDAEngine {
    do throws(CUDAError) {
      return try CUDAEngine(device: device, precision: precision)
    } catch {
      throw .device(error)
    }
  }
}
