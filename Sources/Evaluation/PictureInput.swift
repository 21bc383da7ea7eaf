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
  /// Planes that the host makes; `windowPlanes` says which.
  let window: PlaneWindow
  let windowPlanes: Range<Int>
  /// Where a device makes the network's planes itself: the rows as they were read.
  let samples: SampleWindow?
  /// Of the numbers that go through the network, on the scale 0...255; of none where a device makes them.
  private(set) var range = ValueRange()

  /// Samples that were read and are not in the window yet.
  private let ahead: UnsafeMutableRawPointer
  private let aheadCapacity: Int
  private var aheadCount = 0
  /// The rows that are in the window or were.
  private var taken = 0

  /// - Parameter conversion: how a device makes the network's planes; nil where the host does.
  init(
    _ rows: any ImageRows, _ planes: PicturePlanes, _ plan: StreamPlan, _ conversion: SampleInput?, workers: Workers,
    watch: DeviceWatch?
  ) {
    self.watch = watch
    self.rows = rows
    self.planes = planes
    self.workers = workers
    properties = rows.properties
    windowPlanes = Self.windowPlanes(planes, conversion)
    window = PlaneWindow(
      count: windowPlanes.count, width: properties.width, height: properties.height, capacity: plan.sourceRows)
    samples =
      conversion == nil
      ? nil
      : SampleWindow(count: 1, width: properties.rowByteCount, height: properties.height, capacity: plan.sourceRows)
    aheadCapacity = Self.aheadCapacity(plan, properties)
    ahead = .allocate(byteCount: aheadCapacity * properties.rowByteCount, alignment: 16)
  }

  deinit { ahead.deallocate() }

  /// Rows that are read at once where none were read ahead.
  private static func pieceHeight(_ properties: ImageProperties) -> Int { max(1, min(64, (1 << 20) / properties.rowByteCount)) }

  private static func aheadCapacity(_ plan: StreamPlan, _ properties: ImageProperties) -> Int {
    max(plan.rowsAhead, min(pieceHeight(properties), properties.height))
  }

  private static func windowPlanes(_ planes: PicturePlanes, _ conversion: SampleInput?) -> Range<Int> {
    (conversion == nil ? 0 : planes.networkCount)..<planes.count
  }

  static func byteCount(
    _ plan: StreamPlan, _ properties: ImageProperties, _ planes: PicturePlanes, _ conversion: SampleInput?
  ) -> Int {
    let windows = PlaneWindow.byteCount(
      count: windowPlanes(planes, conversion).count, width: properties.width, capacity: plan.sourceRows)
    let samples =
      conversion == nil ? 0 : SampleWindow.byteCount(count: 1, width: properties.rowByteCount, capacity: plan.sourceRows)
    return windows + samples + aheadCapacity(plan, properties) * properties.rowByteCount
  }

  /// The plane of the window that is the first of those beside the network.
  var firstBeside: Int { planes.networkCount - windowPlanes.lowerBound }

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
    samples?.makeRoom(for: rows)
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
          let read = UnsafeRawPointer(ahead + row * properties.rowByteCount)
          if let samples {
            UnsafeMutableRawPointer(samples.row(first + row, of: 0)).copyMemory(
              from: read, byteCount: properties.rowByteCount)
          }
          for index in windowPlanes {
            let output = window.row(first + row, of: index - windowPlanes.lowerBound)
            planes.mixes[index].apply(read, properties, output)
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
