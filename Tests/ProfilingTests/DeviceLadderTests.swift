import CUDABackend
import CUDAEmulation
import Networks
import Swiftlet
import Tensors
import Testing

@testable import Profiling

/// The ladder of a device that is not there.
@Suite struct DeviceLadderTests {
  private func ladder(_ layers: [LadderLayer]) throws -> DeviceLadder {
    let driver = try CUDADriver { cudaEmulatedSymbol($0) }
    let engines = try [CUDAPrecision.float32, .float16].map { try CUDAEngine(driver, precision: $0) }
    return DeviceLadder(layers: layers, batch: 2, engines: engines, runs: 1)
  }

  @Test func everyRungComputesTheSame() throws {
    let layers = [LadderLayer(3, 16, size: 8), LadderLayer(16, 24, size: 10)]
    let ladder = try ladder(layers)
    for layer in layers {
      let tables = try ladder.tables(layer) + ladder.singleTables(layer)
      #expect(tables.count == 7)
      for table in tables {
        #expect(
          table.rungs[0].name == "sequential reference" && table.rungs[0].images == 1
            && table.device != nil)
        #expect(table.rungs.count >= 3, "\(table.title)")
        for rung in table.rungs.dropFirst() {
          let bound = rung.isa == "float16" ? 2e-2 : 1e-4
          #expect(
            rung.maximum.map { $0 < bound } == true,
            "\(table.title): \(rung.name) differs by \(rung.maximum ?? .nan)")
          #expect(
            rung.images == 2 && rung.threads >= 32 && (rung.millisecondsPerImage ?? 0) > 0
              && rung.note == nil)
        }
        #expect(table.text.contains("threads a block") && table.text.contains("Emulated device 0"))
      }
      // Each idea is a rung of its own, in both precisions.
      #expect(
        tables[0].rungs.map(\.name) == ["sequential reference"]
          + ["direct, an output a thread", "tiles in shared memory", "the fastest kernel"].flatMap {
            [$0, $0]
          })
    }
  }

  /// Values of a U-Net: two copies a node, fewer when fused, two when they stay; as many as the driver was asked for.
  @Test func transfersAreCounted() throws {
    let network = try UNet(features: 16).network(.random(seed: 21))
    let shape = Shape(channels: 3, height: 16, width: 16)
    cudaEmulatedResetCounts()
    let report = try #require(try ladder([]).transfers(network, model: "unet", input: shape))
    let total = report.total
    let counts = cudaEmulatedCounts()
    // All operands of a node are one copy.
    #expect(total.naive.transfers == 2 * network.nodes.count && total.naive.transfers == 134)
    #expect(
      total.fused.transfers < total.naive.transfers / 2 && total.fused.bytes < total.naive.bytes)
    #expect(total.resident.transfers == 2 && total.resident.bytes == 4 * 16 * 16 * 4)
    // Each was run once to be counted, and twice to be timed, with moments between its commands and without; what else was copied are weights.
    #expect(
      Int(counts.downloads) == 3
        * (total.naive.transfers + total.fused.transfers + total.resident.transfers) / 2)
    #expect(
      report.blocks.allSatisfy { $0.naive.milliseconds > 0 || $0.naive.transfers == 0 }
        && total.resident.milliseconds > 0)
    #expect(report.text.hasPrefix("unet, input ") && report.text.contains("resident"))
  }

  @Test func reportsHoldBoth() throws {
    let network = try EDSR(scale: 2, features: 8, blocks: 1).network(.random(seed: 1))
    let report = try LadderRun.report(
      try ladder([LadderLayer(3, 8, size: 8)]), network, model: "edsr",
      input: Shape(channels: 3, height: 8, width: 8))
    #expect(
      report.tables.count == 7 && report.traffic == nil
        && report.transfers?.total.resident.transfers == 2)
  }
}
