import Files
import Formats
import Imaging
import Tensors
import Testing

@testable import Training

@Suite struct PatchFileTests {
  private func options(_ change: (inout PatchFile) -> Void = { _ in }) -> PatchFile {
    var options = PatchFile()
    options.patch = 9
    options.stride = 7
    options.seed = nil
    change(&options)
    return options
  }

  private func rows(_ path: String, _ name: String) throws -> Tensor {
    let dataset = try HDF5File(path: path).dataset(name)
    return try dataset.rows(0..<dataset.rowCount)
  }

  /// The same from the formulas, one patch after the other.
  private func expected(_ images: [Image], _ options: PatchFile) -> (data: [Float], label: [Float]) {
    var result: (data: [Float], label: [Float]) = ([], [])
    for image in images {
      for orientation in options.symmetries.orientations {
        for scale in options.scales {
          for downscale in options.downscales {
            var label = PlanarImage<Double>(image.oriented(orientation)).luma
            if downscale != 1 { label = label.resized(scale: downscale) }
            label = label.cropped(width: label.width / scale * scale, height: label.height / scale * scale)
            let data = label.resized(scale: 1 / Double(scale)).resized(width: label.width, height: label.height)
            var y = 0
            while y + options.patch <= label.height {
              var x = 0
              while x + options.patch <= label.width {
                for row in 0..<options.patch {
                  for column in 0..<options.patch {
                    result.data.append(Float(data[x + column, y + row] / 255))
                    result.label.append(Float(label[x + column, y + row] / 255))
                  }
                }
                x += options.stride
              }
              y += options.stride
            }
          }
        }
      }
    }
    return result
  }

  @Test(arguments: [Symmetries.none, Symmetries(flips: true, rotations: false), .all])
  func patchesAreThoseOfTheFormulas(symmetries: Symmetries) throws {
    let folder = try DataFolder()
    let images = [
      DataFolder.picture(width: 31, height: 26, seed: 1), DataFolder.picture(width: 20, height: 37, model: .grey, seed: 2),
    ]
    for (index, image) in images.enumerated() { try folder.write(image, "\(index).png") }
    let options = options {
      $0.symmetries = symmetries
      $0.downscales = [1, 0.7]
    }
    let report = try options.write(PictureSet(folders: [folder.path]), to: folder.path + "/a.h5")
    let expected = expected(images, options)
    #expect(report.patches * 81 == expected.data.count && report.pictures == 2 && report.tooSmall.isEmpty)
    #expect(try rows(folder.path + "/a.h5", "data") == Tensor([report.patches, 1, 9, 9], expected.data))
    #expect(try rows(folder.path + "/a.h5", "label") == Tensor([report.patches, 1, 9, 9], expected.label))
  }

  @Test func shufflingMovesRowsAloneAndBySeed() throws {
    let folder = try DataFolder()
    for index in 0..<3 { try folder.write(DataFolder.picture(width: 40, height: 30, seed: UInt64(index)), "\(index).png") }
    func write(_ name: String, _ change: (inout PatchFile) -> Void) throws -> (
      data: [[Float]], label: [[Float]], bytes: [UInt8]
    ) {
      let path = folder.path + "/" + name
      _ = try options(change).write(PictureSet(folders: [folder.path]), to: path)
      let (data, label) = (try rows(path, "data"), try rows(path, "label"))
      func split(_ tensor: Tensor) -> [[Float]] { (0..<tensor.shape[0]).map { Array(tensor.floats[$0 * 81..<($0 + 1) * 81]) } }
      return (split(data), split(label), try FileReader.bytes(of: path, limit: 1 << 26))
    }
    let inOrder = try write("a.h5") { _ in }
    let shuffled = try write("b.h5") { $0.seed = 4 }
    let again = try write("c.h5") {
      $0.seed = 4
      $0.threadCount = 3
    }
    let other = try write("d.h5") { $0.seed = 5 }
    #expect(shuffled.bytes == again.bytes)
    #expect(shuffled.data != inOrder.data && shuffled.data != other.data)
    for file in [shuffled, other] {
      // Each row once, and inputs with their targets.
      func sorted(_ file: (data: [[Float]], label: [[Float]], bytes: [UInt8])) -> [[Float]] {
        zip(file.data, file.label).map { $0 + $1 }.sorted { $0.lexicographicallyPrecedes($1) }
      }
      #expect(sorted(file) == sorted(inOrder))
    }
  }

  @Test func damagedAndSmallPictures() throws {
    let folder = try DataFolder()
    try folder.write(DataFolder.picture(width: 40, height: 30, seed: 1), "a.png")
    try folder.write(DataFolder.picture(width: 8, height: 30, seed: 2), "b.png")
    try folder.write([1, 2, 3], "c.png")
    let path = folder.path + "/x.h5"
    let pictures = try PictureSet(folders: [folder.path])
    let line =
      "'\(folder.path)/c.png': not a picture that is read here; "
      + "give one of PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG XL"
    #expect { try options().write(pictures, to: path) } throws: { "\($0)" == line }
    #expect(folder.names == ["a.png", "b.png", "c.png"])
    let report = try options { $0.skipsDamaged = true }.write(pictures, to: path)
    #expect(report.skipped == [.init(path: folder.path + "/c.png", reason: line)])
    #expect(report.tooSmall == [folder.path + "/b.png"] && report.pictures == 2)
    #expect { try options { $0.patch = 99 }.write(pictures, to: path) } throws: { $0 as? DataError != nil }
    #expect(throws: DataError.noPatches(side: 99)) {
      try options {
        $0.patch = 99
        $0.skipsDamaged = true
      }.write(pictures, to: path)
    }
    #expect(throws: DataError.noPictures(folder: try! folder.folder("empty"))) {
      try PictureSet(folders: [folder.path + "/empty"])
    }
  }

  @Test func optionsOutOfRange() throws {
    let folder = try DataFolder()
    try folder.write(DataFolder.picture(width: 40, height: 30, seed: 1), "a.png")
    let pictures = try PictureSet(folders: [folder.path])
    let changes: [(inout PatchFile) -> Void] = [
      { $0.scales = [] }, { $0.scales = [1] }, { $0.patch = 0 }, { $0.stride = 0 }, { $0.downscales = [2] },
      { $0.downscales = [0] },
      { $0.downscales = [.nan] }, { $0.chunkRows = 0 }, { $0.threadCount = 0 },
    ]
    for change in changes {
      #expect { try options(change).write(pictures, to: folder.path + "/x.h5") } throws: { error in
        if case .option? = error as? DataError { true } else { false }
      }
    }
    // The picture itself is no output.
    #expect(throws: DataError.self) {
      try FileClaims.together { () throws(DataError) in try options().write(pictures, to: folder.path + "/a.png") }
    }
  }
}
