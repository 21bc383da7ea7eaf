import Execution
import Files
import Imaging
import Networks
import Tensors

/// What a network is measured on.
public enum ModelInput: Hashable, Sendable {
  /// Random numbers, uniform in 0 ..< 1 or over all integers of the input's element, the same each time.
  case random(Shape)
  /// The path of a picture, taken at its own size.
  case picture(String)

  /// `1x3x256x256`, or else a path.
  public init(_ text: String) { self = Shape(text).map { .random($0) } ?? .picture(text) }

  public var isRandom: Bool { if case .random = self { true } else { false } }

  /// Random numbers of the size that the network fixes; 1 x channels x 256 x 256 where it fixes none.
  public init(for network: Network, side: Int = 256) throws(EvaluationError) {
    self = .random(try network.inputShape(side: side))
  }

  /// The tensor for a network of one input: of a picture the luma, or red, green and blue, in the network's own range. A picture whose sides the
  /// network does not take is continued to the right and below, as `ModelRunner` does, and so larger than it is.
  public func tensor(for network: Network) throws(EvaluationError) -> Tensor {
    guard network.inputs.count == 1 else {
      throw .contract(network: network.name, reason: "it has \(network.inputs.count) inputs and one is given")
    }
    switch self {
    case .random(let shape):
      // Before the numbers are made: an absurd shape has more than memory holds.
      try network.checkMemory(input: shape)
      return Benchmark.randomInput(shape, network.inputs[0].element)
    case .picture(let path):
      // Of digits alone it is a shape gone wrong rather than a path, unless there is such a file.
      guard path.contains(where: { !"0123456789xX- ".contains($0) }) || Folder.fileExists(path) else {
        throw .inputShape(path)
      }
      guard let channels = network.inputs[0].channels, channels == 1 || channels == 3 else {
        throw .contract(
          network: network.name,
          reason: "its input is \(network.inputs[0].axesText), and a picture has 1 or 3 channels; give NxCxHxW")
      }
      let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 30) }
      let image = try wrapping { () throws(ImageError) in try ImageCodec.decode(bytes, name: path) }
      let picture = Tensor(
        image.networkPlanes(channels == 1 ? .luma : .rgb), scale: (network.imageContract?.maximum ?? 1) / 255)
      return try network.continuing(picture)
    }
  }
}

extension Network {
  /// A picture `[1, channels, height, width]` that the network takes: as it is, or continued to the right and below.
  func continuing(_ picture: Tensor) throws(EvaluationError) -> Tensor {
    let (height, width, channels) = (picture.shape.height, picture.shape.width, picture.shape.channels)
    let (multiple, _) = try ImageContinuation.leastMultiple { multiple throws(EvaluationError) in
      let sides = ImageContinuation(height: height, width: width, multiple: multiple)
      try checkTaken(Shape(channels: channels, height: sides.fullHeight, width: sides.fullWidth))
    }
    if multiple == 1 { return picture }
    let sides = ImageContinuation(height: height, width: width, multiple: multiple)
    let full = Shape(channels: channels, height: sides.fullHeight, width: sides.fullWidth)
    return picture.withUnsafeFloats { source in
      Tensor(unsafeUninitialized: full) { bytes in
        guard let from = source.baseAddress, let to = bytes.bindMemory(to: Float.self).baseAddress else { return }
        sides.fill(0..<sides.fullHeight, 0..<sides.fullWidth, channels: channels, to) { rows, columns, target in
          var next = target
          for channel in 0..<channels {
            for row in rows {
              next.update(from: from + (channel * height + row) * width + columns.lowerBound, count: columns.count)
              next += columns.count
            }
          }
        }
      }
    }
  }

  /// Throws where the network does not take an input of that shape.
  func checkTaken(_ shape: Shape) throws(EvaluationError) {
    _ = try wrapping { () throws(NetworkError) in try inferredShapes(inputs: [shape]) }
  }
}
