import Files
import Formats
import Imaging
import Networks
import Tensors
import Testing

@testable import Training

@Suite struct FolderSourceTests {
  private func key(_ index: Int, epoch: Int = 0) -> SampleKey { SampleKey(seed: 1, epoch: epoch, index: index) }

  private func grey(_ width: Int, _ height: Int, _ samples: [UInt8]) -> Image {
    Image(width: width, height: height, colourModel: .grey, samples: .uint8(samples))
  }

  private func classFolder() throws -> DataFolder {
    let folder = try DataFolder()
    for name in ["dog", "cat"] { _ = try folder.folder(name) }
    try folder.write(grey(2, 1, [0, 255]), "cat/a.png")
    try folder.write(grey(2, 1, [51, 102]), "cat/b.png")
    let red = Image(width: 2, height: 1, colourModel: .rgb, samples: .uint8([255, 0, 0, 0, 255, 51]))
    try folder.write(red, "dog/c.png")
    try folder.write(Array("no picture".utf8), "dog/notes.txt")
    return folder
  }

  @Test func classesAreFolders() throws {
    let folder = try classFolder()
    var options = ClassFolderSource.Options()
    options.labelSmoothing = 0.25
    let source = try ClassFolderSource(folder: folder.path, options: options)
    #expect(source.classes == ["cat", "dog"] && source.count == 3 && (0..<3).map { source.label($0) } == [0, 0, 1])
    #expect(source.files.map(\.name) == ["cat/a.png", "cat/b.png", "dog/c.png"])
    let samples = try (0..<3).map { try source.sample(key($0)) }
    #expect(samples.map(\.input.shape) == [[3, 1, 2], [3, 1, 2], [3, 1, 2]])
    #expect(samples[0].input.floats == [0, 1, 0, 1, 0, 1])
    #expect(samples[2].input.floats == [1, 0, 0, 1, 0, Float(51) * (1 / 255)])
    // 1 - e + e/k and e/k.
    #expect(samples.map(\.target.floats) == [[0.875, 0.125], [0.875, 0.125], [0.125, 0.875]])
    #expect(source.warnings == ["few pictures to learn a class from: 'cat' has 2, 'dog' has 1 (100 or more are better)"])
    // The network's order of classes, with one that has no pictures here.
    let given = try ClassFolderSource(folder: folder.path, classes: ["dog", "cat"], options: options)
    #expect(given.label(0) == 0 && given.files[0].name == "dog/c.png")
  }

  @Test func formOfThePictures() throws {
    let folder = try classFolder()
    var options = ClassFolderSource.Options()
    options.form = PictureForm(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.25, 2])
    let input = try ClassFolderSource(folder: folder.path, options: options).sample(key(0)).input.floats
    for (got, expected) in zip(input, [-1, 1, -2, 2, -0.25, 0.25] as [Float]) { #expect(abs(got - expected) < 1e-6) }
    options.form = PictureForm(size: .init(width: 4, height: 3))
    #expect(try ClassFolderSource(folder: folder.path, options: options).sample(key(2)).input.shape == [3, 3, 4])
    try folder.write(grey(3, 1, [1, 2, 3]), "dog/d.png")
    options.form = PictureForm()
    let source = try ClassFolderSource(folder: folder.path, options: options)
    #expect(
      throws: DataError.pictureSize(path: folder.path + "/dog/d.png", width: 3, height: 1, expected: "2x1")
    ) { try source.sample(key(3)) }
  }

  @Test func flipsAndShifts() throws {
    let folder = try DataFolder()
    _ = try folder.folder("a")
    try folder.write(grey(3, 2, [10, 20, 30, 40, 50, 60]), "a/x.png")
    var options = ClassFolderSource.Options()
    options.flips = true
    options.shift = 1
    let source = try ClassFolderSource(folder: folder.path, options: options)
    var seen: Set<[Int]> = []
    for epoch in 0..<400 {
      let input = try source.sample(key(0, epoch: epoch)).input.floats.prefix(6)
      seen.insert(input.map { Int(($0 * 255).rounded()) })
    }
    // Two forms in nine places each.
    #expect(seen.count == 18)
    #expect(seen.contains([10, 20, 30, 40, 50, 60]) && seen.contains([30, 20, 10, 60, 50, 40]))
    #expect(seen.contains([0, 0, 0, 0, 10, 20]) && seen.contains([50, 40, 0, 0, 0, 0]))
  }

  @Test func folderErrors() throws {
    let folder = try DataFolder()
    #expect(throws: DataError.noClasses(folder: folder.path)) { try ClassFolderSource(folder: folder.path, options: .init()) }
    #expect(throws: DataError.self) { try ClassFolderSource(folder: folder.path + "/absent", options: .init()) }
    _ = try folder.folder("a")
    try folder.write([1, 2], "a/x.png")
    #expect {
      try ClassFolderSource(folder: folder.path, options: .init())
    } throws: { "\($0)".hasPrefix("none of 1 samples can be read; the first: '") }
    var options = ClassFolderSource.Options()
    options.labelSmoothing = 1
    #expect(throws: DataError.self) { try ClassFolderSource(folder: folder.path, options: options) }
  }

  @Test func masksOfOneClassAndOfSeveral() throws {
    let folder = try DataFolder()
    let (pictures, masks) = (try folder.folder("image"), try folder.folder("label"))
    try folder.write(grey(3, 2, [0, 51, 102, 153, 204, 255]), "image/0.png")
    try folder.write(grey(3, 2, [0, 127, 128, 255, 1, 0]), "label/0.png")
    var options = MaskPairSource.Options()
    options.symmetries = .none
    let source = try MaskPairSource(pictures: pictures, masks: masks, options: options)
    let sample = try source.sample(key(0))
    #expect(sample.target == Tensor([1, 2, 3], [0, 0, 1, 1, 0, 0]))
    #expect(sample.input == Tensor([1, 2, 3], [0, 51, 102, 153, 204, 255].map { $0 * (1 / 255) }))
    #expect(source.files.map(\.name) == ["0.png", "mask/0.png"])

    try folder.write(grey(3, 2, [0, 2, 1, 1, 2, 0]), "label/0.png")
    options.classes = 3
    options.form = PictureForm()
    let several = try MaskPairSource(pictures: pictures, masks: masks, options: options).sample(key(0))
    #expect(several.input.shape == [3, 2, 3])
    #expect(several.target == Tensor([3, 2, 3], [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0]))
    options.classes = 2
    #expect(throws: DataError.maskLevel(path: masks + "/0.png", level: 2, classes: 2)) {
      try MaskPairSource(pictures: pictures, masks: masks, options: options).sample(key(0))
    }
  }

  @Test func masksGoWithTheirPictures() throws {
    let folder = try DataFolder()
    let (pictures, masks) = (try folder.folder("image"), try folder.folder("label"))
    let image = DataFolder.picture(width: 12, height: 10, model: .grey, seed: 3)
    try folder.write(image, "image/a.png")
    try folder.write(image, "label/a.tif")
    var options = MaskPairSource.Options()
    for patch in [nil, 6] as [Int?] {
      options.patch = patch
      let source = try MaskPairSource(pictures: pictures, masks: masks, options: options)
      var seen: Set<[Float]> = []
      for epoch in 0..<50 {
        let sample = try source.sample(key(0, epoch: epoch))
        #expect(sample.input.floats.map { $0 > 0.5 ? 1 : 0 } == sample.target.floats)
        seen.insert(sample.input.floats)
      }
      #expect(patch == nil ? seen.count == 4 : seen.count > 30)
    }
    try folder.write(DataFolder.picture(width: 11, height: 10, model: .grey, seed: 3), "label/a.tif")
    #expect(throws: DataError.maskSize(picture: pictures + "/a.png", mask: masks + "/a.tif")) {
      try MaskPairSource(pictures: pictures, masks: masks, options: options).sample(key(0))
    }
    try folder.write(image, "image/b.png")
    #expect(throws: DataError.noMask(picture: pictures + "/b.png", folder: masks)) {
      try MaskPairSource(pictures: pictures, masks: masks, options: options)
    }
  }

  @Test func lowLightByHand() throws {
    let folder = try DataFolder()
    // Red, green and blue of four pixels.
    let pixels: [UInt8] = [255, 0, 51, 0, 255, 102, 10, 20, 30, 102, 204, 153]
    try folder.write(Image(width: 2, height: 2, colourModel: .rgb, samples: .uint8(pixels)), "a.png")
    var options = LowLightSource.Options()
    options.patch = 2
    options.symmetries = .none
    (options.ratio, options.gamma, options.shot, options.read) = (4...4, 2, 0...0, 0...0)
    options.whiteLevel = 100
    let sample = try LowLightSource(PictureSet(folders: [folder.path]), options: options).sample(key(0))
    // Red of the first pixel, green of the second, blue of the fourth, green of the third: squared, a quarter, to hundredths, times 4.
    // 1/4 is 25 hundredths; (153/255)^2 / 4 = 0.09; (20/255)^2 / 4 = 0.0015, which is rounded to nothing.
    for (got, expected) in zip(sample.input.floats, [1, 1, 0.36, 0] as [Float]) { #expect(abs(got - expected) < 1e-6) }
    #expect(sample.input.shape == [4, 1, 1])
    #expect(sample.target == Tensor([3, 2, 2], [255, 0, 10, 102, 0, 255, 20, 204, 51, 102, 30, 153].map { $0 * (1 / 255) }))
  }

  @Test func lowLightNoiseHasItsVariance() throws {
    let folder = try DataFolder()
    try folder.write(grey(64, 64, Array(repeating: 255, count: 4096)), "a.png")
    var options = LowLightSource.Options()
    (options.patch, options.ratio, options.gamma, options.shot, options.read) = (64, 2...2, 1, 0.0008...0.0008, 0.01...0.01)
    options.whiteLevel = 1 << 24
    let source = try LowLightSource(PictureSet(folders: [folder.path]), options: options)
    // What is clipped at 1 is half of it: below, the distances are those of half a normal distribution.
    let below = try source.sample(key(0)).input.floats.filter { $0 < 1 }.map { (1 - Double($0)) / 2 }
    #expect(abs(Double(below.count) - 2048) < 5 * 32)
    let variance = below.reduce(0) { $0 + $1 * $1 } / Double(below.count)
    // Of d = 1/2: 0.0008 / 2 + 0.0001.
    #expect(abs(variance / 0.0005 - 1) < 5 * 0.0313)
    options.ratio = 50...300
    options.shot = 0...0
    options.read = 0...0
    let clean = try LowLightSource(PictureSet(folders: [folder.path]), options: options)
    #expect(try clean.sample(key(0)).input.floats.allSatisfy { abs($0 - 1) < 1e-4 })
    options.patch = 63
    #expect(throws: DataError.self) { try LowLightSource(PictureSet(folders: [folder.path]), options: options) }
  }

  @Test func rowsOfAFile() throws {
    let folder = try DataFolder()
    let path = folder.path + "/a.h5"
    let (data, label) = (Tensor([5, 1, 2, 2], (0..<20).map { Float($0) }), Tensor([5, 3], (0..<15).map { Float(-$0) }))
    let writer = try HDF5Writer(
      path: path,
      datasets: [.init(name: "data", row: [1, 2, 2]), .init(name: "label", row: [3]), .init(name: "few", row: [3])],
      chunkRows: 2)
    try writer.append(data, to: 0)
    try writer.append(label, to: 1)
    try writer.append(Tensor([1, 3], [1, 2, 3]), to: 2)
    try writer.commit()
    let source = try HDF5Source(path: path)
    #expect(source.count == 5 && source.warnings.count == 1 && source.files == [DataFile(name: "a.h5", path: path)])
    #expect(
      try source.sample(key(3)) == Sample(input: Tensor([1, 2, 2], [12, 13, 14, 15]), target: Tensor([3], [-9, -10, -11])))
    #expect(throws: DataError.rowCounts(path: path, inputs: [5, 1, 2, 2], targets: [1, 3])) {
      try HDF5Source(path: path, targets: "few")
    }
    #expect(throws: DataError.self) { try HDF5Source(path: path, targets: "absent") }
  }

  @Test func fingerprintsTellNamesSizesAndContents() throws {
    let folder = try DataFolder()
    try folder.write([1, 2, 3], "a")
    try folder.write([4], "b")
    func text(_ files: [(String, String)]) throws -> String {
      try DataFingerprint(files.map { DataFile(name: $0.0, path: folder.path + "/" + $0.1) }).text
    }
    let first = try text([("a", "a"), ("b", "b")])
    #expect(try text([("a", "a"), ("b", "b")]) == first)
    #expect(
      try text([("b", "b"), ("a", "a")]) != first && text([("a", "a"), ("c", "b")]) != first && text([("a", "a")]) != first)
    try folder.write([5], "b")
    #expect(try text([("a", "a"), ("b", "b")]) != first)
    #expect(try DataFingerprint([]).text == "cbf29ce484222325")
    #expect(throws: DataError.file(.notFound(path: folder.path + "/z"))) { try text([("z", "z")]) }
  }
}
