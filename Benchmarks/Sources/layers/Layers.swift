import ArgumentParser
import BenchmarkCases
import Swiftlet

@main
struct Layers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers", abstract: "Time one convolution at a time: the method chosen, its kernels, GFLOP/s.")

  @Option(help: "Threads that share a layer.")
  var threads = 1

  @Option(help: "Runs that count; the fastest is shown. One more goes before them.")
  var runs = 20

  @Option(help: "Only layers whose name contains this.")
  var only = ""

  @Flag(help: "A table instead: separable and channel-selection layers beside standard ones, 32 to 512 channels and sizes.")
  var table = false

  func validate() throws {
    guard threads >= 1, runs >= 1 else { throw ValidationError("--threads and --runs are at least 1") }
  }

  func run() throws {
    print("\(Machine.processorName), \(threads) threads, best of \(runs)")
    if table { try printKinds() } else { try printLayers() }
  }

  private func printLayers() throws {
    print(row("layer", "isa", "ms", "GFLOP/s", "method", "kernels"))
    for layer in try BenchmarkCase.layers() where only.isEmpty || layer.name.contains(only) {
      for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
        let best = try time(layer, instructionSet)
        print(
          row(
            layer.name, instructionSet.rawValue, fixed(Double(best.nanoseconds) / 1e6, 3),
            fixed(layer.gigaflops(nanoseconds: best.nanoseconds), 1), try method(layer, instructionSet) ?? "",
            best.kernels.joined(separator: " ")))
      }
    }
  }

  /// The fastest run of a layer: of `--runs`, or of so many.
  func time(
    _ layer: BenchmarkCase, _ instructionSet: InstructionSet, runs count: Int? = nil
  ) throws -> (nanoseconds: Int, kernels: [String]) {
    let prepared = try PreparedCase(layer, instructionSet, threadCount: threads)
    var best = try prepared.runLayer()
    best.nanoseconds = .max
    for _ in 0..<(count ?? runs) { best.nanoseconds = min(best.nanoseconds, try prepared.runLayer().nanoseconds) }
    return best
  }

  /// What the selector takes for the layer; nil where it weighs nothing.
  func method(_ layer: BenchmarkCase, _ instructionSet: InstructionSet) throws -> String? {
    try KernelReport(layer.network, input: layer.input, instructionSet: instructionSet).choices.first?.chosen
  }

  private func row(
    _ name: String, _ isa: String, _ time: String, _ rate: String, _ method: String, _ kernels: String
  ) -> String {
    left(name, 34) + left(isa, 9) + right(time, 9) + right(rate, 9) + "  " + left(method, 21) + kernels
  }

  func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }

  /// A number that is not negative, with so many decimals.
  func fixed(_ value: Double, _ decimals: Int) -> String {
    var unit = 1
    for _ in 0..<decimals { unit *= 10 }
    let scaled = Int((value * Double(unit)).rounded())
    let fraction = String(scaled % unit)
    return "\(scaled / unit)." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }
}
