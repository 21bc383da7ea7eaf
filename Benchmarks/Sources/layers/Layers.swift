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

  func validate() throws {
    guard threads >= 1, runs >= 1 else { throw ValidationError("--threads and --runs are at least 1") }
  }

  func run() throws {
    print("\(Machine.processorName), \(threads) threads, best of \(runs)")
    print(row("layer", "isa", "ms", "GFLOP/s", "method", "kernels"))
    for layer in try BenchmarkCase.layers() where only.isEmpty || layer.name.contains(only) {
      for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
        let method = try KernelReport(layer.network, input: layer.input, instructionSet: instructionSet).choices.first?.chosen
        let prepared = try PreparedCase(layer, instructionSet, threadCount: threads)
        var best = try prepared.runLayer()
        best.nanoseconds = .max
        for _ in 0..<runs { best.nanoseconds = min(best.nanoseconds, try prepared.runLayer().nanoseconds) }
        print(
          row(
            layer.name, instructionSet.rawValue, fixed(Double(best.nanoseconds) / 1e6, 3),
            fixed(layer.gigaflops(nanoseconds: best.nanoseconds), 1), method ?? "", best.kernels.joined(separator: " ")))
      }
    }
  }

  private func row(
    _ name: String, _ isa: String, _ time: String, _ rate: String, _ method: String, _ kernels: String
  ) -> String {
    left(name, 34) + left(isa, 9) + right(time, 9) + right(rate, 9) + "  " + left(method, 21) + kernels
  }

  private func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }

  /// A number that is not negative, with so many decimals.
  private func fixed(_ value: Double, _ decimals: Int) -> String {
    var unit = 1
    for _ in 0..<decimals { unit *= 10 }
    let scaled = Int((value * Double(unit)).rounded())
    let fraction = String(scaled % unit)
    return "\(scaled / unit)." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }
}
