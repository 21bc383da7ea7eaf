import Swiftlet

/// The library use that README.md shows; `ReadmeTests` compares the two.
enum ReadmeExample {
  static func run(photoPath: String, outputPath: String) throws {
    // BEGIN README values
    let photo = try ImageCodec.decode(FileReader.bytes(of: photoPath, limit: 1 << 30), name: photoPath)
    let network = try EDSR(scale: 2, channels: 1, features: 32, blocks: 8).network(.random(seed: 1))
    print(network.parameterCount, try network.ledger(inputs: [[1, 1, 256, 256]]).multiplyAccumulates)

    let engine = CPUEngine(threadCount: 2)
    let session = try engine.prepare(network.optimizedForInference(), inputs: [[1, 1, 64, 64]])
    let output = try session.run([Tensor(repeating: 0.5, [1, 1, 64, 64])])[0]
    print(output.shape)  // 1x1x128x128

    let upscaler = try Upscaler(network, backend: engine)
    try AtomicFile.write(upscaler.upscale(photo).encoded(as: .png), to: outputPath)
    // END README values
  }
}

// BEGIN README enlarge
func enlarge(_ input: String, to output: String) {
  do {
    let network = try ModelLibrary.network(ModelLibrary.shippedName(forScale: 2))
    let upscaler = try Upscaler(network, backend: CPUEngine(threadCount: Machine.processorCount))
    let item = PictureBatch.Item(input: input, output: output)
    let result = try upscaler.upscaleFile(item, Upscaler.FileOptions(target: .scale(2)))
    print("\(output): \(result.width)x\(result.height) in \(result.seconds) s")
  } catch {
    print("\(input) was not enlarged: \(error)")
  }
}
// END README enlarge
