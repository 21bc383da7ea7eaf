import CKernels
import Execution
import Networks

/// Copies that only move elements: change of layout, concatenation, pixel shuffle and its inverse.
///
/// They run where no kernel could store the elements in place. Planes become pixels and back by kernels, all else is plain loops over
/// rows.
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
  /// Nil of codes, here and below.
  private let interleave: sw_interleave_function?
  /// One an input.
  private let deinterleaves: [sw_deinterleave_function?]
  private let shuffles: [sw_pixel_shuffle_function?]

  init(
    node: String, kind: Kind, inputs: [(value: Int, layout: ValueLayout)], output: Int, layout: ValueLayout, table: KernelTable
  ) {
    self.node = node
    self.kind = kind
    reads = inputs.map(\.value)
    self.inputs = inputs.map(\.layout)
    writes = output
    self.output = layout
    let isOfCodes = layout.element == .uint8 || inputs.contains { $0.layout.element == .uint8 }
    interleave = isOfCodes ? nil : table.kernel(.interleave, .float32, layout.element).interleave
    deinterleaves = inputs.map {
      isOfCodes ? nil : table.kernel(.deinterleave, $0.layout.element, .float32).deinterleave
    }
    shuffles = inputs.map { isOfCodes ? nil : table.kernel(.pixelShuffle, $0.layout.element, .float32).pixelShuffle }
  }

  var kernelNames: [String] { [kind.name] }

  var work: Work {
    switch kind {
    // Rows, or planes to pixels and back.
    case .copy: Work(.copy)
    case .concatenation: Work(.movement)
    case .pixelShuffle: Work(.movement, isVectorised: makesPlanes)
    case .pixelUnshuffle: Work(.movement, isVectorised: takesPlanes)
    case .flatten: Work(.movement, isVectorised: isOnePixel)
    }
  }

  /// Whether pixels become planes, or planes float32 pixels: a kernel does that, row by row.
  private var makesPlanes: Bool { output.order == .planar && inputs[0].order == .interleaved && interleave != nil }
  private var takesPlanes: Bool {
    inputs[0].order == .planar && output.order == .interleaved && output.element == .float32 && inputs[0].element == .float32
  }

  /// Whether pixels become parts of others, float32 all.
  private var gathersPixels: Bool {
    inputs[0].order == .interleaved && output.order == .interleaved && inputs[0].element == .float32
      && output.element == .float32
  }

  /// Whether the elements of one pixel are the planes one after another.
  private var isOnePixel: Bool {
    inputs[0].order == .interleaved && output.element == .float32 && output.height * output.width == 1 && interleave != nil
  }

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

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { 0 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      switch kind {
      case .copy: copy(memory, input: 0, image: image, y: y, firstChannel: 0)
      case .concatenation:
        var first = 0
        for (index, layout) in inputs.enumerated() {
          copy(memory, input: index, image: image, y: y, firstChannel: first)
          first += layout.channels
        }
      case .pixelShuffle(let payload) where makesPlanes:
        shuffleToPlanes(payload, memory, image: image, y: y)
      case .pixelShuffle(let payload):
        let r = payload.factor, isOutermost = payload.order == .channelsOutermost
        move(memory, input: 0, image: image, y: y) { c, x in
          let place = (y % r) * r + x % r
          return (isOutermost ? c * r * r + place : place * output.channels + c, y / r, x / r)
        }
      case .pixelUnshuffle(let payload) where takesPlanes:
        unshufflePlanes(payload, memory, image: image, y: y)
      case .pixelUnshuffle(let payload) where gathersPixels && payload.order == .channelsOutermost:
        unshufflePixels(payload.factor, memory, image: image, y: y)
      case .pixelUnshuffle(let payload):
        let r = payload.factor, isOutermost = payload.order == .channelsOutermost, small = inputs[0].channels
        move(memory, input: 0, image: image, y: y) { c, x in
          let place = isOutermost ? c % (r * r) : c / small
          return (isOutermost ? c / (r * r) : c % small, y * r + place / r, x * r + place % r)
        }
      case .flatten where isOnePixel:
        let input = inputs[0], to = memory[writes].row(image, 0)
        for row in 0..<input.height {
          deinterleaves[0]?(
            memory[reads[0]].row(image, row), input.bytesPerPixel, input.channels, to.floats + row * input.width,
            input.height * input.width, input.width)
        }
        output.clearPadding(to)
      case .flatten:
        let area = inputs[0].height * inputs[0].width, width = inputs[0].width
        move(memory, input: 0, image: image, y: y) { c, _ in (c / area, c % area / width, c % width) }
      }
    }
  }

  /// A row of pixels, each of the channels of `factor²` pixels side by side.
  private func unshufflePixels(_ factor: Int, _ memory: RunMemory, image: Int, y: Int) {
    let input = inputs[0], places = factor * factor, to = memory[writes].floats(image, y)
    for x in 0..<output.width {
      let pixel = to + x * output.floats.pixel
      for place in 0..<places {
        let from = UnsafePointer(
          memory[reads[0]].floats(image, y * factor + place / factor) + (x * factor + place % factor) * input.floats.pixel)
        var target = pixel + place
        for channel in 0..<input.channels {
          target.pointee = from[channel]
          target += places
        }
      }
      output.clearPadding(pixel)
    }
  }

  /// Copies row `y` of an input to channels of the output from `firstChannel` on.
  private func copy(_ memory: RunMemory, input index: Int, image: Int, y: Int, firstChannel: Int) {
    let layout = inputs[index], end = firstChannel + layout.channels
    let from = memory[reads[index]].row(image, y), to = memory[writes].row(image, y)
    // What ends within a block is followed by padding only in the last.
    let fillsBlocks = firstChannel % Int(SW_CHANNEL_BLOCK) == 0 && (end == output.channels || end % Int(SW_CHANNEL_BLOCK) == 0)
    switch (layout.order, output.order) {
    case (.planar, .interleaved) where fillsBlocks && interleave != nil:
      interleave?(
        from.floats, layout.floats.plane, layout.channels, to + output.byteOffset(channel: firstChannel), output.bytesPerPixel,
        output.width)
    case (.interleaved, .planar) where interleave != nil:
      deinterleaves[index]?(
        from, layout.bytesPerPixel, layout.channels, (to + output.byteOffset(channel: firstChannel)).floats,
        output.floats.plane, output.width)
    case (.planar, .planar), (.planar, .interleaved), (.interleaved, .interleaved), (.interleaved, .planar):
      copyElements(memory, input: index, image: image, y: y, firstChannel: firstChannel)
    }
  }

  private func copyElements(_ memory: RunMemory, input index: Int, image: Int, y: Int, firstChannel: Int) {
    switch (inputs[index].element, output.element) {
    case (.float32, .float32):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, Float.self, Float.self)
    case (.float32, .bfloat16):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, Float.self, BFloat16.self)
    case (.bfloat16, .float32):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, BFloat16.self, Float.self)
    case (.bfloat16, .bfloat16):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, BFloat16.self, BFloat16.self)
    case (.uint8, .uint8):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, UInt8.self, UInt8.self)
    case (.uint8, .float32):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, UInt8.self, Float.self)
    case (.float32, .uint8):
      copyRow(memory, input: index, image: image, y: y, firstChannel: firstChannel, Float.self, UInt8.self)
    default: preconditionFailure("no value is copied from \(inputs[index].element) to \(output.element)")
    }
  }

  @inline(__always)
  private func copyRow<From: StoredElement, To: StoredElement>(
    _ memory: RunMemory, input index: Int, image: Int, y: Int, firstChannel: Int, _: From.Type, _: To.Type
  ) {
    let layout = inputs[index]
    let from = memory[reads[index]].row(image, y).assumingMemoryBound(to: From.self)
    let to = memory[writes].row(image, y).assumingMemoryBound(to: To.self)
    let inChannel = layout.byteOffset(channel: 1) / MemoryLayout<From>.stride
    let outChannel = output.byteOffset(channel: 1) / MemoryLayout<To>.stride
    let inPixel = layout.bytesPerPixel / MemoryLayout<From>.stride, outPixel = output.bytesPerPixel / MemoryLayout<To>.stride
    if output.order == .planar {
      for c in 0..<layout.channels {
        let source = from + c * inChannel, target = to + (firstChannel + c) * outChannel
        for x in 0..<output.width { target[x] = To(source[x * inPixel].float) }
      }
      return
    }
    // Padding lanes are read by kernels, where they meet zero weights; they must be finite.
    let end = firstChannel + layout.channels
    let padding = end == output.channels ? output.storedChannels - output.channels : 0
    for x in 0..<output.width {
      let source = from + x * inPixel, target = to + x * outPixel + firstChannel
      if inChannel == 1 {
        for c in 0..<layout.channels { target[c] = To(source[c].float) }
      } else {
        for c in 0..<layout.channels { target[c] = To(source[c * inChannel].float) }
      }
      for c in layout.channels..<layout.channels + padding { target[c] = To(0) }
    }
  }

  /// Row `y` of each plane from the interleaved pixels below it.
  private func shuffleToPlanes(_ payload: PixelShuffle, _ memory: RunMemory, image: Int, y: Int) {
    let r = payload.factor, first = y % r * r, isOutermost = payload.order == .channelsOutermost
    let from = memory[reads[0]].row(image, y / r), to = memory[writes].floats(image, y)
    for c in 0..<output.channels {
      shuffles[0]?(
        from, inputs[0].bytesPerPixel, isOutermost ? c * r * r + first : first * output.channels + c,
        isOutermost ? 1 : output.channels, r, inputs[0].width, to + c * output.floats.plane)
    }
  }

  /// Row `y` of interleaved pixels from the planes above it.
  private func unshufflePlanes(_ payload: PixelUnshuffle, _ memory: RunMemory, image: Int, y: Int) {
    let r = payload.factor, small = inputs[0].channels, isOutermost = payload.order == .channelsOutermost
    let to = memory[writes].floats(image, y), pixel = output.floats.pixel
    for dy in 0..<r {
      let from = memory[reads[0]].floats(image, y * r + dy)
      for c in 0..<small {
        for dx in 0..<r {
          let place = dy * r + dx, plane = from + c * inputs[0].floats.plane + dx
          let channel = to + (isOutermost ? c * r * r + place : place * small + c)
          for x in 0..<output.width { channel[x * pixel] = plane[x * r] }
        }
      }
    }
    guard output.channels < output.storedChannels else { return }
    for x in 0..<output.width { output.clearPadding(to + x * pixel) }
  }

  /// Fills channels of row `y` of an image: element (c, x) comes from where `source` says, as channel, row and column.
  @inline(__always)
  private func move(
    _ memory: RunMemory, input index: Int, image: Int, y: Int,
    _ source: (_ channel: Int, _ x: Int) -> (channel: Int, y: Int, x: Int)
  ) {
    switch (inputs[index].element, output.element) {
    case (.float32, .float32): move(memory, input: index, image: image, y: y, Float.self, Float.self, source)
    case (.float32, .bfloat16): move(memory, input: index, image: image, y: y, Float.self, BFloat16.self, source)
    case (.bfloat16, .float32): move(memory, input: index, image: image, y: y, BFloat16.self, Float.self, source)
    case (.bfloat16, .bfloat16): move(memory, input: index, image: image, y: y, BFloat16.self, BFloat16.self, source)
    case (.uint8, .uint8): move(memory, input: index, image: image, y: y, UInt8.self, UInt8.self, source)
    default: preconditionFailure("no value is moved from \(inputs[index].element) to \(output.element)")
    }
  }

  @inline(__always)
  private func move<From: StoredElement, To: StoredElement>(
    _ memory: RunMemory, input index: Int, image: Int, y: Int, _: From.Type, _: To.Type,
    _ source: (_ channel: Int, _ x: Int) -> (channel: Int, y: Int, x: Int)
  ) {
    let layout = inputs[index], input = memory[reads[index]],
      out = memory[writes].row(image, y).assumingMemoryBound(to: To.self)
    let inChannel = layout.byteOffset(channel: 1) / MemoryLayout<From>.stride
    let inPixel = layout.bytesPerPixel / MemoryLayout<From>.stride, outPixel = output.bytesPerPixel / MemoryLayout<To>.stride
    let outChannel = output.byteOffset(channel: 1) / MemoryLayout<To>.stride
    func element(_ from: (channel: Int, y: Int, x: Int)) -> To {
      let row = input.row(image, from.y).assumingMemoryBound(to: From.self)
      return To(row[from.x * inPixel + from.channel * inChannel].float)
    }
    if output.order == .planar {
      for c in 0..<output.channels {
        for x in 0..<output.width { out[x + c * outChannel] = element(source(c, x)) }
      }
    } else {
      for x in 0..<output.width {
        let pixel = out + x * outPixel
        for c in 0..<output.channels { pixel[c] = element(source(c, x)) }
        // Padding lanes are read by kernels, where they meet zero weights; they must be finite.
        for c in output.channels..<output.storedChannels { pixel[c] = To(0) }
      }
    }
  }
}
