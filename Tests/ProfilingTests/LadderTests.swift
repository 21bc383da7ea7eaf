@testable import Profiling
import Swiftlet
import Testing

@Suite struct LadderTests {
  @Test func layersAreParsed() {
    #expect(LadderLayer("64->128@256") == LadderLayer(64, 128, size: 256))
    #expect(LadderLayer.standard.map(\.text).allSatisfy { LadderLayer($0)?.text == $0 })
    for text in ["", "64->128", "64->128@", "64-128@256", "0->1@1", "64->5000@8", "a->b@c", "1->2@3@4"] {
      #expect(LadderLayer(text) == nil, "\(text)")
    }
  }

  @Test func everyRungComputesTheSame() throws {
    let ladder = Ladder(batch: 2, engine: CPUOptions(threadCount: 2), runs: 1)
    for layer in [LadderLayer(3, 16, size: 12), LadderLayer(16, 24, size: 16)] {
      let tables = try ladder.tables(layer) + ladder.singleTables(layer)
      #expect(tables.count == 7)
      for table in tables {
        #expect(table.rungs.count >= 3, "\(table.title)")
        #expect(table.rungs[0].name == "sequential reference" && table.rungs[0].maximum == 0 && table.rungs[0].images == 1)
        for rung in table.rungs.dropFirst() where rung.note == nil {
          // Sums of some hundred products of numbers below 1, in float32 against Double, through Winograd's transforms.
          #expect(rung.maximum.map { $0 < 1e-4 } == true, "\(table.title): \(rung.name) differs by \(rung.maximum ?? .nan)")
          #expect(rung.images == 2 && (rung.millisecondsPerImage ?? 0) > 0)
        }
        #expect(table.text.hasPrefix(table.title + "\n"))
      }
    }
    let methods = try ladder.tables(LadderLayer(16, 24, size: 16))[0].rungs.map(\.name)
    #expect(methods.suffix(2) == ["Winograd F(2x2,3x3)", "Winograd F(4x4,3x3)"])
  }

  @Test func whatDoesNotFitMemoryIsToldBeforeAnythingIsTimed() throws {
    let engine = CPUOptions(threadCount: 1)
    try Ladder(engine: engine).check()
    #expect(throws: EvaluationError.self) {
      try Ladder(layers: [LadderLayer(4096, 4096, size: 4096)], batch: 64, engine: engine).check()
    }
    let network = try EDSR(scale: 2, features: 8, blocks: 1).network(.random(seed: 1))
    try network.checkMemory(input: [1, 3, 64, 64])
    #expect(throws: EvaluationError.self) { try network.checkMemory(input: [64, 3, 65536, 65536]) }
  }

  @Test func trafficIsCountedByBlock() throws {
    var builder = NetworkBuilder("two")
    var value = builder.input("x", channels: 16)
    for index in 0..<2 {
      value = builder.convolution("body.\(index).conv", value, outChannels: 16, kernel: 3, padding: 1)
      value = builder.batchNorm("body.\(index).norm", value)
      value = builder.activation("body.\(index).relu", value, .relu)
    }
    builder.output(value)
    let network = try builder.build(.random(seed: 1))
    let report = try TrafficReport(
      network, model: "two.onnx", input: [1, 16, 8, 8], engine: CPUOptions(threadCount: 1), runs: 1)
    // A value has 16 · 8 · 8 floats of 4 bytes; each of three passes reads one and writes one.
    let value4096 = 16 * 8 * 8 * 4
    #expect(report.blocks.prefix(2).map(\.name) == ["body.0", "body.1"])
    #expect(report.blocks.prefix(2).allSatisfy { $0.tensorsBefore == 3 && $0.bytesBefore == 6 * value4096 })
    #expect(report.blocks.prefix(2).allSatisfy { $0.tensorsAfter == 1 && $0.bytesAfter == 2 * value4096 })
    #expect(report.total.bytesBefore == 12 * value4096 && report.total.bytesInBands != nil)
    #expect(report.text.hasPrefix("two.onnx, input 1x16x8x8: "))
    // The blocks' times, with what lies between the nodes, are the runs'.
    let times = report.blocks.map { [$0.millisecondsBefore, $0.millisecondsAfter].compactMap { $0 } }
    #expect(times.prefix(2).allSatisfy { $0.count == 2 })
    #expect(times.reduce(0) { $0 + ($1.first ?? 0) } <= report.millisecondsBefore ?? 0)
    #expect(times.reduce(0) { $0 + ($1.last ?? 0) } <= report.millisecondsAfter ?? 0)
    #expect(report.total.millisecondsAfter == report.millisecondsAfter)
    #expect(report.text.contains("Fusing leaves 0.33 of the bytes, bands "))
    #expect(report.text.hasSuffix(" of the time that the network takes node by node.\n"))
    #expect(TrafficReport.blockName("down_1.double_conv.0") == "down_1" && TrafficReport.blockName("out") == "out")
  }
}
