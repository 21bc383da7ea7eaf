import Evaluation
import Networks
import Tensors

/// The small networks that the ladder times, all with the same parameters for the same part.
struct LadderNetworks {
  enum Part: Hashable {
    /// The first and the second of a block.
    case convolution(Int)
    case norm(Int)
    case relu(Int)
    case separable
    case pool
  }

  let layer: LadderLayer

  init(_ layer: LadderLayer) { self.layer = layer }

  static func convolution(_ layer: LadderLayer) -> Convolution {
    Convolution(
      inChannels: layer.inChannels, outChannels: layer.outChannels, kernel: Pair(3), padding: Padding(1), hasBias: false)
  }

  /// The parts one after the other. A chain that begins within the block takes the channels that come so far.
  func network(_ parts: [Part]) throws(EvaluationError) -> Network {
    try wrapping { () throws(NetworkError) in
      var builder = NetworkBuilder("ladder")
      let isWhole = parts.first == .convolution(1) || parts.first == .separable
      var value = builder.input("x", channels: isWhole ? layer.inChannels : layer.outChannels)
      for part in parts {
        switch part {
        case .convolution(let index):
          let name = "convolution_\(index)"
          value = builder.convolution(
            name, value, outChannels: layer.outChannels, kernel: Pair(3), padding: Padding(1), bias: false)
          let shape: Shape = [layer.outChannels, index == 1 ? layer.inChannels : layer.outChannels, 3, 3]
          builder.setParameter("\(name).weight", Self.uniform(shape, seed: UInt64(index), around: 0, by: bound(shape)))
        case .norm(let index):
          let name = "norm_\(index)", shape: Shape = [layer.outChannels], seed = UInt64(10 * index)
          value = builder.batchNorm(name, value)
          builder.setParameter("\(name).weight", Self.uniform(shape, seed: seed, around: 1, by: 0.2))
          builder.setParameter("\(name).bias", Self.uniform(shape, seed: seed + 1, around: 0, by: 0.2))
          builder.setParameter("\(name).runningMean", Self.uniform(shape, seed: seed + 2, around: 0, by: 0.2))
          builder.setParameter("\(name).runningVariance", Self.uniform(shape, seed: seed + 3, around: 1, by: 0.2))
        case .relu(let index): value = builder.activation("relu_\(index)", value, .relu)
        case .separable:
          value = builder.convolution(
            "depthwise", value, outChannels: layer.inChannels, kernel: Pair(3), padding: Padding(1), groups: layer.inChannels)
          value = builder.convolution("pointwise", value, outChannels: layer.outChannels, kernel: Pair(1))
        case .pool: value = builder.maximumPool("pool", value, Pool(kernel: Pair(2)))
        }
      }
      builder.output(value)
      return try builder.build(.random(seed: 1))
    }
  }

  /// As PyTorch fills weights: 1 / √(fan-in).
  private func bound(_ shape: Shape) -> Float { 1 / Float(shape[1] * shape[2] * shape[3]).squareRoot() }

  private static func uniform(_ shape: Shape, seed: UInt64, around middle: Float, by half: Float) -> Tensor {
    var generator = SplitMix64(seed: seed)
    return Tensor(shape, (0..<shape.count).map { _ in middle + half * (2 * generator.nextUnit() - 1) })
  }
}
