import Evaluation
import Files

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Profile {
  /// A profile that `swiftlet profile --json` printed to a file. One of an engine, an instruction set or a precision that is not known
  /// here is refused by name: nothing would be true that is said of it.
  public init(contentsOf path: String) throws(EvaluationError) {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 28) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Profile.self, from: Data(bytes))
      switch engine?.kind ?? .cpu {
      case .cpu:
        guard device == nil else { throw EvaluationError.notProfile(path: path) }
        _ = try EngineName("cpu:\(roofs.isa):\(precision)")
      case .reference: throw EvaluationError.untimedEngine(name: EngineName.reference.description)
      case .cuda:
        guard device != nil else { throw EvaluationError.notProfile(path: path) }
        _ = try EngineName("cuda:\(precision)")
      }
    } catch EvaluationError.unknownEngine(let name, _) {
      throw .unknownEngine(name: name, file: path)
    } catch {
      throw .notProfile(path: path)
    }
    guard isPossible else { throw .notProfile(path: path) }
  }

  /// Whether its numbers may be those of a run, so that they can be added up and told.
  private var isPossible: Bool {
    func possible(_ numbers: [Int]) -> Bool { numbers.allSatisfy { (0..<1 << 48).contains($0) } }
    func possible(_ rates: [Double]) -> Bool { rates.allSatisfy { $0 == 0 || (0.01...1e12).contains($0) } }
    if let device {
      let host = device.host
      guard
        possible([
          host.staging, host.launching, host.waiting, host.taking, host.moment, device.graphCount, device.kernelCount,
          device.device.cacheByteCount, device.device.multiprocessorCount,
        ])
      else { return false }
    }
    guard layers.count <= 1 << 12, machine?.isPossible ?? true,
      possible([
        nanoseconds, plainNanoseconds, fastestNanoseconds ?? 0, slowNanoseconds ?? 0, sessionBytes, parameterCount, warmup,
        runs, roofs.threads, roofs.launchNanoseconds,
      ]),
      possible([
        roofs.gflopsPerS, roofs.float32GflopsPerS, roofs.memoryGbPerS, roofs.cacheGbPerS, roofs.transferGbPerS ?? 0,
        roofs.computedGflopsPerS ?? 0,
      ]),
      events.allSatisfy({ layers.indices.contains($0.layer) && possible([$0.start, $0.duration, $0.threads]) })
    else { return false }
    for layer in layers {
      let traffic = layer.traffic, convolution = layer.convolution
      guard
        possible([
          layer.nanoseconds, layer.totalNanoseconds, layer.bandCount, layer.stepCount, layer.multiplyAccumulates,
          layer.operations,
          traffic.valueBytes, traffic.cachedBytes, traffic.constantBytes, traffic.heldBytes, traffic.transferredBytes ?? 0,
          layer.blocks?.count ?? 0, layer.blocks?.atOnce ?? 0,
        ]), possible(convolution.map { [$0.inChannels, $0.outChannels, $0.groups] } ?? [])
      else { return false }
    }
    return layers.reduce(0) { $0 + idealNanoseconds($1) } < 1e18
  }
}
