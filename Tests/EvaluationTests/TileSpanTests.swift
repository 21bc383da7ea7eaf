import Execution
import Testing

@testable import Evaluation

@Suite struct TileSpanTests {
  @Test func `kept parts fill the axis, and what is read holds the halo, from the grid on`() {
    for alignment in [1, 2, 4, 12] {
      for halo in [0, alignment, 5 * alignment] {
        let geometry = TileGeometry(alignment: alignment, halo: halo, scale: 2)
        for extent in [1, 2, 7, 63, 64, 65, 200, 331] {
          for tile in [1, 4, 30, 64, 500] {
            let spans = TileSpan.covering(extent, tile: tile, geometry: geometry)
            var end = 0
            for span in spans {
              #expect(span.keep.lowerBound == end && !span.keep.isEmpty, "\(geometry) \(extent) \(tile)")
              end = span.keep.upperBound
              #expect(span.read.lowerBound % alignment == 0)
              #expect(span.read.lowerBound <= max(0, span.keep.lowerBound - halo))
              #expect(span.read.upperBound >= min(extent, span.keep.upperBound + halo))
              #expect(span.read.lowerBound >= 0 && span.read.upperBound <= extent)
            }
            #expect(end == extent)
            #expect(Set(spans.map(\.read.count)).count == 1, "sessions for more than one size")
          }
        }
      }
    }
  }
}
