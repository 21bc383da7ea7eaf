import Imaging
import Tensors
import Testing

@testable import Training

@Suite struct SuperResolutionSourceTests {
  private func source(
    _ folder: DataFolder, _ change: (inout SuperResolutionSource.Options) -> Void = { _ in }
  ) throws -> SuperResolutionSource {
    var options = SuperResolutionSource.Options()
    options.patch = 12
    options.patchesPerPicture = 8
    change(&options)
    return try SuperResolutionSource(PictureSet(folders: [folder.path]), options: options)
  }

  private func folder(_ model: Image.ColourModel = .rgb) throws -> (DataFolder, [Image]) {
    let folder = try DataFolder()
    let images = [
      DataFolder.picture(width: 31, height: 26, model: model, seed: 1),
      DataFolder.picture(width: 24, height: 29, model: model, seed: 2),
    ]
    for (index, image) in images.enumerated() { try folder.write(image, "\(index).png") }
    return (folder, images)
  }

  /// The place and form in which a patch lies in planes, where it does.
  private func find(_ patch: Tensor, in planes: [Plane<Float>], step: Int, scale: Float) -> [(x: Int, y: Int, Orientation)] {
    let (height, width) = (patch.shape[1], patch.shape[2])
    var found: [(x: Int, y: Int, Orientation)] = []
    for y in stride(from: 0, through: planes[0].height - height, by: step) {
      for x in stride(from: 0, through: planes[0].width - width, by: step) {
        for orientation in Orientation.allCases
        where planes.cut(x: x, y: y, width: width, height: height, orientation).tensor(scale: scale) == patch {
          found.append((x, y, orientation))
        }
      }
    }
    return found
  }

  @Test func patchesLieInThePictureAndItsSmallerForm() throws {
    let (folder, images) = try folder()
    for scale in [2, 3] {
      let source = try source(folder) { $0.scales = [scale] }
      #expect(source.count == 16)
      var places: Set<[Int]> = []
      for index in 0..<source.count {
        let sample = try source.sample(SampleKey(seed: 3, epoch: 1, index: index))
        #expect(sample.input.shape == [3, 12 / scale, 12 / scale] && sample.target.shape == [3, 12, 12])
        let large = PlanarImage<Double>(images[index % 2]).colour.map { $0.cropped(toMultipleOf: scale) }
        let small = large.map { $0.resized(scale: 1 / Double(scale)) }
        let (a, b) = (
          find(sample.target, in: large.map { Plane<Float>($0) }, step: scale, scale: 1 / 255),
          find(sample.input, in: small.map { Plane<Float>($0) }, step: 1, scale: 1 / 255)
        )
        #expect(a.count == 1 && b.count == 1)
        if let a = a.first, let b = b.first {
          #expect(a.x == scale * b.x && a.y == scale * b.y && a.2 == b.2)
          places.insert([a.x, a.y, a.2.rawValue])
        }
      }
      #expect(places.count > 12)
    }
  }

  @Test func enlargedLumaOfSeveralFactors() throws {
    let (folder, images) = try folder()
    let source = try source(folder) {
      $0.scales = [2, 3, 4]
      $0.colour = .luma
      $0.inputSize = .bicubicEnlarged
      $0.symmetries = .none
      $0.maximum = 255
    }
    var scales: Set<Int> = []
    for index in 0..<source.count {
      let sample = try source.sample(SampleKey(seed: 4, epoch: 0, index: index))
      #expect(sample.input.shape == [1, 12, 12])
      for scale in [2, 3, 4] {
        let large = images[index % 2].luma.cropped(toMultipleOf: scale)
        let enlarged = large.resized(scale: 1 / Double(scale)).resized(width: large.width, height: large.height)
        let (a, b) = (
          find(sample.target, in: [Plane<Float>(large)], step: 1, scale: 1),
          find(sample.input, in: [Plane<Float>(enlarged)], step: 1, scale: 1)
        )
        if let a = a.first(where: { $0.2 == .upright }), let b = b.first(where: { $0.2 == .upright }) {
          #expect(a.x == b.x && a.y == b.y)
          scales.insert(scale)
        }
      }
    }
    #expect(scales == [2, 3, 4])
  }

  @Test func roundedInputs() throws {
    let (folder, _) = try folder()
    let source = try source(folder) { $0.roundsInput = true }
    for index in 0..<4 {
      let input = try source.sample(SampleKey(seed: 1, epoch: 0, index: index)).input
      #expect(input.floats.allSatisfy { abs($0 * 255 - ($0 * 255).rounded()) < 1e-3 && $0 >= 0 && $0 <= 1 })
    }
  }

  @Test func preScalesThatLeaveNoRoomArePassedOver() throws {
    let folder = try DataFolder()
    let image = DataFolder.picture(width: 20, height: 20, seed: 1)
    try folder.write(image, "a.png")
    let source = try source(folder) {
      $0.preScales = [1, 0.7, 0.5]
      $0.symmetries = .none
    }
    let planes = PlanarImage<Double>(image).colour
    var kinds: [Int: Int] = [:]
    for index in 0..<60 {
      let target = try source.sample(SampleKey(seed: 1, epoch: index, index: 0)).target
      // 0.7 makes 14x14 pixels; 0.5 makes 10x10, which hold no patch.
      for (kind, scale) in [(0, 1.0), (1, 0.7)] {
        let large = planes.map { Plane<Float>(scale == 1 ? $0 : $0.resized(scale: scale)) }
        if !find(target, in: large, step: 2, scale: 1 / 255).isEmpty { kinds[kind, default: 0] += 1 }
      }
    }
    #expect((kinds[0] ?? 0) + (kinds[1] ?? 0) == 60 && (kinds[0] ?? 0) > (kinds[1] ?? 0) && (kinds[1] ?? 0) > 5)
  }

  @Test func degradedPatches() throws {
    let (folder, _) = try folder()
    let list: [Degradation] = [.blur(0.5...1), .noise(1...3), .jpeg(60...90)]
    let source = try source(folder) { $0.degradations = list }
    let clean = try self.source(folder)
    for index in 0..<8 {
      let key = SampleKey(seed: 5, epoch: 0, index: index)
      let (bad, good) = (try source.sample(key), try clean.sample(key))
      // The same place and form, and what is to come out is untouched.
      #expect(bad.target == good.target && bad.input.shape == good.input.shape)
      let difference = bad.input.difference(from: good.input)
      #expect(difference.mean > 0.002 && difference.mean < 0.25)
      // Out of a JPEG file come whole numbers.
      #expect(bad.input.floats.allSatisfy { abs($0 * 255 - ($0 * 255).rounded()) < 1e-3 })
    }
    // Without anything to do, what lies around the patch does not matter.
    let idle = try self.source(folder) { $0.degradations = [.noise(0...0)] }
    for index in 0..<8 {
      let key = SampleKey(seed: 6, epoch: 0, index: index)
      #expect(try idle.sample(key) == clean.sample(key))
    }
    // Enlarged after the degradation: of luma, with what lies around.
    for colour in [SuperResolutionSource.Options().colour, .luma] {
      func enlarged(_ degradations: [Degradation]) throws -> SuperResolutionSource {
        try self.source(folder) {
          $0.degradations = degradations
          $0.inputSize = .bicubicEnlarged
          $0.colour = colour
        }
      }
      let sample = try enlarged([.noise(0...0)]).sample(SampleKey(seed: 6, epoch: 0, index: 3))
      #expect(sample.input.shape == [colour == .luma ? 1 : 3, 12, 12] && sample.target.shape == sample.input.shape)
      #expect(sample.input.difference(from: sample.target).mean < 0.3)
    }
  }

  @Test func orderOfDegradationsMatters() throws {
    let (folder, _) = try folder()
    let first = try source(folder) { $0.degradations = [.noise(8...8), .blur(1...1)] }
    let other = try source(folder) { $0.degradations = [.blur(1...1), .noise(8...8)] }
    let key = SampleKey(seed: 5, epoch: 0, index: 0)
    #expect(try first.sample(key) != other.sample(key))
  }

  @Test func sameBitsWithoutCacheAndOnAnyThread() throws {
    let (folder, _) = try folder(.grey)
    for degradations in [[], [Degradation.noise(0...4), .jpeg(70...90)]] {
      func all(_ threads: Int, _ cache: Int) throws -> [Batch] {
        let source = try source(folder) {
          $0.degradations = degradations
          $0.preScales = [1, 0.7]
          $0.cacheByteCount = cache
        }
        var options = BatchLoader.Options()
        options.batchSize = 4
        options.threadCount = threads
        let loader = try BatchLoader(source, options: options, endEpoch: 2)
        var batches: [Batch] = []
        while let batch = try loader.next() { batches.append(batch) }
        return batches
      }
      let expected = try all(0, 1 << 24)
      #expect(expected.count == 8 && expected[0].input.shape == [4, 3, 6, 6])
      for (threads, cache) in [(0, 0), (1, 20_000), (3, 1 << 24), (3, 0)] { #expect(try all(threads, cache) == expected) }
    }
  }

  @Test func refusals() throws {
    let (folder, _) = try folder()
    let changes: [(inout SuperResolutionSource.Options) -> Void] = [
      { $0.scales = [] }, { $0.scales = [2, 3] }, { $0.scales = [17] }, { $0.patch = 13 }, { $0.patch = 0 },
      { $0.patchesPerPicture = 0 },
      { $0.preScales = [] }, { $0.preScales = [1.5] }, { $0.preScales = [.nan] },
    ]
    for change in changes { #expect(throws: DataError.self) { try source(folder, change) } }
    let large = try source(folder) { $0.patch = 28 }
    #expect(
      throws: DataError.pictureTooSmall(path: folder.path + "/0.png", width: 31, height: 26, needed: 28)
    ) { try large.sample(SampleKey(seed: 1, epoch: 0, index: 0)) }
    #expect(large.warnings.count == 1)
  }
}
