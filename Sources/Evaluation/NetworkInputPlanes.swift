import Imaging

/// The planes that enter a network, read by rectangles.
final class NetworkInputPlanes {
  private let planes: [Plane<Float>]
  /// Enlarges the planes on their way in.
  private let enlarged: BicubicResize?
  /// What a level of the planes is inside the network.
  private let unit: Float
  private let workers: Workers
  let width: Int
  let height: Int
  /// The enlarged rows that were read last: tiles of a row want the same ones.
  private var band: (rows: Range<Int>, planes: [[Float]]) = (0..<0, [])

  init(_ planes: [Plane<Float>], enlarged: BicubicResize?, unit: Float, workers: Workers) {
    self.planes = planes
    self.enlarged = enlarged
    self.unit = unit
    self.workers = workers
    width = enlarged?.outputWidth ?? planes[0].width
    height = enlarged?.outputHeight ?? planes[0].height
  }

  /// Writes a rectangle of the transformed picture, plane after plane.
  func fill(rows: Range<Int>, columns: Range<Int>, _ symmetry: Symmetry, into output: UnsafeMutablePointer<Float>) {
    let source = symmetry.source(rows: rows, columns: columns, height: height, width: width)
    if let enlarged, band.rows != source.rows { band = (source.rows, enlargedRows(source.rows, enlarged)) }
    let firstRow = enlarged == nil ? 0 : source.rows.lowerBound
    for channel in planes.indices {
      let elements = enlarged == nil ? planes[channel].elements : band.planes[channel]
      let target = output + channel * rows.count * columns.count
      elements.withUnsafeBufferPointer { elements in
        guard let base = elements.baseAddress else { return }
        let corner = base + (source.rows.lowerBound - firstRow) * width + source.columns.lowerBound
        let walk = symmetry.walk(height: source.rows.count, width: source.columns.count, stride: width)
        let count = columns.count, unit = unit
        workers.forEachBand(of: 0..<rows.count, height: 64) { part in
          for row in part {
            let from = corner + (walk.start + row * walk.row), to = target + row * count
            if walk.column == 1 {
              for x in 0..<count { to[x] = from[x] * unit }
            } else {
              for x in 0..<count { to[x] = from[x &* walk.column] * unit }
            }
          }
        }
      }
    }
  }

  private func enlargedRows(_ rows: Range<Int>, _ resize: BicubicResize) -> [[Float]] {
    planes.map { plane in
      [Float](unsafeUninitializedCapacity: rows.count * width) { output, count in
        count = rows.count * width
        guard let base = output.baseAddress else { return }
        workers.forEachBand(of: rows) { part in
          let elements = resize.rows(part, of: plane).elements
          (base + (part.lowerBound - rows.lowerBound) * width).update(from: elements, count: elements.count)
        }
      }
    }
  }
}

extension ModelRunner.Region {
  /// Adds `factor` times a plane of the region, turned back, to the plane of the whole original.
  func add(
    _ channel: Int, _ factor: Float, to plane: UnsafeMutablePointer<Float>, height: Int, width: Int, _ symmetry: Symmetry
  ) {
    let target = symmetry.source(rows: rows, columns: columns, height: height, width: width)
    let walk = symmetry.walk(height: target.rows.count, width: target.columns.count, stride: width)
    let corner = plane + target.rows.lowerBound * width + target.columns.lowerBound
    let source = base + channel * planeStride
    for row in 0..<rows.count {
      let from = source + row * rowStride, to = corner + (walk.start + row * walk.row)
      if walk.column == 1 {
        for x in 0..<columns.count { to[x] += from[x] * factor }
      } else {
        for x in 0..<columns.count { to[x &* walk.column] += from[x] * factor }
      }
    }
  }
}
