import Execution
import Networks
import Tensors
import Transforms

/// Sums over pixels of what a layer multiplies: of `x xᵀ` and of `y x`, with x what integers stand for and y the sums that float32 makes, and of both alone.
struct LayerMoments {
  private let part: LinearPart
  private let terms: Int
  /// One more than a group's terms: the last place holds 1.
  private let places: Int
  private let blockCount: Int
  /// The pixels that are in.
  private(set) var count = 0
  private var pending = 0
  /// `[groups, places, places]`.
  private var gram: [Double]
  /// `[outChannels, places]`.
  private var crosses: [Double]
  /// Of the block: what integers stand for, `[groups, blockCount, places]` and turned, and the numbers of float32, `[groups, terms, blockCount]`.
  private var rounded: Tensor
  private var turned: Tensor
  private var plain: Tensor
  private let weights: Tensor
  private let session: any Session

  /// - Parameter engine: its threads multiply.
  init(_ part: LinearPart, _ weight: Tensor, blockCount: Int, engine: Engine) throws(EvaluationError) {
    self.part = part
    self.blockCount = blockCount
    terms = part.terms
    places = part.terms + 1
    gram = Array(repeating: 0, count: part.groups * places * places)
    crosses = Array(repeating: 0, count: part.outChannels * places)
    rounded = Tensor(zeros: [part.groups, blockCount, places])
    turned = Tensor(zeros: [part.groups, places, blockCount])
    plain = Tensor(zeros: [part.groups, part.terms, blockCount])
    let floats = weight.floats
    weights = Tensor(
      [part.groups, part.outChannels / part.groups, part.terms],
      (0..<part.outChannels).flatMap { part.places(of: $0).map { floats[$0] } })
    // In float32 whatever the network runs in: on the processor, which says that threads change no bit.
    var options = if case .cpu(let options) = engine { options } else { CPUOptions(threadCount: engine.threadCount) }
    options.precision = .float32
    let network = try wrapping { () throws(NetworkError) in try Self.products() }
    let backend = try options.makeEngine()
    do throws(ExecutionError) {
      session = try backend.prepare(network, inputs: [turned.shape, rounded.shape, weights.shape, plain.shape])
    } catch {
      throw .execution(network: network.name, error)
    }
  }

  /// Three products of matrices: all pairs of inputs, the sums of float32, and those with the inputs.
  private static func products() throws(NetworkError) -> Network {
    var builder = NetworkBuilder("moments")
    let names = ["turned", "rounded", "weights", "plain"]
    let inputs = names.map { builder.input($0, axes: [nil, nil, nil]) }
    let gram = builder.matrixMultiply("gram", inputs[0], inputs[1])
    let sums = builder.matrixMultiply("sums", inputs[2], inputs[3])
    builder.output(gram)
    builder.output(builder.matrixMultiply("crosses", sums, inputs[1]))
    return try builder.build(.zeros)
  }

  /// Adds a pixel of the layer's output.
  mutating func add(
    _ pixels: LayerPixels, _ float: Tensor, _ integers: Tensor, image: Int, row: Int, column: Int
  ) throws(EvaluationError) {
    let (places, terms, blockCount, pixel) = (places, terms, blockCount, pending)
    rounded.withUnsafeMutableFloats { rounded in
      turned.withUnsafeMutableFloats { turned in
        integers.withUnsafeFloats { values in
          pixels.forEach(values, integers.shape, image: image, row: row, column: column) { group, place, number in
            rounded[(group * blockCount + pixel) * places + place] = number
            turned[(group * places + place) * blockCount + pixel] = number
          }
        }
        for group in 0..<pixels.groups {
          rounded[(group * blockCount + pixel) * places + terms] = 1
          turned[(group * places + terms) * blockCount + pixel] = 1
        }
      }
    }
    plain.withUnsafeMutableFloats { plain in
      float.withUnsafeFloats { values in
        pixels.forEach(values, float.shape, image: image, row: row, column: column) { group, place, number in
          plain[(group * terms + place) * blockCount + pixel] = number
        }
      }
    }
    pending += 1
    if pending == blockCount { try flush() }
  }

  /// Adds what is pending; pixels that are missing in the block are 0, and so are their products.
  mutating func flush() throws(EvaluationError) {
    guard pending > 0 else { return }
    let outputs: [Tensor]
    do throws(ExecutionError) {
      outputs = try session.run([turned, rounded, weights, plain])
    } catch {
      throw .execution(network: "moments", error)
    }
    Self.add(outputs[0], to: &gram)
    Self.add(outputs[1], to: &crosses)
    count += pending
    pending = 0
    rounded.withUnsafeMutableFloats { $0.update(repeating: 0) }
    turned.withUnsafeMutableFloats { $0.update(repeating: 0) }
    plain.withUnsafeMutableFloats { $0.update(repeating: 0) }
  }

  private static func add(_ tensor: Tensor, to sums: inout [Double]) {
    tensor.withUnsafeFloats { values in
      sums.withUnsafeMutableBufferPointer { sums in for place in values.indices { sums[place] += Double(values[place]) } }
    }
  }

  // MARK: What is asked of them

  /// The problem that all channels of a group share.
  ///
  /// - Parameter isCentred: whether means count as 0, since biases take them up.
  func problem(_ group: Int, isCentred: Bool, hold: Double) -> RoundingProblem {
    let number = Double(count), start = group * places * places
    return gram.withUnsafeBufferPointer { gram in
      let means = (0..<terms).map { isCentred ? gram[start + terms * places + $0] / number : 0 }
      var result = [Float](repeating: 0, count: terms * terms)
      for row in 0..<terms {
        for column in 0..<terms {
          // The engine may sum the two of a pair in another order.
          let both = (gram[start + row * places + column] + gram[start + column * places + row]) / 2
          result[row * terms + column] = Float(both / number - means[row] * means[column])
        }
      }
      return RoundingProblem(count: terms, gram: result, hold: hold)
    }
  }

  /// The mean of the products of a channel's sum with the inputs.
  func cross(_ channel: Int, isCentred: Bool) -> [Double] {
    let number = Double(count), start = channel * places, mean = crosses[start + terms] / number
    return (0..<terms).map { place in
      crosses[start + place] / number - (isCentred ? mean * inputMean(channel, place) : 0)
    }
  }

  /// What the mean of the channel's sums lacks with these integers.
  func meanError(_ channel: Int, _ integers: [Int], scale: Float) -> Double {
    let mean = crosses[channel * places + terms] / Double(count)
    return integers.enumerated().reduce(mean) { sum, element in
      sum - Double(scale) * Double(element.element) * inputMean(channel, element.offset)
    }
  }

  private func inputMean(_ channel: Int, _ place: Int) -> Double {
    let group = channel / (part.outChannels / part.groups)
    return gram[(group * places + terms) * places + place] / Double(count)
  }
}
