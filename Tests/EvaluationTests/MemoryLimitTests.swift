import Evaluation
import Swiftlet
import Testing

/// A limit of memory is kept, or refused with the amount that is enough.
@Suite struct MemoryLimitTests {
  /// What the process would hold before the picture came; in fact it holds what all other tests hold.
  private static let resident = 30 << 20

  private func upscale(
    _ image: Image, _ network: Network, _ options: Upscaler.Options, scale: Double?, system: MemoryLimit? = nil
  ) throws -> Image {
    let engine = try Engine.cpu(CPUOptions(threadCount: options.threadCount)).makeBackend()
    let upscaler = try Upscaler(network, backend: engine, options: options)
    upscaler.residentByteCount = { Self.resident }
    if let system { upscaler.systemLimit = { system } }
    return try upscaler.upscale(image, scale: scale)
  }

  /// Wide and high pictures, so that what is kept beside the tiles counts as much as they do.
  @Test(arguments: 0..<40) func `what a refusal names is enough`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let long = 8 + Int(generator.next() % 2500), short = 8 + Int(generator.next() % 60)
    let image = Bool.random(using: &generator) ? Image.chart(long, short) : Image.chart(short, long, hasAlpha: true)
    let network = try pick([
      SmallNetworks.edsr(), SmallNetworks.edsr(scale: 4, channels: 1), SmallNetworks.vdsr(), SmallNetworks.nearest(.rgb),
    ])
    let scale = pick([nil, nil, 1.5, 3])
    var options = Upscaler.Options(
      tile: pick([.automatic, .automatic, .automatic, .none, .pixels(64)]),
      memoryLimit: Self.resident + Int(generator.next() % (24 << 20)), usesTestTimeAugmentation: pick([false, false, true]),
      threadCount: 1 + Int(generator.next() % 4))
    let limited: Image
    do {
      limited = try upscale(image, network, options, scale: scale)
    } catch EvaluationError.memoryLimit(_, let needed) {
      #expect(needed.byteCount > options.memoryLimit ?? 0)
      options.memoryLimit = needed.byteCount
      limited = try upscale(image, network, options, scale: scale)
    }
    options.memoryLimit = nil
    #expect(try upscale(image, network, options, scale: scale) == limited)
  }

  /// So it is where alpha goes through the network before the colours, and its result waits for them.
  @Test(arguments: 0..<16) func `alpha through the network is counted`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 70)
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let (width, height) = pick([(450, 350), (40, 1500), (900, 90)])
    let image = Image.chart(width, height, pick([.grey, .rgb]), hasAlpha: true, bitDepth: pick([8, 16]))
    let network = try pick([SmallNetworks.edsr(), SmallNetworks.edsr(scale: 4, channels: 1), SmallNetworks.nearest(.rgb)])
    let scale = pick([nil, nil, 1.5])
    var options = Upscaler.Options(
      memoryLimit: Self.resident + 1000, threadCount: 1 + Int(generator.next() % 3), alpha: .network)
    func needed() throws -> Int {
      do {
        _ = try upscale(image, network, options, scale: scale)
      } catch EvaluationError.memoryLimit(_, let needed) {
        return needed.byteCount
      }
      Issue.record("not refused")
      return 0
    }
    let enough = try needed()
    options.alpha = .bicubic
    let alphaBytes = image.bitDepth / 8 * width * height
    let factor = scale ?? Double(network.imageContract?.scale ?? 1)
    #expect(Double(enough - (try needed())) >= Double(alphaBytes) * factor * factor - 64)
    options.alpha = .network
    options.memoryLimit = enough
    let limited = try upscale(image, network, options, scale: scale)
    options.memoryLimit = nil
    #expect(try upscale(image, network, options, scale: scale) == limited)
  }

  /// A limit of the machine, a container or `ulimit` binds as one that was asked for, and what its refusal names is enough, too.
  @Test(arguments: [MemoryLimit.Cause.machine, .container, .addressSpace, .data])
  func `so is what a refusal by the system names`(cause: MemoryLimit.Cause) throws {
    let image = Image.chart(300, 40), network = try SmallNetworks.edsr(), options = Upscaler.Options(threadCount: 2)
    // Of an address space what is left is counted.
    func system(_ byteCount: Int) -> MemoryLimit {
      switch cause {
      case .machine, .container: MemoryLimit(byteCount: byteCount, cause: cause)
      case .addressSpace, .data: MemoryLimit(byteCount: byteCount - Self.resident + MemoryLimit.reserve, cause: cause)
      }
    }
    let least = Self.resident + 1000
    var enough = 0
    do {
      _ = try upscale(image, network, options, scale: nil, system: system(least))
      Issue.record("not refused")
    } catch EvaluationError.memoryOfProcess(let limit, let needed) {
      #expect(limit == system(least).description && needed.byteCount > least)
      enough = needed.byteCount
    }
    let limited = try upscale(image, network, options, scale: nil, system: system(enough))
    #expect(try upscale(image, network, options, scale: nil) == limited)
  }

  /// What is refused before anything is run names what is needed.
  @Test func `values alone`() throws {
    let network = try SmallNetworks.edsr(), input: Shape = [1, 3, 64, 64]
    let needed = try network.ledger(inputs: [input]).peakActivationByteCount
    #expect(throws: EvaluationError.execution(network: network.name, .memory(needed: needed, available: needed - 1))) {
      try network.checkMemory(input: input, limit: needed - 1)
    }
    try network.checkMemory(input: input, limit: needed)
  }
}
