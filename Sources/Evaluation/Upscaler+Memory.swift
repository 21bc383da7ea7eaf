import Imaging

extension Upscaler {
  /// The bytes of the process without pictures and network: code, libraries, threads, allocator.
  static let processByteCount = 40 << 20

  /// What is left of the memory limit for sessions; nil without a limit.
  ///
  /// The decoded picture, its planes, the output and a band of it are there while the network runs. The encoder comes after the
  /// sessions have gone, and is reckoned to hold the output twice more in encoded form.
  func engineBudget(_ image: Image, _ size: UpscaleSize, isCollected: Bool) throws(EvaluationError) -> Int? {
    guard let limit = options.memoryLimit else { return nil }
    let sampleBytes = image.channels * image.bitDepth / 8
    let input = image.width * image.height * sampleBytes
    let output = size.width * size.height * sampleBytes
    let planes = ImagePlanes.byteCount(of: image, colour: runner.contract.colour)
    let floats = runner.channels * MemoryLayout<Float>.size
    // Bands are at most an eighth of the output for a tile of moderate size.
    var running = Self.processByteCount + input + planes + output + size.networkWidth * size.networkHeight * floats / 8
    if isCollected { running += size.networkWidth * size.networkHeight * floats + 128 * size.width * floats }
    let encoding = Self.processByteCount + input + 3 * output
    let least = max(running + (16 << 20), encoding)
    guard least <= limit else { throw .memoryLimit(limit: limit, needed: least) }
    // What allocators keep for themselves.
    return (limit - running) / 10 * 9
  }
}
