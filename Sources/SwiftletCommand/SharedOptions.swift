import ArgumentParser
import Swiftlet

extension InstructionSet: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {}

extension Shape: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension TilePolicy: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { description }
}

/// A size in bytes: `512M`.
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    guard let bytes = TextFormat.parsedByteCount(argument) else { return nil }
    self.bytes = bytes
  }
}

/// A positive number.
struct Count: ExpressibleByArgument {
  let value: Int

  init(_ value: Int) { self.value = value }

  init?(argument: String) {
    guard let value = Int(argument), (1...1024).contains(value) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { "\(value)" }
}

/// A number of runs that need not be any.
struct WarmUpCount: ExpressibleByArgument {
  let value: Int

  init(_ value: Int) { self.value = value }

  init?(argument: String) {
    guard let value = Int(argument), (0...1024).contains(value) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { "\(value)" }
}

/// What is put between name and extension; it leads to no other folder.
struct Suffix: ExpressibleByArgument {
  let text: String

  init(_ text: String) { self.text = text }

  init?(argument: String) {
    guard !argument.contains("/") else { return nil }
    text = argument
  }

  var defaultValueDescription: String { text }
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

/// Which engine runs the network, and how.
struct EngineArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What runs the network: cpu, or reference, which is slow and exact. An instruction set and a precision may follow, as in \
      cpu:avx2:bfloat16. (default: cpu)
      """, valueName: "engine"), transform: { try EngineName($0) })
  var engine = EngineName.cpu()

  @Option(help: ArgumentHelp("Threads to compute with.", valueName: "n"))
  var threads = Count(Machine.processorCount)

  @Option(help: "How values and weights are stored: float32 or bfloat16. Sums are float32. (default: float32)")
  var precision: Precision?

  @Option(help: "The instruction set: portable, avx2, avx512 or avx512bf16. (default: the best of this machine)")
  var isa: InstructionSet?

  @OptionGroup var machine: MachineArguments

  func validate() throws {
    switch engine {
    case .reference:
      guard precision ?? .float32 == .float32, isa == nil, machine.rates == nil else {
        throw ValidationError(
          "--precision, --isa and --rates are for the engine cpu; the reference has float32 and plain loops")
      }
    case .cpu(let instructionSet, let precision):
      if instructionSet != nil, isa != nil {
        throw ValidationError("--engine names an instruction set already; leave out --isa")
      }
      if precision != nil, self.precision != nil {
        throw ValidationError("--engine names a precision already; leave out --precision")
      }
    }
  }

  /// The engine that all of these options say.
  var value: Engine {
    get throws {
      let name: EngineName =
        switch engine {
        case .reference: .reference
        case .cpu(let instructionSet, let precision): .cpu(instructionSet ?? isa, precision ?? self.precision)
        }
      return Engine(name, threadCount: threads.value, machine: try machine.description)
    }
  }

  /// The same for what needs the CPU engine.
  var cpuOptions: CPUOptions {
    get throws {
      let value = try value
      switch value {
      case .reference: throw EvaluationError.untimedEngine(name: value.name.description)
      case .cpu(let options): return options
      }
    }
  }
}
