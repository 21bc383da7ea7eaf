import ArgumentParser
import Swiftlet

extension InstructionSet: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension PrecisionName: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {
  public init?(argument: String) { self.init(named: argument) }

  /// Formats are asked for where something is written.
  public static var allValueStrings: [String] { allCases.filter(\.isWritten).map(\.rawValue) }
}

/// What kernels are chosen by.
struct MachineArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The rates that kernels are chosen by, and with them the last bits of results: \
      \(MachineDescription.families.map(\.name).joined(separator: ", ")), or a file that 'swiftlet machine --json' printed. \
      (default: what is known of this processor)
      """, valueName: "name|file"))
  var rates: String?

  var description: MachineDescription {
    get throws { try rates.map { try MachineDescription(named: $0) } ?? .current }
  }
}

/// How the CPU engine computes.
struct CPUArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Threads to compute with, 1 to 1024. (default: \(Machine.processorCount))", valueName: "n"),
    transform: Count.init(argument:))
  var threads = Count(Machine.processorCount)

  @Option(
    help: "The instruction set: portable, avx2, avx512, avx512vnni, avx512bf16 or amx. (default: the best of this machine)")
  var isa: InstructionSet?

  @OptionGroup var machine: MachineArguments

  /// What these options say of an engine that is named, with a precision where one is given.
  func engine(_ name: EngineName, _ precision: PrecisionName? = nil) throws -> Engine {
    Engine(try completed(name, precision), threadCount: threads.value, machine: try machine.description)
  }

  /// In float32.
  var options: CPUOptions {
    get throws {
      CPUOptions(instructionSet: isa ?? .best, threadCount: threads.value, machine: try machine.description)
    }
  }

  /// Throws where the name says something else than the options.
  func completed(_ name: EngineName, _ precision: PrecisionName?) throws -> EngineName {
    switch name {
    case .reference:
      guard precision ?? .float32 == .float32, isa == nil, machine.rates == nil else {
        throw ValidationError(
          "--precision, --isa and --rates are for the engine cpu; the reference has float32 and plain loops")
      }
      return .reference
    case .cpu(let namedSet, let namedPrecision):
      if namedSet != nil, isa != nil {
        throw ValidationError("--engine names an instruction set already; leave out --isa")
      }
      return try EngineName.cpu(namedSet ?? isa, namedPrecision).storing(precision)
    case .cuda:
      guard isa == nil, machine.rates == nil else {
        throw ValidationError("--isa and --rates are for the CPU; a CUDA device chooses by what it says of itself")
      }
      return try name.storing(precision)
    }
  }
}

extension PrecisionName {
  static let onlyOfDevice = ValidationError(
    "the CPU has float32 and bfloat16; give one of them, or --device cuda with tf32 or float16")
}

extension EngineName {
  /// The same engine with a precision, where one is given. Throws where it has another already, or none like that.
  func storing(_ precision: PrecisionName?) throws -> EngineName {
    guard let precision else { return self }
    switch self {
    case .reference:
      guard precision == .float32 else { throw ValidationError("the reference has float32") }
      return self
    case .cpu(_, _?), .cuda(_, _?): throw ValidationError("--engine names a precision already; leave out --precision")
    case .cpu(let instructionSet, nil):
      guard let known = precision.cpu else { throw PrecisionName.onlyOfDevice }
      return .cpu(instructionSet, known)
    case .cuda(let index, nil):
      return .cuda(index, precision.cuda)
    }
  }
}

/// Where a network runs, and how values and weights are stored.
struct DeviceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the network runs: cpu, cuda or cuda:1; 'swiftlet devices' shows those that there are. (default: cpu)",
      valueName: "device"),
    transform: DeviceName.init(argument:))
  var device: DeviceName?

  @Option(
    help: """
      How values and weights are stored: float32 or bfloat16, on a CUDA device float16, too; tf32 is float32 whose products are rounded \
      there. Sums are float32. (default: float32)
      """)
  var precision: PrecisionName?
}

/// Where steps of training are taken, and in what.
struct TrainingDeviceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where steps are taken: cpu, cuda or cuda:1; 'swiftlet devices' shows those that there are. (default: cpu)",
      valueName: "device"),
    transform: DeviceName.init(argument:))
  var device: DeviceName?

  // Not all that run a network train one.
  @Option(
    help: ArgumentHelp(
      """
      What values and gradients are stored in: float32, on a CUDA device tf32 or bfloat16, too; parameters are float32. (default: float32)
      """, valueName: "precision"),
    transform: {
      guard let precision = PrecisionName(rawValue: $0) else { throw ValueProblem("give float32, tf32 or bfloat16") }
      return precision
    })
  var precision: PrecisionName?

  /// Throws where nothing is trained in that precision there.
  func validate() throws {
    switch (precision, device?.index) {
    case (nil, _), (.float32?, _), (.tensorFloat32?, _?), (.bfloat16?, _?): break
    case (.float16?, _?):
      throw ValidationError(
        "networks are trained in float32, tf32 or bfloat16; gradients may be below float16's smallest numbers")
    case (_?, nil):
      throw ValidationError("the CPU trains in float32; leave --precision out, or give --device cuda with tf32 or bfloat16")
    }
  }
}

/// Which engine runs the network, and how.
struct EngineArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What runs the network: cpu, cuda, or reference, which is slow and exact. An instruction set, or the number of a device, and a \
      precision may follow, as in cpu:avx2:bfloat16 and cuda:0:float16. (default: cpu)
      """, valueName: "engine"), transform: { try EngineName($0) })
  var engine: EngineName?

  @OptionGroup var place: DeviceArguments
  @OptionGroup var cpu: CPUArguments

  func validate() throws { _ = try cpu.completed(name, place.precision) }

  /// Throws where two options say it.
  private var name: EngineName {
    get throws {
      guard let device = place.device else { return engine ?? .cpu() }
      if engine != nil { throw ValidationError("--engine and --device both say what runs the network; give one") }
      return device.engine
    }
  }

  /// The engine that all of these options say.
  var value: Engine { get throws { try cpu.engine(name, place.precision) } }

  var threadCount: Int { cpu.threads.value }
}

/// Which engine is timed from within, and how.
struct TimedEngineArguments: ParsableArguments {
  @OptionGroup var any: EngineArguments

  func validate() throws {
    do { _ = try value } catch let error as EvaluationError { throw ValidationError(error.description) }
  }

  /// Throws of an engine that does not say where its time goes.
  var value: Engine {
    get throws {
      let engine = try any.value
      switch engine {
      case .reference: throw EvaluationError.untimedEngine(name: engine.name.description)
      case .cpu, .cuda: return engine
      }
    }
  }
}
