import CKernels
import Execution
import Tensors

/// Values behind one another along any axis but that of the channels, each copied to its place.
///
/// Works on whole values, because any row of the result may come from any row and image of an input.
final class JoinStep: Step {
  /// Where an input goes: extents, and floats from one element to the next in it and in the output, axis by axis.
  private struct Part {
    var extents: [Int]
    var from: [Int]
    var to: [Int]
    var offset: Int
  }

  let node: String
  let reads: [Int]
  let writes: Int
  private let inputs: [ValueLayout]
  private let output: ValueLayout
  private let parts: [Part]

  /// All values are float32. `shapes` and `shape` are those that inputs and output have in the network.
  init(
    node: String, axis: Int, inputs: [(value: Int, layout: ValueLayout)], shapes: [Shape],
    output: (value: Int, layout: ValueLayout), shape: Shape
  ) {
    self.node = node
    reads = inputs.map(\.value)
    self.inputs = inputs.map(\.layout)
    writes = output.value
    self.output = output.layout
    let to = output.layout.strides(of: shape)
    var parts: [Part] = [], start = 0
    for (input, own) in zip(inputs, shapes) {
      var part = Part(extents: own.extents, from: input.layout.strides(of: own), to: to, offset: start * to[axis])
      // The innermost loop over what follows each other in the output, if anything does.
      if let inner = to.firstIndex(of: 1), inner != to.count - 1 {
        part.extents.swapAt(inner, to.count - 1)
        part.from.swapAt(inner, to.count - 1)
        part.to.swapAt(inner, to.count - 1)
      }
      parts.append(part)
      start += own[axis]
    }
    self.parts = parts
  }

  var kernelNames: [String] { ["join"] }
  var work: Work { Work(.movement, isVectorised: false) }
  var takesWholeBatch: Bool { true }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<inputs[index].height }
  var scratchByteCount: Int { 0 }
  func taskCount(_ region: WorkRegion) -> Int { parts.count + 1 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let to = memory[writes].floats(0, 0)
    guard task < parts.count else {
      output.clearAllPadding(to)
      return
    }
    let part = parts[task], from = UnsafePointer(memory[reads[task]].floats(0, 0))
    copy(part, 0, from, to + part.offset)
  }

  private func copy(_ part: Part, _ axis: Int, _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>) {
    let extent = part.extents[axis], step = part.from[axis], outStep = part.to[axis]
    guard axis == part.extents.count - 1 else {
      for index in 0..<extent { copy(part, axis + 1, from + index * step, to + index * outStep) }
      return
    }
    if step == 1, outStep == 1 {
      to.update(from: from, count: extent)
    } else {
      for index in 0..<extent { to[index * outStep] = from[index * step] }
    }
  }
}

extension ValueLayout {
  /// Padding lanes of all pixels; those of a value that no kernel writes as whole pixels.
  func clearAllPadding(_ base: UnsafeMutableRawPointer) {
    guard order == .interleaved, channels < storedChannels else { return }
    for row in 0..<batch * height {
      let start = base + row / height * bytesPerImage + row % height * bytesPerRow
      for x in 0..<width { clearPadding(start + x * bytesPerPixel) }
    }
  }
}
