import CKernels
import Execution

/// Copies whose every element comes from one place along each axis, or is a constant: slices, padding, nearest resize.
final class SelectionStep: Step {
  /// For each index of the output along an axis the one of the input, `constant` where there is none.
  struct Maps {
    static let constant = -1

    var channels: [Int]
    var rows: [Int]
    var columns: [Int]
    /// What elements without a source hold.
    var value: Float = 0
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let kernelNames: [String]
  private let maps: Maps
  private let input: ValueLayout
  private let output: ValueLayout
  /// Whole pixels are copied, padding lanes included.
  private let keepsChannels: Bool
  /// The longest run of output columns from its first one on that are neighbours in the input, too.
  private let run: Range<Int>

  /// Both values have the same order.
  init(
    node: String, name: String, _ maps: Maps, input: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    kernelNames = [name]
    self.maps = maps
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    run = Self.longestRun(maps.columns)
    keepsChannels = input.layout.channels == output.layout.channels && maps.channels == Array(0..<output.layout.channels)
  }

  var rowCount: Int { output.height }
  var work: Work { Work(.movement, isVectorised: false) }
  var scratchByteCount: Int { 0 }

  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    var first = Int.max, last = -1
    for row in maps.rows[rows] where row != Maps.constant {
      first = min(first, row)
      last = max(last, row)
    }
    return last < 0 ? 0..<0 : first..<last + 1
  }

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let from = maps.rows[y] == Maps.constant ? nil : UnsafeRawPointer(memory[reads[0]].row(image, maps.rows[y]))
      let to = memory[writes].row(image, y)
      switch output.order {
      case .planar where output.element == .uint8:
        fillPlanes(to.assumingMemoryBound(to: UInt8.self), from: from?.assumingMemoryBound(to: UInt8.self), UInt8(maps.value))
      case .planar: fillPlanes(to.floats, from: from?.floats, maps.value)
      case .interleaved: fillPixels(to, from: from)
      }
    }
  }

  private static func longestRun(_ columns: [Int]) -> Range<Int> {
    var longest = 0..<0, start = 0
    for x in 0...columns.count {
      let goesOn = x > 0 && x < columns.count && columns[x] != Maps.constant && columns[x] == columns[x - 1] + 1
      if goesOn { continue }
      if x - start > longest.count, start < columns.count, columns[start] != Maps.constant { longest = start..<x }
      start = x
    }
    return longest
  }

  private func fillPlanes<Element>(_ to: UnsafeMutablePointer<Element>, from: UnsafePointer<Element>?, _ constant: Element) {
    let plane = input.bytesPerPlane / MemoryLayout<Element>.stride
    for channel in 0..<output.channels {
      let row = to + channel * (output.bytesPerPlane / MemoryLayout<Element>.stride), source = maps.channels[channel]
      if let from, source != Maps.constant, !run.isEmpty {
        (row + run.lowerBound).update(from: from + source * plane + maps.columns[run.lowerBound], count: run.count)
      }
      for x in 0..<output.width {
        if source != Maps.constant, from != nil, run.contains(x) { continue }
        let column = maps.columns[x]
        if let from, source != Maps.constant, column != Maps.constant {
          row[x] = from[source * plane + column]
        } else {
          row[x] = constant
        }
      }
    }
  }

  private func fillPixels(_ to: UnsafeMutableRawPointer, from: UnsafeRawPointer?) {
    for x in 0..<output.width {
      let pixel = to + x * output.bytesPerPixel, column = maps.columns[x]
      guard let from, column != Maps.constant else {
        for channel in 0..<output.channels { output.setNumber(pixel, channel, maps.value) }
        output.clearPadding(pixel)
        continue
      }
      let source = from + column * input.bytesPerPixel
      if keepsChannels {
        pixel.copyMemory(from: source, byteCount: output.pixelByteCount)
        continue
      }
      for channel in 0..<output.channels {
        let index = maps.channels[channel]
        output.setNumber(pixel, channel, index == Maps.constant ? maps.value : input.number(source, index))
      }
      output.clearPadding(pixel)
    }
  }
}
