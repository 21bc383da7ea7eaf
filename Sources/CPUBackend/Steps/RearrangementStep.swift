import Networks

/// Copies that only move elements: change of layout, concatenation, pixel shuffle and its inverse.
///
/// Plain Swift loops over rows: these steps run where no kernel could store the elements in place.
final class RearrangementStep: Step {
  enum Kind: Hashable {
    case copy
    case concatenation
    case pixelShuffle(PixelShuffle)
    case pixelUnshuffle(PixelUnshuffle)
    case flatten

    var name: String {
      switch self {
      case .copy: "copy"
      case .concatenation: "concatenation"
      case .pixelShuffle: "pixel_shuffle"
      case .pixelUnshuffle: "pixel_unshuffle"
      case .flatten: "flatten"
      }
    }
  }

  let node: String
  let reads: [Int]
  let writes: Int
  private let kind: Kind
  private let inputs: [ValueLayout]
  private let output: ValueLayout
  private let threadCount: Int

  init(
    node: String, kind: Kind, inputs: [(value: Int, layout: ValueLayout)], output: Int, layout: ValueLayout, threadCount: Int
  ) {
    self.node = node
    self.kind = kind
    reads = inputs.map(\.value)
    self.inputs = inputs.map(\.layout)
    writes = output
    self.output = layout
    self.threadCount = threadCount
  }

  var kernelNames: [String] { [kind.name] }
  var rowCount: Int { output.height }

  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    switch kind {
    case .copy, .concatenation: rows
    case .pixelShuffle(let payload):
      rows.lowerBound / payload.factor..<(rows.upperBound + payload.factor - 1) / payload.factor
    case .pixelUnshuffle(let payload): rows.lowerBound * payload.factor..<rows.upperBound * payload.factor
    case .flatten: 0..<inputs[index].height
    }
  }

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(rowCount: region.imageRows, threadCount: threadCount).count }
  var scratchByteCount: Int { 0 }
  var constantByteCount: Int { 0 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    for n in RowTasks(rowCount: region.imageRows, threadCount: threadCount).range(task) {
      let (image, y) = region.place(n)
      switch kind {
      case .copy: copyRow(memory, input: 0, image: image, y: y, firstChannel: 0)
      case .concatenation:
        var first = 0
        for (index, layout) in inputs.enumerated() {
          copyRow(memory, input: index, image: image, y: y, firstChannel: first)
          first += layout.channels
        }
      case .pixelShuffle(let payload) where output.order == .planar && inputs[0].order == .interleaved:
        shuffleToPlanes(payload, memory, image: image, y: y)
      case .pixelShuffle(let payload):
        let r = payload.factor, isOutermost = payload.order == .channelsOutermost
        move(memory, input: 0, image: image, y: y) { c, x in
          let place = (y % r) * r + x % r
          return (isOutermost ? c * r * r + place : place * output.channels + c, y / r, x / r)
        }
      case .pixelUnshuffle(let payload):
        let r = payload.factor, isOutermost = payload.order == .channelsOutermost, small = inputs[0].channels
        move(memory, input: 0, image: image, y: y) { c, x in
          let place = isOutermost ? c % (r * r) : c / small
          return (isOutermost ? c / (r * r) : c % small, y * r + place / r, x * r + place % r)
        }
      case .flatten:
        let area = inputs[0].height * inputs[0].width, width = inputs[0].width
        move(memory, input: 0, image: image, y: y) { c, _ in (c / area, c % area / width, c % width) }
      }
    }
  }

  /// Copies row `y` of an input to channels of the output from `firstChannel` on.
  private func copyRow(_ memory: RunMemory, input index: Int, image: Int, y: Int, firstChannel: Int) {
    let layout = inputs[index]
    let from = memory[reads[index]].row(image, y), to = memory[writes].row(image, y)
    let inChannel = layout.order == .planar ? layout.planeStride : 1
    let outChannel = output.order == .planar ? output.planeStride : 1
    if output.order == .planar {
      for c in 0..<layout.channels {
        let source = from + c * inChannel, target = to + (firstChannel + c) * outChannel
        for x in 0..<output.width { target[x] = source[x * layout.pixelStride] }
      }
      return
    }
    // Padding lanes are read by kernels, where they meet zero weights; they must be finite.
    let end = firstChannel + layout.channels
    let padding = end == output.channels ? output.storedChannels - output.channels : 0
    for x in 0..<output.width {
      let source = from + x * layout.pixelStride, target = to + x * output.pixelStride
      if inChannel == 1 {
        (target + firstChannel).update(from: source, count: layout.channels)
      } else {
        for c in 0..<layout.channels { target[firstChannel + c] = source[c * inChannel] }
      }
      if padding > 0 { (target + end).update(repeating: 0, count: padding) }
    }
  }

  /// Row `y` of each plane from the interleaved pixels below it.
  private func shuffleToPlanes(_ payload: PixelShuffle, _ memory: RunMemory, image: Int, y: Int) {
    let r = payload.factor, layout = inputs[0]
    let from = memory[reads[0]].row(image, y / r), to = memory[writes].row(image, y)
    for c in 0..<output.channels {
      let target = to + c * output.planeStride
      for dx in 0..<r {
        let place = y % r * r + dx
        let source = from + (payload.order == .channelsOutermost ? c * r * r + place : place * output.channels + c)
        for x in 0..<layout.width { target[x * r + dx] = source[x * layout.pixelStride] }
      }
    }
  }

  /// Fills channels of row `y` of an image: element (c, x) comes from where `source` says, as channel, row and column.
  @inline(__always)
  private func move(
    _ memory: RunMemory, input index: Int, image: Int, y: Int,
    _ source: (_ channel: Int, _ x: Int) -> (channel: Int, y: Int, x: Int)
  ) {
    let layout = inputs[index]
    let input = memory[reads[index]], out = memory[writes].row(image, y)
    let channels = 0..<output.channels
    let inChannel = layout.order == .planar ? layout.planeStride : 1
    let outChannel = output.order == .planar ? output.planeStride : 1
    if output.order == .planar {
      for c in channels {
        for x in 0..<output.width {
          let from = source(c, x)
          out[x + c * outChannel] = input.row(image, from.y)[from.x * layout.pixelStride + from.channel * inChannel]
        }
      }
    } else {
      for x in 0..<output.width {
        let pixel = out + x * output.pixelStride
        for c in channels {
          let from = source(c, x)
          pixel[c] = input.row(image, from.y)[from.x * layout.pixelStride + from.channel * inChannel]
        }
        // Padding lanes are read by kernels, where they meet zero weights; they must be finite.
        for c in output.channels..<max(output.storedChannels, output.channels) { pixel[c] = 0 }
      }
    }
  }
}
