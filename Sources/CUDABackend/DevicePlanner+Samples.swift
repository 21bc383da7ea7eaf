import CUDAKernels
import Execution
import Networks
import Tensors

/// Pictures that enter or leave as samples.
extension DevicePlanner {
  /// Whether the network is one that samples can enter and leave.
  func checkConversion() throws(ExecutionError) {
    guard !conversion.isEmpty else { return }
    guard network.inputs.count == 1, network.outputs.count == 1, let input = types[network.inputs[0].name],
      let output = types[network.outputs[0]], input.element == .float32, output.element == .float32,
      input.shape.isImage, output.shape.isImage, input.shape.batch == 1,
      input.shape.channels == conversion.input?.mixes.count ?? input.shape.channels,
      max(input.shape.channels, output.shape.channels) <= SampleInput.mostPlanes
    else {
      throw .invalidNetwork("samples enter and leave networks of one image of up to \(SampleInput.mostPlanes) planes alone")
    }
  }

  /// The value of an input's planes, made of samples.
  mutating func planSamples(_ input: String, _ conversion: SampleInput, to image: Shape) -> Int {
    let format = conversion.format, pixels = image.height * image.width
    let samples = program.add(bytes(format.shape(height: image.height, width: image.width)), .input)
    let planes = program.add(DeviceLayout(planesOf: image)), notes = addNotes(pixels: pixels)
    program.inputs.append(samples)
    program.conversionNotes.append(notes)
    var step = DeviceProgram.Step(
      node: input, kernel: .any(.samplesToPlanes), grid: Self.sampleGrid(pixels), reads: [samples], writes: planes
    ) { addresses, _ in
      var a = SamplesToPlanesArguments()
      a.samples = UnsafeRawPointer(addresses.pointer(samples))
      a.planes = addresses.floats(ofValue: planes)
      a.notes = addresses.floats(ofValue: notes)
      (a.pixels, a.channels, a.planeCount) = (Int32(pixels), Int32(format.channels), Int32(image.channels))
      a.sampleBytes = Int32(format.bitDepth / 8)
      let mixes = Self.three(conversion.mixes.map(SampleMix.init), else: SampleMix())
      a.mixes = mixes
      a.unit = conversion.unit
      return argumentBytes(a)
    }
    step.isCopy = true
    program.steps.append(step)
    return planes
  }

  /// The value of an output's samples, made of its planes.
  mutating func planSamples(_ output: String, _ conversion: SampleOutput, from value: Int) {
    let layout = layout(value), image = layout.shape, format = conversion.format, pixels = image.height * image.width
    let kept = program.add(bytes(SampleOutput.Kept.shape), .input)
    let samples = program.add(bytes(format.shape(height: image.height, width: image.width)), .output)
    let notes = addNotes(pixels: pixels)
    program.inputs.append(kept)
    program.outputs.append(samples)
    program.conversionNotes.append(notes)
    var step = DeviceProgram.Step(
      node: output, kernel: .any(.planesToSamples), grid: Self.sampleGrid(pixels), reads: [value, kept], writes: samples
    ) { addresses, _ in
      var a = PlanesToSamplesArguments()
      a.planes = layout.view(addresses.values[value])
      a.samples = addresses.pointer(samples)
      a.notes = addresses.floats(ofValue: notes)
      a.kept = addresses.pointer(kept).map { UnsafePointer($0.assumingMemoryBound(to: Int32.self)) }
      (a.imageHeight, a.imageWidth, a.planeCount) = (Int32(image.height), Int32(image.width), Int32(image.channels))
      a.sampleBytes = Int32(format.bitDepth / 8)
      a.mixes = conversion.mix.isEmpty ? 0 : 1
      a.weights = Self.three(conversion.mix, else: 0)
      (a.gain, a.offset) = (conversion.gain, conversion.offset)
      return argumentBytes(a)
    }
    step.isCopy = true
    program.steps.append(step)
  }

  private func bytes(_ shape: Shape) -> DeviceLayout { DeviceLayout(planesOf: shape, .uint8) }

  /// What the blocks of a conversion note.
  private mutating func addNotes(pixels: Int) -> Int {
    let count = 3 * Self.sampleGrid(pixels).blockCount
    return program.add(DeviceLayout(planesOf: Shape(batch: 1, channels: 1, height: 1, width: count)), .output)
  }

  private static func sampleGrid(_ pixels: Int) -> LaunchGrid {
    LaunchGrid(x: pixels.ceilingDivided(by: Int(samplePixels)))
  }

  private static func three<T>(_ values: [T], else none: T) -> (T, T, T) {
    func at(_ index: Int) -> T { index < values.count ? values[index] : none }
    return (at(0), at(1), at(2))
  }
}

extension SampleMix {
  fileprivate init(_ mix: SampleInput.Mix) {
    self.init()
    func weight(_ index: Int) -> Float { index < mix.weights.count ? mix.weights[index] : 0 }
    weights = (weight(0), weight(1), weight(2))
    offset = mix.offset
    (first, count) = (Int32(mix.first), Int32(mix.weights.count))
  }
}

extension DeviceProgram.Addresses {
  /// Those of a value of float32.
  fileprivate func floats(ofValue value: Int) -> UnsafeMutablePointer<Float>? {
    pointer(value)?.assumingMemoryBound(to: Float.self)
  }
}
