import Execution
import Networks
import Tensors

/// The parameters of a model on its device, one behind the other, each as its tensor lies: where nodes read them as values, and runs change
/// them.
final class ParameterMemory: Sendable {
  let memory: DeviceMemory
  private let places: [String: (offset: Int, byteCount: Int)]
  private let stream: DeviceStream
  private let stage: PinnedMemory

  private static let alignment = 256

  /// With the network's parameters of float32.
  init(_ network: Network, _ context: CUDAContext) throws(CUDAError) {
    var places: [String: (offset: Int, byteCount: Int)] = [:], total = 0
    for (name, tensor) in network.parameters.sorted(by: { $0.key < $1.key }) where tensor.dataType == .float32 {
      places[name] = (total, tensor.shape.count * 4)
      total += (tensor.shape.count * 4).ceilingDivided(by: Self.alignment) * Self.alignment
    }
    self.places = places
    memory = try DeviceMemory(context, byteCount: total)
    stage = try PinnedMemory(context, byteCount: total)
    stream = try DeviceStream(context)
    try set(network.parameters)
  }

  func address(of name: String) -> UInt64? { places[name].map { memory.address + UInt64($0.offset) } }

  /// Gives parameters other numbers; those that are not here stay away.
  func set(_ parameters: [String: Tensor]) throws(CUDAError) {
    for (name, tensor) in parameters {
      guard let place = places[name] else { continue }
      tensor.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { (stage.base + place.offset).copyMemory(from: base, byteCount: place.byteCount) }
      }
      if place.byteCount > 0 {
        try stream.upload(memory.address + UInt64(place.offset), stage.base + place.offset, place.byteCount)
      }
    }
    try stream.synchronize()
  }

  /// As they are now on the device.
  func get(_ names: some Collection<String>, shapes: (String) -> Shape?) throws(CUDAError) -> [String: Tensor] {
    for name in names {
      guard let place = places[name], place.byteCount > 0 else { continue }
      try stream.download(stage.base + place.offset, memory.address + UInt64(place.offset), place.byteCount)
    }
    try stream.synchronize()
    var result: [String: Tensor] = [:]
    for name in names {
      guard let place = places[name], let shape = shapes(name) else { continue }
      result[name] = Tensor(unsafeUninitialized: shape) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: stage.base + place.offset, count: place.byteCount))
      }
    }
    return result
  }

  /// Copies all of them to memory of as many bytes, or from there.
  func copy(to other: DeviceMemory) throws(CUDAError) { try copy(other.address, memory.address) }
  func copy(from other: DeviceMemory) throws(CUDAError) { try copy(memory.address, other.address) }

  private func copy(_ target: UInt64, _ source: UInt64) throws(CUDAError) {
    if memory.byteCount > 0 { try stream.copy(target, source, memory.byteCount) }
    try stream.synchronize()
  }
}
