import CUDAEmulation
import Execution
import Networks
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// What the driver says of a device, and what becomes of each of its errors.
@Suite struct DriverTests {
  private static func network() throws -> Network {
    var builder = NetworkBuilder("small")
    let x = builder.input("x", channels: 16)
    builder.output(builder.convolution("layer", x, outChannels: 16, kernel: 3, padding: 1))
    return try builder.build(.random(seed: 1))
  }

  private static let shape = Shape(channels: 16, height: 5, width: 4)

  /// From the driver to a result.
  private static func useAll() throws {
    let driver = try EmulatedDevice.driver()
    _ = try driver.version()
    let engine = try CUDAEngine(driver, precision: .float16)
    let network = try network(), model = try engine.prepare(network)
    _ = try model.session(inputs: [shape]).run(network.randomInputs([shape], seed: 2))
    var tile = shape
    tile[2] = 2
    let staged = try #require(model as? any StagedModel)
    let session = try staged.session(input: tile, kernelsFor: shape, converting: SampleConversion())
    for place in 0..<session.placeCount {
      session.inputPlaces(place)[0].initializeMemory(as: Float.self, repeating: 0, count: tile.count)
      try session.begin(place)
    }
    for place in 0..<session.placeCount { _ = try session.finish(place) }
  }

  @Test func devicesSayWhatTheyAre() throws {
    let devices = try EmulatedDevice.driver().devices()
    #expect(devices.count == 2)
    #expect(devices[1].name == "Emulated device 1")
    #expect(devices[0].capability == CUDADevice.Capability(major: 8, minor: 0))
    #expect(devices[0].mostSharedByteCount == 227 << 10)
    #expect(devices[0].rows.first { $0.name == "shared memory a block" }?.value == "48 KiB, on demand 227")
    #expect(try EmulatedDevice.driver().version() == "12.4")
  }

  @Test func aDriverThatIsNotThereIsOneLine() {
    do throws(CUDAError) {
      // On a machine with a device there is nothing to refuse.
      _ = try CUDADriver.load()
    } catch {
      #expect(error.description.hasPrefix("there is no CUDA device: "))
      #expect(!error.description.contains("\n"))
    }
    let error = CUDAError.noDriver(library: CUDADriver.library, reason: "No such file or directory")
    #expect(
      error.description
        == "there is no CUDA device: the driver's libcuda.so.1 cannot be loaded (No such file or directory); install NVIDIA's "
        + "driver, or run on the CPU")
  }

  @Test func aDriverWithoutAFunctionIsNamed() {
    #expect(throws: CUDAError.noFunction("cuGraphLaunch", library: "libcuda.so.1")) {
      _ = try CUDADriver { $0 == "cuGraphLaunch" ? nil : cudaEmulatedSymbol($0) }
    }
  }

  @Test func devicesThatAreNotThereAreNamed() throws {
    let error = #expect(throws: CUDAError.self) { _ = try CUDAEngine(EmulatedDevice.driver(), device: 2) }
    #expect(error?.description == "there is no CUDA device 2; there are 2, 0 to 1")
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(75, 64 << 10, 1 << 40)
    let old = #expect(throws: CUDAError.self) { _ = try CUDAEngine(EmulatedDevice.driver()) }
    #expect(
      old?.description == "the CUDA device Emulated device 0 has compute capability 7.5; the kernels need 8.0 or more")
  }

  /// Whatever fails, and whenever, is one line that names the function; nothing stays behind, and the next attempt works.
  @Test(arguments: [
    "cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute",
    "cuDeviceTotalMem_v2", "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuMemGetInfo_v2", "cuMemAlloc_v2", "cuMemHostAlloc",
    "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuModuleLoadDataEx", "cuModuleGetFunction", "cuFuncSetAttribute",
    "cuStreamCreate", "cuStreamSynchronize", "cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags",
    "cuGraphLaunch", "cuLaunchKernelEx", "cuEventRecordWithFlags", "cuStreamWaitEvent", "cuEventSynchronize",
  ]) func everyErrorIsOneLine(of function: String) throws {
    defer { cudaEmulatedFail(nil, 0, 0) }
    let held = cudaEmulatedCounts().allocatedBytes
    var failures = 0
    for call in [0, 1, 2, 3, 5, 9, 17, 33, 65] {
      cudaEmulatedFail(function, call % 2 == 0 ? 719 : 2, Int32(call))
      do {
        try Self.useAll()
        break
      } catch {
        failures += 1
        if case .deviceMemory(let needed, let free)? = error as? ExecutionError {
          // What the driver calls out of memory is told by what was wanted.
          #expect(call % 2 == 1 && needed > 0 && free > 0)
        } else {
          let text = if case .device(let line)? = error as? ExecutionError { line } else { "\(error)" }
          let name = function.split(separator: "_")[0]
          #expect(text.contains(name) && !text.contains("\n"), "\(text)")
        }
      }
      cudaEmulatedFail(nil, 0, 0)
      #expect(cudaEmulatedCounts().allocatedBytes == held, "call \(call)")
    }
    #expect(failures > 0)
    cudaEmulatedFail(nil, 0, 0)
    try Self.useAll()
    #expect(cudaEmulatedCounts().allocatedBytes == held)
  }

  @Test func whatDoesNotFitIsRefusedWithTheAmount() throws {
    defer { cudaEmulatedSetDevice(80, 227 << 10, 1 << 40) }
    cudaEmulatedSetDevice(80, 227 << 10, 64 << 10)
    let network = try Self.network(), shape = Shape(channels: 16, height: 64, width: 64)
    let error = #expect(throws: ExecutionError.self) {
      _ = try CUDAEngine(EmulatedDevice.driver()).prepare(network, inputs: [shape])
    }
    guard case .deviceMemory(let needed, let available)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed > available && available == 64 << 10)
  }
}
