import Execution
import Imaging
import Swiftlet
import Testing

@testable import Evaluation

/// Small tiles read their halos again and again: limits on memory say what is enough for larger ones, and `--tile` what it costs.
@Suite struct RepeatedWorkTests {
  private static let resident = 30 << 20

  private func job(
    _ width: Int, _ height: Int, _ network: Network, tile: TilePolicy = .automatic, memory: Int? = nil, scale: Double? = nil,
    causes: [MemoryNeed.Cause] = []
  ) throws(EvaluationError) -> Upscaler.Job {
    let upscaler = try Upscaler(
      network, backend: Engine.cpu(CPUOptions(threadCount: 2)).makeBackend(),
      options: Upscaler.Options(tile: tile, memoryLimit: memory, threadCount: 2))
    let properties = ImageProperties(
      width: width, height: height, colourModel: .rgb, hasAlpha: false, bitDepth: 8, metadata: ImageMetadata())
    return try upscaler.job(
      properties, upscaler.size(width: width, height: height, scale: scale), held: Self.resident, opening: 0, reading: 0,
      writing: { properties, _ in properties.sampleByteCount }, causes: causes, upscaler.bound(resident: Self.resident))
  }

  private func need(
    _ width: Int, _ height: Int, _ network: Network, tile: TilePolicy = .automatic, memory: Int, scale: Double? = nil,
    causes: [MemoryNeed.Cause] = []
  ) throws -> MemoryNeed {
    do throws(EvaluationError) {
      _ = try job(width, height, network, tile: tile, memory: memory, scale: scale, causes: causes)
    } catch {
      guard case .memoryLimit(_, let needed) = error else { throw error }
      return needed
    }
    Issue.record("\(memory) bytes are enough")
    return MemoryNeed(0)
  }

  /// Both amounts that a refusal names are enough, and with the second no tile does the work many times over.
  @Test(arguments: [(325, 225), (60, 900), (1500, 40), (700, 700)]) func `refusals name two amounts`(width: Int, height: Int)
    throws
  {
    var named = 0
    for (network, scale) in [
      (try EDSR(features: 32, blocks: 8).network(.random(seed: 1)), 3.5),
      (try VDSR(depth: 12, features: 24).network(.random(seed: 1)), 2),
    ] {
      let need = try need(width, height, network, memory: Self.resident + 1, scale: scale)
      let least = try job(width, height, network, memory: need.byteCount, scale: scale)
      guard let quick = need.quickByteCount else {
        #expect(!least.plan.repeatsMuch)
        continue
      }
      named += 1
      #expect(quick > need.byteCount && need.repetition > ModelRunner.Plan.notableRepetition)
      let enough = try job(width, height, network, memory: quick, scale: scale)
      #expect(!enough.plan.repeatsMuch && enough.notice(.automatic) == nil, "\(enough.plan.repetition)")
      // Where the least is given, the other is named once more.
      if least.plan.repeatsMuch {
        let line = try #require(least.notice(.automatic))
        #expect(line.contains("times over; allow ") && !line.contains("\n"), "\(line)")
      }
      let text = EvaluationError.memoryLimit(limit: 1, needed: need).description
      #expect(text.contains("\((quick + (1 << 20) - 1) >> 20) MiB for larger ones"), "\(text)")
    }
    #expect(named > 0)
  }

  /// However little more than the least a limit is: where tiles do the work some times over it is said, with what is enough; and that is.
  @Test func `limits above the least are told`() throws {
    let network = try EDSR(features: 32, blocks: 4).network(.random(seed: 1))
    let least = try need(400, 400, network, memory: Self.resident + 1).byteCount
    var told = 0
    for more in stride(from: 0, through: 12 << 20, by: 1 << 20) {
      let job = try job(400, 400, network, memory: least + more)
      guard job.plan.repetition > ModelRunner.Plan.notableRepetition else {
        #expect(job.notice(.automatic) == nil)
        continue
      }
      told += 1
      let line = try #require(job.notice(.automatic)),
        amount = try #require(line.firstMatch(of: /allow ([0-9]+) MiB for larger/)?.1)
      let enough = try self.job(400, 400, network, memory: (Int(amount) ?? 0) << 20)
      #expect(enough.notice(.automatic) == nil && enough.plan.repetition <= ModelRunner.Plan.notableRepetition, "\(line)")
    }
    #expect(told > 1)
  }

  @Test func `small tiles that are asked for are told`() throws {
    let network = try EDSR(features: 8, blocks: 4).network(.random(seed: 1))
    let line = try #require(try job(200, 200, network, tile: .pixels(3)).notice(.pixels(3)))
    #expect(line.hasPrefix("tiles of 3 do the work ") && line.hasSuffix("give a larger --tile, or none"))
    #expect(try job(200, 200, network, tile: .pixels(100)).notice(.pixels(100)) == nil)
    // A picture that is no larger than a tile is done once.
    #expect(try job(3, 3, network, tile: .pixels(3)).notice(.pixels(3)) == nil)
  }

  @Test func `causes are named where they are some`() throws {
    let network = try EDSR(features: 16, blocks: 2).network(.random(seed: 1))
    let none = try need(600, 600, network, tile: .none, memory: 60 << 20)
    #expect(
      EvaluationError.memoryLimit(limit: 1, needed: none).description.contains(
        "because --tile none takes the whole picture at once; "))
    let webp = MemoryNeed.Cause(text: "WebP is coded as a whole", byteCount: 1 << 30)
    #expect(try need(600, 600, network, memory: 31 << 20, causes: [webp]).causes == [webp])
    let small = MemoryNeed.Cause(text: "WebP is coded as a whole", byteCount: 1 << 10)
    #expect(try need(600, 600, network, memory: 31 << 20, causes: [small]).causes.isEmpty)
  }

  /// Sessions that are not even tried.
  @Test func `pictures beyond all memory are refused`() throws {
    let network = try EDSR(features: 32, blocks: 2).network(.random(seed: 1))
    #expect(try need(16_000, 16_000, network, tile: .none, memory: 1 << 30).byteCount > 8 << 30)
  }
}
