import Execution
import Imaging
import Tensors
import Testing

@testable import Evaluation

/// The plan of a picture's way through a network: what a step needs is there, and no more than it says.
@Suite struct StreamPlanTests {
  private struct Case {
    var source: Int
    var isEnlarged: Bool
    var scale: Int
    var result: Int
    var hasBeside: Bool
    var rows: [TileSpan]

    var input: Int { isEnlarged ? result : source }
    var output: Int { isEnlarged ? result : source * scale }
    var enlarging: BicubicResize? { isEnlarged ? resize(source, result) : nil }
    var beside: BicubicResize? { hasBeside ? resize(source, result) : nil }
    var finishing: BicubicResize? { output == result ? nil : resize(output, result) }
    func resize(_ from: Int, _ to: Int) -> BicubicResize { BicubicResize(width: 3, height: from, toWidth: 3, toHeight: to) }

    var plan: StreamPlan { plan(isAhead: false) }

    func plan(isAhead: Bool) -> StreamPlan {
      StreamPlan(
        sourceHeight: source, rows: rows, scale: isEnlarged ? 1 : scale, enlarging: enlarging, beside: beside,
        finishing: finishing, outputHeight: output, resultHeight: result, isAhead: isAhead)
    }

    init(_ generator: inout SplitMix64) {
      source = Int.random(in: 1...400, using: &generator)
      isEnlarged = Bool.random(using: &generator)
      scale = isEnlarged ? 1 : Int.random(in: 1...4, using: &generator)
      let factors: [Double] = [1, 1.5, 2, 2.37, 3, 4]
      let factor = factors[Int.random(in: factors.indices, using: &generator)]
      result = Bool.random(using: &generator) ? source * scale : Int((Double(source) * factor).rounded())
      hasBeside = Bool.random(using: &generator)
      let alignment = 1 << Int.random(in: 0...2, using: &generator)
      let geometry = TileGeometry(
        alignment: alignment, halo: alignment * Int.random(in: 0...6, using: &generator), scale: scale)
      rows = []
      let tile = Int.random(in: 1...100, using: &generator)
      rows = TileSpan.covering(input, tile: tile, geometry: geometry)
    }
  }

  @Test func `rows that are needed are there, each is finished once, and none comes back`() {
    var generator = SplitMix64(seed: 5)
    for _ in 0..<2000 {
      let it = Case(&generator), plan = it.plan
      #expect(plan.steps.count == it.rows.count)
      var done = 0, source = 0..<0, made = 0
      for (step, span) in zip(plan.steps, it.rows) {
        #expect(step.result.lowerBound == done)
        done = step.result.upperBound
        #expect(step.source.lowerBound >= source.lowerBound && step.source.upperBound >= source.upperBound, "\(it)")
        source = step.source
        #expect(source.contains(it.enlarging?.inputRows(of: span.read) ?? span.read), "\(it)")
        if let beside = it.beside, !step.result.isEmpty { #expect(source.contains(beside.inputRows(of: step.result)), "\(it)") }
        made = span.keep.upperBound * (it.isEnlarged ? 1 : it.scale)
        if let finishing = it.finishing {
          #expect(step.output.upperBound == made)
          #expect(step.output.contains(span.keep.lowerBound * (it.isEnlarged ? 1 : it.scale)..<made))
          if !step.result.isEmpty { #expect(step.output.contains(finishing.inputRows(of: step.result)), "\(it)") }
        } else {
          #expect(step.result.upperBound == made && step.output.isEmpty)
        }
        #expect(step.source.count <= plan.sourceRows && step.output.count <= plan.outputRows)
      }
      #expect(done == it.result && source.upperBound == it.source && made == it.output, "\(it)")
    }
  }

  /// Where the rows of a step are read before the one ahead of it is finished, those of both are there, and all else is as it was.
  @Test func `a step that is finished later finds its rows`() {
    var generator = SplitMix64(seed: 6)
    for _ in 0..<500 {
      let it = Case(&generator), plan = it.plan, ahead = it.plan(isAhead: true)
      #expect(ahead.steps.map(\.result) == plan.steps.map(\.result) && ahead.steps.map(\.output) == plan.steps.map(\.output))
      for index in plan.steps.indices {
        let source = ahead.steps[index].source, before = plan.steps[max(index - 1, 0)].source
        #expect(source == before.lowerBound..<plan.steps[index].source.upperBound)
        let read = (0..<plan.steps.count).map { plan.steps[$0].source.upperBound }
        #expect(plan.rowsAhead(of: index) == (index + 1 < read.count ? read[index]..<read[index + 1] : nil))
        #expect(ahead.rowsAhead(of: index) == (index + 2 < read.count ? read[index + 1]..<read[index + 2] : nil))
      }
      #expect(ahead.rowsAhead == plan.rowsAhead && ahead.sourceRows >= plan.sourceRows)
    }
  }

  /// The rows of an input are those that the resize reads: of a window that holds no other row it makes the same bits.
  @Test func `interpolation of a window is that of the whole`() {
    var generator = SplitMix64(seed: 8)
    for _ in 0..<300 {
      let width = Int.random(in: 1...9, using: &generator), height = Int.random(in: 1...60, using: &generator)
      let plane = Plane<Float>(
        width: width, height: height, elements: (0..<width * height).map { _ in Float.random(in: 0...255, using: &generator) })
      let resize = BicubicResize(
        width: width, height: height, toWidth: Int.random(in: 1...20, using: &generator),
        toHeight: Int.random(in: 1...130, using: &generator))
      let whole = resize(plane)
      let first = Int.random(in: 0..<resize.outputHeight, using: &generator)
      let rows = first..<Int.random(in: first...resize.outputHeight, using: &generator)
      guard !rows.isEmpty else { continue }
      let needed = resize.inputRows(of: rows)
      let part = Array(plane.elements[needed.lowerBound * width..<needed.upperBound * width])
      var output = [Float](repeating: 0, count: rows.count * resize.outputWidth)
      part.withUnsafeBufferPointer { part in
        output.withUnsafeMutableBufferPointer { output in
          resize.rows(rows, of: PlaneRows(base: part.baseAddress!, rows: needed), into: output.baseAddress!)
        }
      }
      #expect(output == Array(whole.elements[rows.lowerBound * resize.outputWidth..<rows.upperBound * resize.outputWidth]))
    }
  }

  /// Memory goes with the width and the reach of the network, not with the height.
  @Test func `a picture of any height takes the same rows`() {
    let geometry = TileGeometry(alignment: 4, halo: 20, scale: 2)
    let rows = [1000, 4000, 16_000].map { height in
      let resize = BicubicResize(width: 3, height: height, toWidth: 6, toHeight: 2 * height)
      let plan = StreamPlan(
        sourceHeight: height, rows: TileSpan.covering(height, tile: 200, geometry: geometry), scale: 2, enlarging: nil,
        beside: resize, finishing: nil, outputHeight: 2 * height, resultHeight: 2 * height)
      return [plan.sourceRows, plan.rowsAhead, plan.resultRows]
    }
    #expect(Set(rows).count == 1 && rows[0][0] <= 240 + 4)
  }
}

extension Range<Int> {
  fileprivate func contains(_ other: Range<Int>) -> Bool { other.clamped(to: self) == other }
}
