import Execution
import Imaging
import Networks

/// The rows of a picture, taken apart for a network: planes that go through it, and planes that bicubic interpolation enlarges.
final class PictureInput {
  private let rows: any ImageRows
  private let properties: ImageProperties
  private let planes: PicturePlanes
  private let workers: Workers
  private let watch: DeviceWatch?
  let window: PlaneWindow
  /// Of the numbers that go through the network, on the scale 0...255.
  private(set) var range = ValueRange()

  /// Samples that were read and are not in the window yet.
  private let ahead: UnsafeMutableRawPointer
  private let aheadCapacity: Int
  private var aheadCount = 0
  /// The rows that are in the window or were.
  private var taken = 0

  init(_ rows: any ImageRows, _ planes: PicturePlanes, _ plan: StreamPlan, workers: Workers, watch: DeviceWatch?) {
    self.watch = watch
    self.rows = rows
    self.planes = planes
    self.workers = workers
    properties = rows.properties
    window = PlaneWindow(
      count: planes.count, width: properties.width, height: properties.height, capacity: plan.sourceRows)
    aheadCapacity = Self.aheadCapacity(plan, properties)
    ahead = .allocate(byteCount: aheadCapacity * properties.rowByteCount, alignment: 16)
  }

  deinit { ahead.deallocate() }

  /// Rows that are read at once where none were read ahead.
  private static func pieceHeight(_ properties: ImageProperties) -> Int { max(1, min(64, (1 << 20) / properties.rowByteCount)) }

  private static func aheadCapacity(_ plan: StreamPlan, _ properties: ImageProperties) -> Int {
    max(plan.rowsAhead, min(pieceHeight(properties), properties.height))
  }

  static func byteCount(_ plan: StreamPlan, _ properties: ImageProperties, _ planes: PicturePlanes) -> Int {
    PlaneWindow.byteCount(count: planes.count, width: properties.width, capacity: plan.sourceRows)
      + aheadCapacity(plan, properties) * properties.rowByteCount
  }

  /// Reads on up to a row, as far as there is room, without a change to the window.
  func readAhead(to row: Int) throws(ImageError) {
    let count = min(row - taken, aheadCapacity) - aheadCount
    guard count > 0 else { return }
    try watch.during(.decode) { () throws(ImageError) in
      try rows.read(count, into: ahead + aheadCount * properties.rowByteCount)
    }
    aheadCount += count
  }

  /// Moves the window.
  func advance(to rows: Range<Int>) throws(ImageError) {
    window.makeRoom(for: rows)
    while taken < rows.upperBound {
      if aheadCount == 0 { try readAhead(to: min(taken + Self.pieceHeight(properties), rows.upperBound)) }
      watch.during(.convert) { take() }
    }
  }

  /// Takes apart the rows that were read.
  private func take() {
    let height = 16, count = aheadCount, first = taken
    let parts = (count + height - 1) / height
    var ranges = [ValueRange](repeating: ValueRange(), count: parts)
    ranges.withUnsafeMutableBufferPointer { ranges in
      workers.run(count: parts) { part in
        for row in part * height..<min((part + 1) * height, count) {
          let samples = ahead + row * properties.rowByteCount
          for (index, mix) in planes.mixes.enumerated() {
            let output = window.row(first + row, of: index)
            mix.apply(samples, properties, output)
            if index < planes.networkCount { ranges[part].include(output, count: properties.width) }
          }
        }
      }
    }
    for part in ranges { range.include(part) }
    taken += count
    aheadCount = 0
  }
}
