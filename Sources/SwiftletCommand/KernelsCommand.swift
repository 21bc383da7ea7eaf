import ArgumentParser
import Swiftlet

struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Lists the kernels of the CPU or of a CUDA device; for a model, what is taken for each layer, and why.",
    usage: "swiftlet kernels [<options>] [<model>]")

  @Argument(help: "A name (upscale-x2) or a model file. (default: none, list all kernels)")
  var model: String?

  @Option(
    help: ArgumentHelp("The model's input. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"),
    transform: Shape.init(argument:))
  var input: Shape?

  @Option(
    help:
      "The instruction set to choose for: portable, avx2, avx512, avx512vnni, avx512bf16 or amx. (default: the best of this machine)"
  )
  var isa: InstructionSet?

  @Option(help: "The precision to choose for: float32, bfloat16, on a CUDA device tf32 and float16. (default: float32)")
  var precision: PrecisionName?

  @Option(
    help: ArgumentHelp(
      "What to choose for: cpu, cuda, cuda:1, or h100, which need not be there. (default: cpu)", valueName: "device"),
    transform: Place.init)
  var device = Place.cpu

  /// What kernels are listed for.
  enum Place {
    case cpu
    case cuda(Int)
    case absent(CUDADevice)

    init(_ text: String) throws {
      switch DeviceName(text) {
      case .cpu: self = .cpu
      case .cuda(let index): self = .cuda(index)
      case nil:
        guard text.lowercased() == "h100" else {
          throw ValueProblem("give cpu, cuda, cuda with a number, as in cuda:1, or h100")
        }
        self = .absent(KernelReport.absentDevice)
      }
    }

    var isHere: Bool { if case .absent = self { false } else { true } }

    /// Nil for the CPU.
    var device: CUDADevice? {
      get throws {
        switch self {
        case .cpu: nil
        case .cuda(let index): try CUDAOptions(device: index).description
        case .absent(let device): device
        }
      }
    }
  }

  @OptionGroup var machine: MachineArguments

  @Flag(help: "A part for each layer, also of those that are alike.")
  var each = false

  @Flag(
    help: "Show all columns and whole lines, however wide the terminal is; of a CUDA device also every kernel that was weighed."
  )
  var wide = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    if case .cpu = device {
      if precision.map({ $0.cpu == nil }) ?? false { throw PrecisionName.onlyOfDevice }
    } else if isa != nil || machine.rates != nil {
      throw ValidationError(
        "\(isa != nil ? "--isa" : "--rates") is for the CPU; a CUDA device chooses by what it says of itself: leave it or --device out"
      )
    }
    let ofModels = [
      ("--precision", precision != nil), ("--input", input != nil), ("--rates", machine.rates != nil), ("--each", each),
    ]
    if model == nil, let option = ofModels.first(where: { $0.1 })?.0 {
      throw ValidationError("\(option) says what to choose for a model; name one, or leave it out")
    }
  }

  func run() throws {
    let report: KernelReport
    let named = try namedDevice
    if let model {
      let network = try ModelLibrary.network(model)
      let shape = try network.inputShape(given: input)
      if let named {
        report = try KernelReport(network, input: shape, precision: (precision ?? .float32).cuda, device: named)
      } else {
        report = try KernelReport(
          network, input: shape,
          options: CPUOptions(
            instructionSet: isa ?? .best, precision: precision?.cpu ?? .float32, machine: try machine.description))
      }
    } else if named != nil {
      report = KernelReport(devicesOf: device.isHere ? named?.capability : nil)
    } else {
      report = KernelReport(instructionSet: isa)
    }
    json
      ? Terminal.showJSON(try report.json)
      : Terminal.show(report.report(groupsAlike: !each, isLong: wide), isWide: wide)
  }

  /// Nil for the CPU. A device that is asked for by its number must be there, and another will do.
  private var namedDevice: CUDADevice? {
    get throws {
      do { return try device.device } catch let error as EvaluationError {
        guard case .device = error else { throw error }
        throw ValueProblem("\(error.description); or take --device h100, which need not be here")
      }
    }
  }
}
