import Files
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

// libFuzzer's interface, as LLVM's FuzzerInterface.h declares it.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ run: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int) -> Int

/// The one that this process runs; set once, before the first input.
nonisolated(unsafe) private var current: any FuzzTarget = targets[0]

/// libFuzzer finds it by its name.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(_ bytes: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int, _ seed: UInt32) -> Int {
  var generator = SplitMix64(seed: UInt64(seed))
  let input = [UInt8](UnsafeBufferPointer(start: bytes, count: size))
  let result = current.mutated(input, limit: limit, using: &generator) { input in
    // What a target takes out of its container may be longer than the container's limit allows it to grow.
    let room = max(limit, input.count)
    return [UInt8](unsafeUninitializedCapacity: room + 1) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      _ = buffer.update(fromContentsOf: input)
      count = mutate(start, input.count, room)
    }
  }
  // An input that has become too long is given up for the plain change.
  guard result.count <= limit else { return mutate(bytes, size, limit) }
  for (index, byte) in result.enumerated() { bytes[index] = byte }
  return result.count
}

/// `fuzz list`, `fuzz seeds TARGET FOLDER`, `fuzz TARGET [what libFuzzer takes]`.
@main struct Fuzz {
  static func main() throws {
    let arguments = CommandLine.arguments
    let command = arguments.count > 1 ? arguments[1] : "list"
    if command == "list" {
      for target in targets { print(target.name) }
      return
    }
    if command == "seeds", arguments.count == 4 {
      return try writeSeeds(of: find(arguments[2]), to: arguments[3])
    }
    current = find(command)
    var count = CommandLine.argc - 1
    var vector = CommandLine.unsafeArgv + 1
    vector[0] = CommandLine.unsafeArgv[0]
    let limit = "-max_len=\(current.sizeLimit)"
    // Before all others, so that one that is given wins.
    var words = [vector[0], strdup(limit)] + (1..<Int(count)).map { vector[$0] } + [nil]
    count += 1
    let status = words.withUnsafeMutableBufferPointer { buffer -> CInt in
      guard let start = buffer.baseAddress else { return 1 }
      vector = start
      return runDriver(&count, &vector) { bytes, size in
        current.run([UInt8](UnsafeBufferPointer(start: bytes, count: size)))
        return 0
      }
    }
    exit(status)
  }

  private static func find(_ name: String) -> any FuzzTarget {
    guard let target = targets.first(where: { $0.name == name }) else {
      fatalError("there is no target '\(name)'; there are \(targets.map(\.name).joined(separator: ", "))")
    }
    return target
  }

  /// Writes the seeds as files `0`, `1`, … into the folder, and the words beside it.
  private static func writeSeeds(of target: any FuzzTarget, to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (index, seed) in try target.seeds().enumerated() { try AtomicFile.write(seed, to: "\(folder)/seed-\(index)") }
    let words = target.dictionary.map { word in
      "\"" + word.utf8.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\"\n"
    }
    try AtomicFile.write(Array(words.joined().utf8), to: folder + ".dict")
  }
}
