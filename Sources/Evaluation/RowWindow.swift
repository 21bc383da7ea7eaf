import Imaging

/// Planes of numbers.
typealias PlaneWindow = RowWindow<Float>
/// Samples as they are read, or put together: one plane of bytes.
typealias SampleWindow = RowWindow<UInt8>

/// Planes of one size, of which the rows of a moving window stand in memory.
final class RowWindow<Element: BitwiseCopyable> {
  let count: Int
  /// Elements of a row.
  let width: Int
  let height: Int
  /// The most rows of the window.
  let capacity: Int
  /// The rows that are there.
  private(set) var rows = 0..<0
  /// The row at the beginning of the memory.
  private var first = 0
  private let memory: UnsafeMutablePointer<Element>

  init(count: Int, width: Int, height: Int, capacity: Int) {
    (self.count, self.width, self.height, self.capacity) = (count, width, height, capacity)
    memory = .allocate(capacity: max(count * capacity * width, 1))
  }

  deinit { memory.deallocate() }

  static func byteCount(count: Int, width: Int, capacity: Int) -> Int {
    count * width * capacity * MemoryLayout<Element>.stride
  }

  /// Moves the window: rows below it are let go, and those that it gains are the caller's to write.
  func makeRoom(for window: Range<Int>) {
    precondition(window.count <= capacity && window.upperBound <= height, "the window holds \(capacity) rows")
    let kept = rows.clamped(to: window)
    precondition(window.lowerBound >= first || kept.isEmpty, "a window moves down")
    if window.upperBound - first > capacity || kept.isEmpty {
      if !kept.isEmpty {
        for index in 0..<count {
          let plane = memory + index * capacity * width
          plane.update(from: plane + (kept.lowerBound - first) * width, count: kept.count * width)
        }
        first = kept.lowerBound
      } else {
        first = window.lowerBound
      }
    }
    rows = (kept.isEmpty ? window.lowerBound : kept.lowerBound)..<window.upperBound
  }

  func row(_ row: Int, of plane: Int) -> UnsafeMutablePointer<Element> {
    memory + (plane * capacity + row - first) * width
  }
}

extension RowWindow<Float> {
  /// Whole planes of one size.
  convenience init(_ planes: [Plane<Float>]) {
    self.init(count: planes.count, width: planes[0].width, height: planes[0].height, capacity: planes[0].height)
    makeRoom(for: 0..<height)
    for (index, plane) in planes.enumerated() { row(0, of: index).update(from: plane.elements, count: plane.elements.count) }
  }

  /// The rows of a plane that are there.
  func plane(_ index: Int) -> PlaneRows<Float> {
    PlaneRows(base: UnsafePointer(row(rows.lowerBound, of: index)), rows: rows)
  }

  /// The whole plane, all rows of which are there.
  func wholePlane(_ index: Int) -> Plane<Float> {
    precondition(rows == 0..<height, "the plane is not there as a whole")
    return Plane(
      width: width, height: height, elements: Array(UnsafeBufferPointer(start: row(0, of: index), count: width * height)))
  }
}
