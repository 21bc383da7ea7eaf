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
      case .copy: move(memory, input: 0, image: image, y: y) { c, x in (c, y, x) }
      case .concatenation:
        var first = 0
        for (index, layout) in inputs.enumerated() {
          let offset = first
          move(memory, input: index, image: image, y: y, channels: offset..<offset + layout.channels) { c, x in
            (c - offset, y, x)
          }
          first += layout.channels
        }
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

  /// Fills channels of row `y` of an image: element (c, x) comes from where `source` says, as channel, row and column.
  @inline(__always)
  private func move(
    _ memory: RunMemory, input index: Int, image: Int, y: Int, channels: Range<Int>? = nil,
    _ source: (_ channel: Int, _ x: Int) -> (channel: Int, y: Int, x: Int)
  ) {
    switch (inputs[index].precision, output.precision) {
    case (.float32, .float32):
      move(memory, input: index, image: image, y: y, channels: channels, Float.self, Float.self, source)
    case (.float32, .bfloat16):
      move(memory, input: index, image: image, y: y, channels: channels, Float.self, BFloat16.self, source)
    case (.bfloat16, .float32):
      move(memory, input: index, image: image, y: y, channels: channels, BFloat16.self, Float.self, source)
    case (.bfloat16, .bfloat16):
      move(memory, input: index, image: image, y: y, channels: channels, BFloat16.self, BFloat16.self, source)
    }
  }

  @inline(__always)
  private func move<From: StoredElement, To: StoredElement>(
    _ memory: RunMemory, input index: Int, image: Int, y: Int, channels: Range<Int>?, _: From.Type, _: To.Type,
    _ source: (_ channel: Int, _ x: Int) -> (channel: Int, y: Int, x: Int)
  ) {
    let layout = inputs[index]
    let input = memory[reads[index]], out = memory[writes].row(image, y)
    let channels = channels ?? 0..<output.channels
    let inChannel = layout.order == .planar ? layout.planeStride : 1
    func element(_ from: (channel: Int, y: Int, x: Int)) -> To {
      let pixel = UnsafeRawPointer(input.row(image, from.y) + from.x * layout.pixelStride).assumingMemoryBound(to: From.self)
      return To(pixel[from.channel * inChannel].float)
    }
    if output.order == .planar {
      let planes = UnsafeMutableRawPointer(out).assumingMemoryBound(to: To.self)
      for c in channels { for x in 0..<output.width { planes[x + c * output.planeStride] = element(source(c, x)) } }
    } else {
      for x in 0..<output.width {
        let pixel = out + x * output.pixelStride
        let elements = UnsafeMutableRawPointer(pixel).assumingMemoryBound(to: To.self)
        for c in channels { elements[c] = element(source(c, x)) }
        if channels.upperBound == output.channels { output.clearPadding(pixel) }
      }
    }
  }
}
