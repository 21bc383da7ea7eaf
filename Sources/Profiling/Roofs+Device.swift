import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors

/// Measures what a CUDA device does at most. What it needs on the device is made once and measured as often as one likes.
struct DeviceRoofMeter {
  /// A layer of the kind that is densest: 3x3 of as many channels out as in, on square images.
  struct Layer: Hashable, Sendable {
    var channels: Int
    var side: Int
  }

  private let engine: CUDAEngine
  /// Bytes of a copy that no cache holds, and of a copy between host and device.
  private let memoryByteCount: Int
  /// Of a few kernels that have next to nothing to do, and of more.
  private let launches: Chain
  private let products: [(chain: Chain, operations: Double)]

  /// The same kernel once, and some times more: what the difference takes is neither a copy nor the host's.
  private struct Chain {
    let short: CUDASession
    let long: CUDASession
    let input: Tensor
    /// More kernels in the long one.
    let count: Int

    init(_ engine: CUDAEngine, _ input: Tensor, count: Int, _ network: (Int) throws(NetworkError) -> Network)
      throws(EvaluationError)
    {
      let networks = try wrapping { () throws(NetworkError) in (try network(1), try network(1 + count)) }
      func session(_ network: Network) throws(EvaluationError) -> CUDASession {
        do throws(ExecutionError) {
          guard let session = try engine.prepare(network, inputs: [input.shape]) as? CUDASession else {
            throw .invalidNetwork("the device does not say where its time goes")
          }
          return session
        } catch {
          throw .execution(network: network.name, error)
        }
      }
      short = try session(networks.0)
      long = try session(networks.1)
      self.input = input
      self.count = count
    }

    /// Of one kernel.
    func nanoseconds(runs: Int) throws(ExecutionError) -> Double {
      let least = try short.kernelNanoseconds([input], runs: runs).min() ?? 0
      let most = try long.kernelNanoseconds([input], runs: runs).min() ?? 0
      return Double(max(most - least, 1)) / Double(count)
    }
  }

  /// Layers that are large enough for every multiprocessor to be busy and small enough for their values to come from the cache, or nearly.
  static let layers = [Layer(channels: 64, side: 384), Layer(channels: 128, side: 256), Layer(channels: 256, side: 192)]

  /// - Parameters:
  ///   - layers: of which the fastest counts.
  ///   - memoryByteCount: far more than the cache holds.
  init(_ engine: CUDAEngine, layers: [Layer] = Self.layers, memoryByteCount: Int = 512 << 20) throws(EvaluationError) {
    self.engine = engine
    self.memoryByteCount = memoryByteCount
    let small = Benchmark.randomInput(Shape(channels: 3, height: 16, width: 16))
    launches = try Chain(engine, small, count: 16) { (count) throws(NetworkError) in
      var builder = NetworkBuilder("launches")
      var value = builder.input("x", channels: 3)
      for index in 0..<count { value = builder.activation("relu\(index)", value, .relu) }
      builder.output(value)
      return try builder.build(.random(seed: 1))
    }
    var products: [(chain: Chain, operations: Double)] = []
    for layer in layers {
      let input = Benchmark.randomInput(Shape(channels: layer.channels, height: layer.side, width: layer.side))
      let chain = try Chain(engine, input, count: 4) { (count) throws(NetworkError) in
        var builder = NetworkBuilder("products")
        var value = builder.input("x", channels: layer.channels)
        for index in 0..<count {
          value = builder.convolution("layer\(index)", value, outChannels: layer.channels, kernel: 3, padding: 1)
        }
        builder.output(value)
        return try builder.build(.random(seed: 1))
      }
      products.append((chain, 2 * 9 * Double(layer.channels * layer.channels) * Double(layer.side * layer.side)))
    }
    self.products = products
  }

  func measured() throws(EvaluationError) -> Roofs {
    let device = engine.device
    do throws(ExecutionError) {
      var best = 0.0
      for layer in products { best = max(best, layer.operations / (try layer.chain.nanoseconds(runs: 5))) }
      let launch = try launches.nanoseconds(runs: 10)
      var roofs = Roofs(
        isa: "sm_\(device.capability.major)\(device.capability.minor)", threads: device.multiprocessorCount, gflopsPerS: best,
        float32GflopsPerS: device.computedGflopsPerS(ofTensorCores: nil),
        memoryGbPerS: try engine.copyRate(byteCount: memoryByteCount, count: 4),
        cacheGbPerS: try engine.copyRate(byteCount: min(device.cacheByteCount / 4, memoryByteCount)),
        launchNanoseconds: max(Int(launch), 1))
      roofs.transferGbPerS = try engine.transferRate(byteCount: min(memoryByteCount, 64 << 20))
      roofs.computedGflopsPerS = device.computedGflopsPerS(ofTensorCores: engine.precision)
      return roofs
    } catch {
      throw .execution(network: "roofs", error)
    }
  }
}

extension CUDADevice {
  /// 10⁹ operations a second by multiprocessors, clock and products a cycle, two for each product: an upper bound that no program
  /// reaches, since devices lower their clocks under load. Of float32 on tensor cores each product is three of TF32.
  ///
  /// - Parameter precision: of the tensor cores; nil for float32 without them.
  /// - Source: `productsPerCycle`.
  func computedGflopsPerS(ofTensorCores precision: CUDAPrecision?) -> Double {
    let cycle = productsPerCycle, products: Double
    switch precision {
    case nil: products = cycle.float32
    case .float32?: products = cycle.tensorFloat32 / 3
    case .tensorFloat32?: products = cycle.tensorFloat32
    case .float16?, .bfloat16?: products = cycle.float16
    }
    return 2 * products * Double(multiprocessorCount) * Double(clockKilohertz) / 1e6
  }
}
