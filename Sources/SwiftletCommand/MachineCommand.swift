import ArgumentParser
import Swiftlet

struct MachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Shows what kernels are chosen by: the caches of this machine, and the rates of its processor.",
    discussion: """
      Rates are known by families of processors. Where the processor is another, or a virtual machine gives less than it has, measure \
      them once and choose by those: 'swiftlet machine --measure --json > rates.json', then '--rates rates.json'. The last bits of \
      results depend on the rates; the same rates give the same results.
      """)

  @OptionGroup var machine: MachineArguments

  @Flag(help: "Measure the rates; takes about a second.")
  var measure = false

  @Flag(help: "Print everything as JSON, for --rates.")
  var json = false

  func validate() throws {
    guard measure, machine.rates != nil else { return }
    throw ValidationError("--measure and --rates are two sources of rates; give one")
  }

  func run() throws {
    let machine = measure ? MachineDescription.measured() : try machine.description
    json ? Terminal.showJSON(try machine.json) : Terminal.show(machine.report)
  }
}
