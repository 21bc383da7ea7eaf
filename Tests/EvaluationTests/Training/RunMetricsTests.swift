import Testing

@testable import Evaluation

@Suite struct RunMetricsTests {
  private static let metrics: RunMetrics = {
    var metrics = RunMetrics(names: ["validation_loss", "psnr"])
    for epoch in 1...12 {
      metrics.rows.append(
        .init(
          epoch: epoch, step: epoch * 10, loss: 1 / Double(epoch), learningRate: 1e-3 / Double(epoch), seconds: 0.1,
          waitingSeconds: 0,
          imagesPerSecond: 33.3, validation: epoch % 3 == 0 ? [0.5 / Double(epoch), 30 + Double(epoch)] : [nil, nil]))
    }
    return metrics
  }()

  @Test func linesAreReadBack() {
    #expect(RunMetrics(csv: Self.metrics.csv) == Self.metrics)
    #expect(RunMetrics(csv: "epoch,loss\n1,2\n") == nil)
    #expect(RunMetrics(csv: Self.metrics.csv + "13,1\n") == nil)
  }

  /// What a training made worse is told with its first and last loss, and the rate.
  @Test func ruinIsTold() throws {
    #expect(Self.metrics.ruinText == nil)
    #expect(RunMetrics(names: []).ruinText == nil)
    var metrics = Self.metrics
    metrics.rows.reverse()
    for place in metrics.rows.indices { metrics.rows[place].epoch = place + 1 }
    metrics.rows[0].learningRate = 2
    let text = try #require(metrics.ruinText)
    #expect(
      text.contains("loss, 1.00, is above the first one's, 0.0833: ") && text.hasSuffix("a lower learning rate than 2.00\n"),
      "\(text)")
    metrics.rows[metrics.rows.count - 1].loss = metrics.rows[0].loss * 1.05
    #expect(metrics.ruinText == nil)
    metrics.rows[metrics.rows.count - 1].loss = 1
    metrics.rows = Array(metrics.rows.prefix(1))
    #expect(metrics.ruinText == nil)
  }

  /// RFC 3720, B.4.
  @Test func checksumsAreCastagnolis() {
    #expect(RunMetrics.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(RunMetrics.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
  }

  @Test func eventsAreFramed() {
    var bytes = Self.metrics.events[...], count = 0
    while !bytes.isEmpty {
      let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      bytes = bytes.dropFirst(8 + 4 + length + 4)
      count += 1
    }
    #expect(count == 13)
  }

  @Test func curvesHoldEveryFigure() {
    let svg = Self.metrics.curves(title: "a < b")
    #expect(svg.contains("a &lt; b"))
    for name in ["loss", "psnr", "learning rate", "validation"] { #expect(svg.contains(">\(name)<")) }
    // One row is a dot, and no row leaves axes.
    var one = Self.metrics
    one.rows = [Self.metrics.rows[2]]
    #expect(one.curves(title: "one").contains("<circle"))
    one.rows = []
    #expect(one.curves(title: "none").hasSuffix("</svg>\n"))
  }
}
