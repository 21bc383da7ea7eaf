import Files
import Foundation
import Imaging
import Testing

@Suite struct ImageFileTests {
  @Test func writesAndReads() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "imaging-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let image = TestPictures.noise(.rgb, bits: 16)
    try image.write(to: folder + "/a.PNG")
    #expect(try Image(path: folder + "/a.PNG") == image)
    // The content decides on reading, the caller on writing.
    try image.write(to: folder + "/b.png", as: .tiff)
    #expect(try Image(path: folder + "/b.png") == image)
    #expect(throws: ImageError.unknownExtension(name: folder + "/c")) { try image.write(to: folder + "/c") }
    #expect(throws: ImageError.file(.notFound(path: folder + "/d.png"))) { try Image(path: folder + "/d.png") }
    #expect(throws: ImageError.file(.noFolder(path: folder + "/e/f.png", folder: folder + "/e"))) {
      try image.write(to: folder + "/e/f.png")
    }
    let found = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(found == ["a.PNG", "b.png"])
  }

  @Test func errorsAreOneLineEach() {
    let errors: [ImageError] = [
      .file(.notFound(path: "a\nb")), .unknownFormat(name: "a\nb"), .unknownExtension(name: "a\nb"),
      .tooManyPixels(name: "a\nb", width: 1, height: 2, limit: 3),
      .tooManyBytes(name: "a\nb", width: 1, height: 2, bytes: 3, limit: 4),
      .corrupt(name: "a\nb", format: .png, reason: "c"), .unsupported(name: "a\nb", format: .tiff, reason: "c"),
      .outOfMemory(name: "a\nb"), .tooLargeForFormat(format: .webp, width: 1, height: 2),
      .metadataTooLarge(format: .jpeg, block: "EXIF", bytes: 1, limit: 2), .invalidQuality(format: .jpeg, quality: 0),
      .encodingFailed(format: .bmp, reason: "c"), .notWritten(format: .gif),
      .libraryMissing(name: "a\nb", format: .avif, package: "c"), .libraryMissing(name: nil, format: .jxl, package: "c"),
    ]
    for error in errors { #expect(!"\(error)".contains("\n")) }
    #expect(
      "\(ImageError.tooManyPixels(name: "p.png", width: 100_000, height: 100_000, limit: 9))"
        == "'p.png': 100000x100000 pixels are more than the limit of 9 pixels; raise the limit or crop the picture")
  }
}
