import Foundation
import Swiftlet
import Testing

@Suite struct DataCommandTests {
  static let failures = [
    CommandCase("data prepare absent -o a.h5", 1, "swiftlet: 'absent' does not exist; check the path"),
    CommandCase("data prepare folder -o a.h5", 1, "swiftlet: the folder 'folder' holds no pictures; give one that does"),
    CommandCase(
      "data prepare . -o folder", 1,
      "swiftlet: 'folder' is a folder, where a file belongs; name a file, or move the folder away"),
    CommandCase("data prepare . -o photo.png", 64, "swiftlet: the name 'photo.png' does not say which format…"),
    CommandCase(
      "data prepare . -o absent/a.h5", 1,
      "swiftlet: 'absent/a.h5' cannot be written because the folder 'absent' does not exist; create it first"),
    CommandCase(
      "data prepare . -o - --patch 12", 1,
      "swiftlet: 'standard output': the HDF5 file is not written from front to back; give the name of a file to write it to"),
    CommandCase(
      "data prepare . -o a.h5 --patch 100", 1,
      "swiftlet: no picture holds a patch of 100x100 pixels; give larger pictures or a smaller patch"),
    CommandCase(
      "data prepare . -o a.h5 --scales 1", 64,
      "swiftlet: scales cannot be 1; give factors from 2 to 16 (see 'swiftlet data prepare --help')"),
    CommandCase("data prepare . -o a.h5 --scales two", 64, "swiftlet: The value 'two' is invalid for '--scales <scales>'…"),
    CommandCase(
      "data prepare . -o a.h5 --downscales 1,0", 64,
      "swiftlet: downscales cannot be [1.0, 0.0]; give factors from 0.05 to 1 (see 'swiftlet data prepare --help')"),
    CommandCase(
      "data prepare . -o a.npy", 64, "swiftlet: the name 'a.npy' does not say which format to write; end it in .h5 or .hdf5 …"),
    CommandCase(
      "data prepare . -o a.h5 --threads 0", 64, "swiftlet: The value '0' is invalid for '--threads <n>': give a whole …"),
    CommandCase("data prepare -o a.h5", 64, "swiftlet: …"),
  ]

  @Test(arguments: failures) func `one line, and a code`(failure: CommandCase) throws {
    try Workplace().check(failure)
  }

  @Test func `a file of patches is the same for all threads`() throws {
    let place = try Workplace()
    // 48x36: at each scale one patch of 41 does not fit into 36 rows.
    let arguments = ["data", "prepare", ".", "--patch", "12", "--stride", "12", "--scales", "2,3", "--flips", "--seed", "7"]
    let result = try place.run(arguments + ["-o", "a.h5", "--threads", "1"])
    #expect(result.code == 0 && result.error.isEmpty)
    // Three forms, two scales, four by three patches.
    #expect(result.output == "72 patches of 12x12 from 1 picture: 'data' and 'label', 81.0 KiB (82,944 bytes)\n")
    let json = try place.run(arguments + ["-o", "b.h5", "--threads", "3", "--json"])
    #expect(json.code == 0 && json.output.contains("\"patches\" : 72"))
    let bytes = try FileReader.bytes(of: place.path("a.h5"), limit: 1 << 24)
    #expect(try FileReader.bytes(of: place.path("b.h5"), limit: 1 << 24) == bytes)
    #expect(try HDF5File(path: place.path("a.h5")).dataset("label").shape == [72, 1, 12, 12])
  }

  /// Only files of patches are written over.
  @Test func `files of others stay`() throws {
    let place = try Workplace()
    let arguments = ["data", "prepare", ".", "--patch", "12", "-o", "a.h5"]
    for _ in 0..<2 { #expect(try place.run(arguments).code == 0) }
    func refused() throws -> Bool {
      let result = try place.run(arguments)
      return result.code == 64 && result.error.contains("'a.h5' stands there and was not saved by 'data prepare', and is not")
    }
    try Data("mine".utf8).write(to: URL(fileURLWithPath: place.path("a.h5")))
    #expect(try refused())
    #expect(try String(contentsOfFile: place.path("a.h5"), encoding: .utf8) == "mine")
    let writer = try HDF5Writer(path: place.path("a.h5"), datasets: [.init(name: "weights", row: [3])], chunkRows: 1)
    try writer.commit()
    #expect(try refused())
  }

  @Test func `damaged pictures are named`() throws {
    let place = try Workplace()
    try AtomicFile.write([1, 2, 3], to: place.path("bad\u{1B}.png"))
    let arguments = ["data", "prepare", ".", "-o", "a.h5", "--patch", "12"]
    let line =
      "'./bad\\u{1b}.png': not a picture that is read here; "
      + "give one of PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG XL\n"
    let stopped = try place.run(arguments)
    #expect(stopped.code == 1 && stopped.error == "swiftlet: \(line)")
    #expect(!(try place.names()).contains("a.h5"))
    let skipped = try place.run(arguments + ["--skip-damaged"])
    #expect(skipped.code == 0 && skipped.error == "swiftlet: left out: \(line)")
    #expect(try place.names().contains("a.h5"))
  }

  #if os(Linux)
    @Test func `a file that outgrows its limit leaves nothing`() throws {
      let place = try Workplace()
      let result = try place.run(
        ["data", "prepare", ".", "-o", "a.h5", "--patch", "12", "--stride", "1"], under: "ulimit -f 64")
      #expect(result.code == 1)
      #expect(
        result.error
          == "swiftlet: the system allows no file as large as 'a.h5', and it was not written; raise the limit (ulimit -f) or choose another place\n"
      )
      #expect(try place.names() == Workplace.contents)
    }
  #endif
}
