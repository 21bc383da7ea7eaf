import CUDAEmulation
@testable import Evaluation
import Swiftlet
import Testing

/// One value says what runs a network: as it is named, printed, reported and made.
@Suite struct EngineTests {
  @Test func namesAreParsedAndPrinted() throws {
    #expect(try EngineName("reference") == .reference)
    #expect(try EngineName("cpu") == .cpu())
    #expect(try EngineName("cpu:float32:avx2") == .cpu(.avx2, .float32))
    #expect(try EngineName("cpu:float32:avx2").description == "cpu:avx2:float32")
    for instructionSet in [nil] + InstructionSet.allCases.map(Optional.some) {
      for precision in [nil] + Precision.allCases.map(Optional.some) {
        let name = EngineName.cpu(instructionSet, precision)
        #expect(try EngineName(name.description) == name)
        guard let instructionSet, let precision else { continue }
        let engine = Engine(name, threadCount: 3)
        #expect(engine.name == name && engine.threadCount == 3)
        #expect(engine == .cpu(CPUOptions(instructionSet: instructionSet, precision: precision, threadCount: 3)))
      }
    }
    #expect(Engine(.cpu(), threadCount: 1).name == .cpu(.best, .float32))
    for device in [nil, 0, 7] {
      for precision in [nil] + CUDAPrecision.allCases.map(Optional.some) {
        let name = EngineName.cuda(device, precision)
        #expect(try EngineName(name.description) == name)
        #expect(
          Engine(name, threadCount: 3)
            == .cuda(CUDAOptions(device: device ?? 0, precision: precision ?? .float32, threadCount: 3)))
      }
    }
    #expect(try EngineName("cuda:1:float16").description == "cuda:1:float16")
    #expect(
      DeviceName("cuda:1")?.engine == .cuda(1) && DeviceName("cuda")?.engine == .cuda(0) && DeviceName("cpu")?.engine == .cpu())
    for text in ["gpu", "cuda:", "cuda:-1", "cuda:0:float16", "cpu:0", ""] { #expect(DeviceName(text) == nil) }
  }

  /// What is not known is no engine, and what there is is listed.
  @Test(arguments: [
    "", "gpu", "cuda:avx2", "cuda:0:1", "cuda:-1", "cuda:float16:0", "cuda:int8", "cpu:", "cpu:mmx", "cpu:avx2:portable",
    "cpu:avx2:float32:float32", "reference:avx2", ":cpu", "CPU",
    "cpu:bfloat16:float32", "cpu:\u{1b}[2J",
  ])
  func othersAreNone(_ text: String) throws {
    let error = #expect(throws: EvaluationError.unknownEngine(name: text)) { try EngineName(text) }
    let line = try #require(error).description
    #expect(line.contains("there are reference; cpu, with") && !line.contains("\n") && !line.contains("\u{1b}"))
    for name in InstructionSet.allCases.map(\.rawValue) + Precision.allCases.map(\.rawValue) { #expect(line.contains(name)) }
  }

  @Test func backendsAreThoseThatAreNamed() throws {
    #expect(try Engine.reference.makeBackend().name == "reference")
    for instructionSet in InstructionSet.allCases {
      let options = CPUOptions(instructionSet: instructionSet, precision: .bfloat16, threadCount: 2, machine: .sapphireRapids)
      guard instructionSet.isAvailable else {
        #expect(throws: EvaluationError.self) { try Engine.cpu(options).makeBackend() }
        continue
      }
      let engine = try #require(try Engine.cpu(options).makeBackend() as? CPUEngine)
      #expect(engine.instructionSet == instructionSet && engine.precision == .bfloat16 && engine.threadCount == 2)
      #expect(engine.machine == .sapphireRapids)
    }
  }

  /// What a device says is a table, one column a device.
  @Test func devicesAreATable() throws {
    let report = try DeviceReport { () throws(CUDAError) in try CUDADriver { cudaEmulatedSymbol($0) } }
    let lines = report.text.split(separator: "\n").map { $0.split(separator: "  ").map { $0.drop { $0 == " " } } }
    #expect(lines[0] == ["device", "cuda:0", "cuda:1"])
    #expect(lines[2] == ["compute capability", "8.0", "8.0"])
    #expect(lines.last == ["driver", "CUDA 12.4", "CUDA 12.4"])
    #expect(try report.json.contains("\"warp_size\" : 32"))
    let error = #expect(throws: EvaluationError.self) { try DeviceReport { () throws(CUDAError) in throw .noDevice } }
    #expect(error?.description == "there is no CUDA device: the driver finds none; run on the CPU")
  }

  /// An engine that may take less than the machine has says that it is the engine.
  @Test func refusalsForMemoryNameTheLimit() throws {
    let network = try SmallNetworks.edsr(), engine = CPUEngine(threadCount: 1, memoryLimit: 10 << 10)
    let error = #expect(throws: ExecutionError.self) { try engine.prepare(network, inputs: [[1, 3, 16, 16]]) }
    let line = EvaluationError.execution(network: "n", try #require(error)).description
    #expect(line.contains("of memory are needed and 10.0 KiB are allowed; give a smaller input"), "\(line)")
  }

  /// The reference has no instruction set, precision, threads or rates; the CPU engine names all.
  @Test func reportsNameWhatRan() throws {
    let network = try SmallNetworks.edsr(), input: Shape = [1, 3, 8, 8]
    let reference = try Benchmark(input: input, engine: .reference, warmup: 0, runs: 1).run(network, model: "m")
    #expect(reference.text.hasPrefix("m, input 1x3x8x8, reference\n"))
    for word in InstructionSet.allCases.map(\.rawValue) + ["float32", "threads", "rates"] {
      #expect(!reference.text.contains(word))
    }
    for key in ["isa", "precision", "threads", "rates"] { #expect(try !reference.json.contains("\"\(key)\"")) }
    let options = CPUOptions(instructionSet: .portable, threadCount: 1, machine: .sapphireRapids)
    let cpu = try Benchmark(input: input, engine: .cpu(options), warmup: 0, runs: 1).run(network, model: "m")
    #expect(cpu.text.hasPrefix("m, input 1x3x8x8, float32, portable, 1 thread, rates sapphire-rapids\n"))
    #expect(cpu.engine == .cpu && cpu.isa == "portable" && cpu.threads == 1 && cpu.rates == "sapphire-rapids")
    let kernels = try KernelReport(network, input: input, options: options)
    #expect(
      kernels.text().hasPrefix("float32, portable, rates sapphire-rapids, input 1x3x8x8\n")
        && kernels.rates == "sapphire-rapids")
  }
}
