import Execution
import Networks
import Tensors

/// Runs networks on a CUDA device.
///
/// Same input, same precision, same device: the output is the same to the last bit from run to run, and for a tile and the image it is
/// cut from. Values stay on the device from the first layer to the last: a run is one copy there, one graph of kernels, one copy back.
/// Networks run fastest after `fusing()`.
public struct CUDAEngine: DeviceBackend {
  public let precision: CUDAPrecision
  let context: CUDAContext
  /// Taken in place of the selector's choice wherever they can run: to test every kernel.
  package var preferredKernels: [CUDAKernel] = []
  /// Blocks that share the input channels of a tile, in place of the selector's choice wherever that can be.
  package var preferredSplits: Int?
  /// Whether each value has memory of its own, so that reading outside one is found.
  package var separatesValues = false

  /// Whether a kernel may begin before the one ahead of it is done, on devices where kernels wait for what they read: the same bits, and
  /// less time between them.
  package var overlapsKernels = true

  /// Gets when kernels and copies run, where somebody watches: a run then takes four moments more.
  package var watch: DeviceWatch?

  static let backendName = "cuda"

  /// Throws where there is no driver, or it has no such device.
  public init(device index: Int = 0, precision: CUDAPrecision = .float32) throws(CUDAError) {
    try self.init(CUDADriver.load(), device: index, precision: precision)
  }

  /// With a driver that is there already.
  public init(_ driver: CUDADriver, device index: Int = 0, precision: CUDAPrecision = .float32) throws(CUDAError) {
    self.precision = precision
    context = try CUDAContext(driver, device: index)
  }

  public var name: String { Self.backendName }
  public var device: CUDADevice { context.device }
  /// What was copied between the host and the device since the engine was made.
  package var transfers: TransferCount { context.transfers }

  public func support(for node: Node, in network: Network, shapes: [String: Shape]) -> Support {
    DeviceSupport.refusal(of: node, in: network, shapes: shapes, precision: precision).map { .no($0) } ?? .yes
  }

  /// Has the driver compile kernels that the device can run. It keeps them on the disk, too, for other processes.
  package func compile(_ kernels: [CUDAKernel]) throws(CUDAError) {
    for kernel in kernels where device.isHopper || !kernel.isForHopper { _ = try context.function(kernel) }
  }

  public func prepare(_ network: Network) throws(ExecutionError) -> any Model { try CUDAModel(network, engine: self) }
}

extension ExecutionError {
  /// What the device said.
  init(_ error: CUDAError) { self = .device(error.description) }
}

/// What `body` does, with the device's errors as those of a run.
func onDevice<R>(_ body: () throws(CUDAError) -> R) throws(ExecutionError) -> R {
  do throws(CUDAError) { return try body() } catch { throw ExecutionError(error) }
}

/// The same of work that takes so many bytes of the device's memory.
func onDevice<R>(
  _ context: CUDAContext, taking byteCount: Int, _ body: () throws(CUDAError) -> R
) throws(ExecutionError) -> R {
  do throws(CUDAError) {
    return try body()
  } catch {
    // CUDA_ERROR_OUT_OF_MEMORY
    guard case .driver(_, 2, _, _) = error else { throw ExecutionError(error) }
    throw .deviceMemory(needed: byteCount, free: (try? context.freeByteCount()) ?? 0)
  }
}
