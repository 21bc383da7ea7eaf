import CUDAEmulation
import Execution
import Swiftlet
import Testing

@testable import Evaluation

/// A device without memory for a picture runs it in smaller tiles, and that is said.
@Suite struct DeviceMemoryTests {
  private static func engine() throws -> CUDAEngine { try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }) }

  /// The enlarged picture, and the lines that were told.
  private func upscale(
    _ image: Image, tile: TilePolicy = .automatic, memory: Int? = nil, failing: (name: String, call: Int)? = nil
  ) throws -> (image: Image, notices: [String]) {
    defer {
      cudaEmulatedSetDevice(80, 227 << 10, 1 << 40)
      cudaEmulatedFail(nil, 0, 0)
    }
    let held = Int(cudaEmulatedCounts().allocatedBytes)
    if let memory { cudaEmulatedSetDevice(80, 227 << 10, held + memory) }
    let upscaler = try Upscaler(
      SmallNetworks.edsr(), backend: Self.engine(), options: Upscaler.Options(tile: tile, threadCount: 1))
    if let failing { cudaEmulatedFail(failing.name, 2, Int32(failing.call)) }
    let size = try upscaler.size(width: image.width, height: image.height, scale: nil)
    let job = try upscaler.job(
      image.properties, size, held: 0, opening: 0, reading: 0, writing: { properties, _ in properties.sampleByteCount },
      upscaler.bound(resident: 0))
    let notice = job.notice(tile)
    return (try upscaler.upscale(image), [notice].compactMap(\.self))
  }

  /// What a session for all of the picture takes of the device.
  private static func needed(_ image: Image) throws -> Int {
    let network = try SmallNetworks.edsr().optimizedForInference()
    return try engine().prepare(network, inputs: [Shape(channels: 3, height: image.height, width: image.width)])
      .peakMemoryByteCount
  }

  @Test(arguments: [(96, 80), (20, 130), (130, 20)]) func `little memory makes small tiles`(width: Int, height: Int) throws {
    let image = Image.chart(width, height)
    let (whole, notices) = try upscale(image), needed = try Self.needed(image)
    #expect(notices == [])
    #expect(try upscale(image, memory: needed + (1 << 16)).notices == [])
    for share in [0.9, 0.7, 0.5] {
      let result = try upscale(image, memory: Int(Double(needed) * share))
      #expect(result.image == whole, "\(share)")
      let line = result.notices.first ?? ""
      #expect(line.hasPrefix("the device has memory for tiles of ") || line.contains("times over"), "\(share): \(line)")
    }
    #expect(throws: EvaluationError.self) { try upscale(image, memory: 5000) }
  }

  /// Free memory in pieces: the device says that it has some, and gives none.
  @Test(arguments: [
    ("cuMemAlloc_v2", 0), ("cuMemAlloc_v2", 2), ("cuMemAlloc_v2", 5), ("cuMemHostAlloc", 0), ("cuMemHostAlloc", 1),
    ("cuGraphInstantiateWithFlags", 0),
  ]) func `memory that is not given makes smaller tiles`(name: String, call: Int) throws {
    let image = Image.chart(60, 50), whole = try upscale(image).image
    let result: (image: Image, notices: [String])
    do {
      result = try upscale(image, failing: (name, call))
    } catch {
      Issue.record("\(name) \(call): \(error)")
      return
    }
    #expect(result.image == whole)
    #expect(
      result.notices.count == 1 && result.notices[0].hasPrefix("the device has memory for tiles of "), "\(result.notices)")
  }

  /// Tiles that are asked for are not changed: the line says what is missing.
  @Test(arguments: [TilePolicy.none, .pixels(64)]) func `tiles that are asked for are refused`(tile: TilePolicy) throws {
    let image = Image.chart(96, 80), memory = try Self.needed(image) / 4
    let error = #expect(throws: EvaluationError.self) { try upscale(image, tile: tile, memory: memory) }
    guard case .execution(_, .deviceMemory(let needed, let free)) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed > free)
    let line = error?.description ?? ""
    #expect(line.contains("of the device's memory are needed and") && line.contains("smaller tiles"), "\(line)")
  }
}
