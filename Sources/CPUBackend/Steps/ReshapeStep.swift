import CKernels
import Execution

/// The same elements in the same order under another shape: each run of the result is followed through the input.
///
/// Works on whole values, because any row of the result may come from any row and image of the input.
final class ReshapeStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let input: ValueLayout
  private let output: ValueLayout
  /// Whether the elements of the input, and those of an image of the output, lie one behind the other.
  private let isRun: Bool

  init(node: String, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout)) {
    self.node = node
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    let (from, to) = (input.layout, output.layout)
    let isInputRun =
      from.order == .planar || from.height * from.width == 1 && (from.batch == 1 || from.channels == from.storedChannels)
    isRun = isInputRun && (to.order == .planar || to.height * to.width == 1)
  }

  var kernelNames: [String] { ["reshape"] }
  var work: Work { Work(.movement, isVectorised: false) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<input.height }
  var scratchByteCount: Int { 0 }

  private static let channelsPerTask = Int(SW_CHANNEL_BLOCK)
  private var tasksPerImage: Int { (output.channels + Self.channelsPerTask - 1) / Self.channelsPerTask }
  func taskCount(_ region: WorkRegion) -> Int { region.images.count * tasksPerImage }

  /// A place in the input that moves through its elements in order.
  private struct Cursor {
    private let width: Int, height: Int, channels: Int
    private let distances: ValueLayout.FloatDistances
    var pixel: Int { distances.pixel }
    private var image: Int, channel: Int, y: Int, x: Int

    init(_ layout: ValueLayout, at index: Int) {
      (width, height, channels) = (layout.width, layout.height, layout.channels)
      distances = layout.floats
      x = index % width
      y = index / width % height
      channel = index / (width * height) % channels
      image = index / (width * height * channels)
    }

    /// From the first element, in floats.
    var offset: Int {
      image * distances.image + y * distances.row + x * distances.pixel + channel * distances.channel
    }

    /// Elements from here on that lie `pixel` floats apart.
    var left: Int { width - x }

    mutating func advance(by count: Int) {
      x += count
      if x < width { return }
      x = 0
      y += 1
      if y < height { return }
      y = 0
      channel += 1
      if channel < channels { return }
      channel = 0
      image += 1
    }
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let image = region.images.lowerBound + task / tasksPerImage, first = task % tasksPerImage * Self.channelsPerTask
    let channels = first..<min(first + Self.channelsPerTask, output.channels)
    let from = memory[reads[0]].floats(0, 0), to = memory[writes], distances = output.floats
    let area = output.height * output.width
    if isRun {
      (to.floats(image, 0) + first * distances.channel).update(
        from: from + (image * output.channels + first) * area, count: channels.count * area)
      if channels.upperBound == output.channels, output.order == .interleaved { output.clearPadding(to.row(image, 0)) }
      return
    }
    var cursor = Cursor(input, at: (image * output.channels + first) * area)
    for channel in channels {
      for y in 0..<output.height {
        let row = to.floats(image, y) + channel * distances.channel
        var x = 0
        while x < output.width {
          let count = min(output.width - x, cursor.left), source = from + cursor.offset, target = row + x * distances.pixel
          for index in 0..<count { target[index * distances.pixel] = source[index * cursor.pixel] }
          cursor.advance(by: count)
          x += count
        }
      }
    }
    // Padding lanes meet zero weights and must be finite.
    guard channels.upperBound == output.channels, output.order == .interleaved else { return }
    for y in 0..<output.height {
      for x in 0..<output.width { output.clearPadding(to.row(image, y) + x * output.bytesPerPixel) }
    }
  }
}
