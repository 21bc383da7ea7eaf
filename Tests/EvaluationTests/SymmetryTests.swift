import Imaging
import Testing

@testable import Evaluation

@Suite struct SymmetryTests {
  /// Fills a whole transformed picture, tile by tile, and adds it back: the sum is the picture for each symmetry.
  @Test(arguments: Symmetry.all) func `turning there and back is the identity`(symmetry: Symmetry) {
    let (height, width) = (5, 7)
    let plane = Plane<Float>(width: width, height: height, elements: (0..<35).map { Float($0) })
    let workers = Workers(threadCount: 2)
    let input = NetworkInputPlanes(PlaneWindow([plane]), planes: [0], enlarged: nil, unit: 2, workers: workers)
    let turned = symmetry.size(height: height, width: width)
    var sum = [Float](repeating: 0, count: 35)
    for rows in [0..<2, 2..<turned.height] {
      for columns in [0..<3, 3..<turned.width] {
        var tile = [Float](repeating: -1, count: rows.count * columns.count)
        tile.withUnsafeMutableBufferPointer { input.fill(rows: rows, columns: columns, symmetry, into: $0.baseAddress!) }
        tile.withUnsafeBufferPointer { tile in
          let region = ModelRunner.Region(
            rows: rows, columns: columns, base: tile.baseAddress!, planeStride: 0, rowStride: columns.count)
          sum.withUnsafeMutableBufferPointer {
            region.add(0, 0.5, to: $0.baseAddress!, height: height, width: width, symmetry)
          }
        }
      }
    }
    #expect(sum == plane.elements)
  }

  @Test func `all eight differ`() {
    #expect(Set(Symmetry.all).count == 8)
    let plane = Plane<Float>(width: 2, height: 2, elements: [1, 2, 3, 4])
    let input = NetworkInputPlanes(PlaneWindow([plane]), planes: [0], enlarged: nil, unit: 1, workers: Workers(threadCount: 1))
    let turned = Symmetry.all.map { symmetry in
      var tile = [Float](repeating: 0, count: 4)
      tile.withUnsafeMutableBufferPointer { input.fill(rows: 0..<2, columns: 0..<2, symmetry, into: $0.baseAddress!) }
      return tile
    }
    #expect(Set(turned).count == 8)
  }
}
