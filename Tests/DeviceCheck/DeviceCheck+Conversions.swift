import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors

/// Pictures that enter and leave as samples.
extension DeviceCheck {
  /// A conversion of random samples and numbers.
  private struct Example {
    var name: String
    var input: SampleInput
    var output: SampleOutput
  }

  /// Of luma and of colours, of 8 and 16 bits: equal to the bit to what the same operations give here, one by one.
  package func conversions() throws(CUDAError) -> [DeviceCheckReport.Row] {
    let engines = try engines(), examples = Self.conversionExamples
    return inTurn(examples.count) { index in
      let example = examples[index]
      return engines.map { precision, engine in
        var outcome = DeviceCheckReport.Outcome.notRun
        if !isOver {
          do { outcome = try Self.outcome(of: example, engine) } catch { outcome = .failed("\(error)") }
        }
        return DeviceCheckReport.Row(name: example.name, precision: precision.rawValue, outcome: outcome)
      }
    }
  }

  private static let conversionExamples = [8, 16].flatMap { depth in
    let level: Float = depth == 16 ? 1.0 / 257 : 1
    let luma = SampleInput.Mix(weights: [65.481, 128.553, 24.966].map { $0 / 255 * level }, first: 0, offset: 16)
    let colours = SampleFormat(bitDepth: depth, channels: 3), grey = SampleFormat(bitDepth: depth, channels: 1)
    return [
      Example(
        name: "samples of \(depth) bits, luma", input: SampleInput(format: colours, mixes: [luma], unit: 1 / 255),
        output: SampleOutput(format: grey, gain: 255 / 219 * 255, offset: -16 * 255 / 219)),
      Example(
        name: "samples of \(depth) bits, colours",
        input: SampleInput(
          format: SampleFormat(bitDepth: depth, channels: 4),
          mixes: (0..<3).map { SampleInput.Mix(weights: [level], first: $0, offset: 0) }, unit: 1 / 255),
        output: SampleOutput(format: colours, gain: 255)),
      Example(
        name: "samples of \(depth) bits, colours mixed to grey",
        input: SampleInput(
          format: grey, mixes: (0..<3).map { _ in SampleInput.Mix(weights: [level], first: 0, offset: 0) }, unit: 1),
        output: SampleOutput(format: grey, mix: [0.299, 0.587, 0.114], gain: 1)),
    ]
  }

  private static func outcome(of example: Example, _ engine: CUDAEngine) throws -> DeviceCheckReport.Outcome {
    let shape = Shape(channels: example.input.mixes.count, height: 67, width: 131), pixels = 67 * 131
    var builder = NetworkBuilder("same")
    let x = builder.input("x", channels: shape.channels)
    builder.output(builder.activation("same", x, .leakyReLU(slope: 1)))
    guard let model = try engine.prepare(builder.build(.zeros)) as? any StagedModel else {
      return .failed("the engine does not convert")
    }
    var generator = SplitMix64(seed: 3)
    // There: a network that changes nothing shows the planes.
    let format = example.input.format
    let samples = (0..<pixels * format.channels).map { _ in UInt16(generator.next() >> 40 & (1 << format.bitDepth - 1)) }
    let planes = try model.session(
      input: shape, kernelsFor: shape, converting: SampleConversion(input: example.input)
    ).run([
      bytes(samples, format, shape)
    ])
    let exact = example.input.mixes.flatMap { mix in
      (0..<pixels).map { pixel in
        let sums = mix.weights.indices.map { Float(samples[pixel * format.channels + mix.first + $0]) * mix.weights[$0] }
        return (sums.dropFirst().reduce(sums[0], +) + mix.offset) * example.input.unit
      }
    }
    guard planes[0].floats.elementsEqual(exact, by: { $0.bitPattern == $1.bitPattern }) else {
      return .failed("planes differ in their bits")
    }
    // And back, with numbers beyond both ends.
    let numbers = (0..<shape.count).map { _ in (generator.nextUnit() * 1.5 - 0.25) * 255 * example.input.unit }
    let kept = Tensor(unsafeUninitialized: SampleOutput.Kept.shape, .uint8) {
      if let base = $0.baseAddress { SampleOutput.Kept(rows: 0..<shape.height, columns: 0..<shape.width).write(to: base) }
    }
    let made = try model.session(
      input: shape, kernelsFor: shape, converting: SampleConversion(output: example.output)
    ).run([Tensor(shape, numbers), kept])
    let output = example.output, channels = output.format.channels, most: Float = output.format.bitDepth == 16 ? 65535 : 255
    let expected = (0..<pixels * channels).map { index in
      let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
      let parts = output.mix.enumerated().map { numbers[$0.offset * pixels + pixel] * $0.element }
      let v = parts.isEmpty ? numbers[channel * pixels + pixel] : parts.dropFirst().reduce(parts[0], +)
      let level = (v * output.gain + output.offset) * (most == 255 ? 1 : 257)
      return UInt16(min(max(level, 0), most).rounded(.toNearestOrEven))
    }
    guard made[0] == bytes(expected, output.format, shape) else { return .failed("samples differ") }
    return .equal(error: 0, bound: 0)
  }

  /// Samples as files hold them.
  private static func bytes(_ samples: [UInt16], _ format: SampleFormat, _ shape: Shape) -> Tensor {
    Tensor(unsafeUninitialized: format.shape(height: shape.height, width: shape.width), .uint8) { target in
      for (index, sample) in samples.enumerated() {
        if format.bitDepth == 16 {
          target.storeBytes(of: sample, toByteOffset: index * 2, as: UInt16.self)
        } else {
          target[index] = UInt8(sample)
        }
      }
    }
  }
}
