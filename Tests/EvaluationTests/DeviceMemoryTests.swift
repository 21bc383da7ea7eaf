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
    _ image: Image, tile: TilePolicy = .automatic, memory: Int? = nil, failing call: Int? = nil
  ) throws -> (image: Image, notices: [String]) {
    defer {
      cudaEmulatedSetDevice(80, 227 << 10, 1 << 40)
      cudaEmulatedFail(nil, 0, 0)
    }
    let held = Int(cudaEmulatedCounts().allocatedBytes)
    if let memory { cudaEmulatedSetDevice(80, 227 << 10, held + memory) }
    let upscaler = try Upscaler(
      SmallNetworks.edsr(), backend: Self.engine(), options: Upscaler.Options(tile: tile, threadCount: 1))
    if let call { cudaEmulatedFail("cuMemAlloc_v2", 2, Int32(call)) }
    let size = try upscaler.size(width: image.width, height: image.height, scale: nil)
    let job = try upscaler.job(
      image.properties, size, held: 0, opening: 0, reading: 0, writing: { properties, _ in properties.sampleByteCount },
      upscaler.bound(resident: 0))
    let notice = job.notice(tile)
    return (try upscaler.upscale(image), [notice].compactMap(\.self))
  }

  @Test(arguments: [(96, 80), (20, 130), (130, 20)]) func `little memory makes small tiles`(width: Int, height: Int) throws {
    let image = Image.chart(width, height)
    let (whole, notices) = try upscale(image)
    #expect(notices == [])
    var tiled = 0
    for memory in [6 << 20, 3 << 20, 2 << 20, 3 << 19] {
      let result: (image: Image, notices: [String])
      do {
        result = try upscale(image, memory: memory)
      } catch EvaluationError.execution(_, .deviceMemory(let needed, let free)) {
        #expect(needed > free && memory < 2 << 20, "\(memory): \(needed) of \(free)")
        continue
      }
      #expect(result.image == whole, "\(memory)")
      if let line = result.notices.first {
        tiled += 1
        #expect(line.hasPrefix("the device has memory for tiles of ") || line.contains("times over"), "\(line)")
      }
    }
    #expect(tiled > 0)
  }

  /// Free memory in pieces: the device says that it has some, and gives none.
  @Test(arguments: 0..<6) func `memory that is not given makes smaller tiles`(call: Int) throws {
    let image = Image.chart(60, 50), whole = try upscale(image).image
    let result: (image: Image, notices: [String])
    do {
      result = try upscale(image, failing: call)
    } catch {
      Issue.record("call \(call): \(error)")
      return
    }
    #expect(result.image == whole)
    #expect(
      result.notices.count == 1 && result.notices[0].hasPrefix("the device has memory for tiles of "), "\(result.notices)")
  }

  /// Tiles that are asked for are not changed: the line says what is missing.
  @Test(arguments: [TilePolicy.none, .pixels(64)]) func `tiles that are asked for are refused`(tile: TilePolicy) throws {
    let error = #expect(throws: EvaluationError.self) { try upscale(Image.chart(96, 80), tile: tile, memory: 2 << 20) }
    guard case .execution(_, .deviceMemory(let needed, let free)) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed > free)
    let line = error?.description ?? ""
    #expect(line.contains("of the device's memory are needed and") && line.contains("smaller tiles"), "\(line)")
  }
}
