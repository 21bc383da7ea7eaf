import Imaging

/// The planes that enter a network, read by rectangles.
final class NetworkInputPlanes {
  /// Where they are.
  private let window: PlaneWindow
  /// For each channel of the network its plane in the window.
  private let planes: [Int]
  /// Enlarges the planes on their way in.
  private let enlarged: BicubicResize?
  /// What a level of the planes is inside the network.
  private let unit: Float
  private let workers: Workers
  let width: Int
  let height: Int
  /// The enlarged rows that were read last, of each plane: tiles of a row want the same ones.
  private var band: (rows: Range<Int>, planes: [Int: [Float]]) = (0..<0, [:])

  init(_ window: PlaneWindow, planes: [Int], enlarged: BicubicResize?, unit: Float, workers: Workers) {
    self.window = window
    self.planes = planes
    self.enlarged = enlarged
    self.unit = unit
    self.workers = workers
    width = enlarged?.outputWidth ?? window.width
    height = enlarged?.outputHeight ?? window.height
  }

  /// Writes a rectangle of the transformed picture, plane after plane.
  func fill(rows: Range<Int>, columns: Range<Int>, _ symmetry: Symmetry, into output: UnsafeMutablePointer<Float>) {
    let source = symmetry.source(rows: rows, columns: columns, height: height, width: width)
    if let enlarged, band.rows != source.rows { band = (source.rows, enlargedRows(source.rows, enlarged)) }
    for (channel, plane) in planes.enumerated() {
      let target = output + channel * rows.count * columns.count
      if let elements = band.planes[plane] {
        elements.withUnsafeBufferPointer {
          if let base = $0.baseAddress { copy(base, source, rows: rows.count, columns: columns.count, symmetry, to: target) }
        }
      } else {
        let base = UnsafePointer(window.row(source.rows.lowerBound, of: plane))
        copy(base, source, rows: rows.count, columns: columns.count, symmetry, to: target)
      }
    }
  }

  /// - Parameter base: the first of the rows that the rectangle `source` lies in.
  private func copy(
    _ base: UnsafePointer<Float>, _ source: (rows: Range<Int>, columns: Range<Int>), rows: Int, columns: Int,
    _ symmetry: Symmetry, to target: UnsafeMutablePointer<Float>
  ) {
    let corner = base + source.columns.lowerBound
    let walk = symmetry.walk(height: source.rows.count, width: source.columns.count, stride: width)
    let unit = unit
    workers.forEachBand(of: 0..<rows, height: 64) { part in
      for row in part {
        let from = corner + (walk.start + row * walk.row), to = target + row * columns
        if walk.column == 1 {
          for x in 0..<columns { to[x] = from[x] * unit }
        } else {
          for x in 0..<columns { to[x] = from[x &* walk.column] * unit }
        }
      }
    }
  }

  private func enlargedRows(_ rows: Range<Int>, _ resize: BicubicResize) -> [Int: [Float]] {
    // The memory of the last band is given back before that of the next is taken.
    band = (0..<0, [:])
    var result: [Int: [Float]] = [:]
    for plane in Set(planes) {
      let source = window.plane(plane)
      result[plane] = [Float](unsafeUninitializedCapacity: rows.count * width) { output, count in
        count = rows.count * width
        guard let base = output.baseAddress else { return }
        workers.forEachBand(of: rows) { part in
          resize.rows(part, of: source, into: base + (part.lowerBound - rows.lowerBound) * width)
        }
      }
    }
    return result
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
