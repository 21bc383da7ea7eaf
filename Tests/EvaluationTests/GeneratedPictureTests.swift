import Evaluation
import GeneratedNetworks
import Swiftlet
import Testing

/// Random networks that make pictures of pictures: threads, tiles and limits on memory change no bit.
@Suite struct GeneratedPictureTests {
  private struct Way: CustomStringConvertible {
    var threads = 1
    var tile = TilePolicy.none
    var memory: Int?

    var description: String { "\(threads) threads, tile \(tile), memory \(memory.map { "\($0)" } ?? "unlimited")" }
  }

  /// What stands beside pictures and sessions.
  private static let residentByteCount = 30 << 20
  private static let tiles = [TilePolicy.pixels(32), .pixels(64), .pixels(100), .automatic, .none]

  private func upscale(_ image: Image, _ network: Network, _ way: Way) -> Result<Image, EvaluationError> {
    Result { () throws(EvaluationError) in
      let engine: any Backend
      do { engine = try Engine.cpu(CPUOptions(threadCount: way.threads)).makeBackend() } catch { fatalError("\(error)") }
      let options = Upscaler.Options(tile: way.tile, memoryLimit: way.memory, threadCount: way.threads)
      let upscaler = try Upscaler(network, backend: engine, options: options)
      if way.memory != nil { upscaler.residentByteCount = { Self.residentByteCount } }
      return try upscaler.upscale(image)
    }
  }

  /// A picture of the size that the network was made for.
  private func picture(_ generated: GeneratedNetwork, _ seed: Int) -> Image {
    let shape = generated.inputShapes[0]
    return Image.chart(
      shape.width, shape.height, seed % 3 == 0 ? .grey : .rgb, hasAlpha: seed % 5 == 0, bitDepth: seed % 2 == 0 ? 16 : 8)
  }

  @Test func `threads, tiles and limits change no bit`() throws {
    var pictures = 0, tiled = 0, limited = 0
    let seeds = Seeds.first(48)
    for seed in seeds {
      var choices = ChoiceSource(seed: UInt64(seed))
      let generated = try #require(GeneratedNetwork(.picture, &choices))
      let network = generated.network, image = picture(generated, seed)
      let whole = upscale(image, network, Way())
      if case .success = whole { pictures += 1 }
      func check(_ way: Way) {
        let result = upscale(image, network, way)
        if case .pixels = way.tile {
          if result == .failure(.notTileable(network: network.name)) { return }
          tiled += 1
        }
        if result != whole { Issue.record("seed \(seed): \(way): \(text(result)) and not \(text(whole))") }
      }
      for threads in 1...8 { check(Way(threads: threads, tile: Self.tiles[(threads + seed) % Self.tiles.count])) }

      // What is named as enough is, and everything above it.
      guard case .success = whole else { continue }
      let threads = 1 + seed % 3
      let refused = upscale(image, network, Way(threads: threads, tile: .automatic, memory: Self.residentByteCount + 1))
      guard case .failure(.memoryLimit(_, let need)) = refused else {
        Issue.record("seed \(seed): a limit of a byte gives \(text(refused))")
        continue
      }
      let least = need.byteCount
      for extra in [0, least / 64, least / 16, least / 4] {
        limited += 1
        check(Way(threads: threads, tile: .automatic, memory: least + extra))
      }
    }
    // Most of them make pictures, and most can be tiled.
    #expect(pictures * 2 > seeds.count && tiled > seeds.count && limited > seeds.count)
  }

  private func text(_ result: Result<Image, EvaluationError>) -> String {
    switch result {
    case .success(let image): "a picture of \(image.width)x\(image.height)"
    case .failure(let error): "'\(error)'"
    }
  }
}
