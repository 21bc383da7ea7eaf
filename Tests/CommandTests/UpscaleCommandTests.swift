import Foundation
import Swiftlet
import Testing

@Suite struct UpscaleCommandTests {
  @Test func `a file becomes a file`() throws {
    let place = try Workplace()
    let result = try place.run(["upscale", "photo.png", "-o", "big.png", "-m", "MODEL"])
    #expect(result.code == 0 && result.error.isEmpty)
    #expect(result.output.hasPrefix("photo.png 48x36 -> big.png 96x72 in "))
    let image = try place.image("big.png")
    #expect(image.width == 96 && image.height == 72)
    #expect(try place.names() == (Workplace.contents + ["big.png"]).sorted())
  }

  @Test func `standard input and output`() throws {
    let place = try Workplace()
    let photo = try Data(contentsOf: URL(fileURLWithPath: place.path("photo.png")))
    let result = try place.run(["upscale", "-", "-o", "-", "-m", "MODEL", "--scale", "1.5"], input: photo)
    #expect(result.code == 0)
    let image = try ImageCodec.decode(Array(result.outputBytes))
    #expect(image.width == 72 && image.height == 54)
    // The output goes behind what stands there.
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "(echo head; \"$0\" upscale photo.png -o - -m model.safetensors 2>/dev/null) >joined", Workplace.executable.path,
    ]
    shell.currentDirectoryURL = place.folder
    try shell.run()
    shell.waitUntilExit()
    let joined = try FileReader.bytes(of: place.path("joined"), limit: 1 << 24)
    #expect(joined.starts(with: Array("head\n".utf8)) && ImageFormat(sniffing: joined.dropFirst(5)) == .png)
    let jpeg = try place.run(["upscale", "-", "-o", "-", "-m", "MODEL", "-f", "jpeg"], input: photo)
    #expect(ImageFormat(sniffing: Array(jpeg.outputBytes)) == .jpeg)
  }

  @Test func `one bad file in a folder does not stop the others`() throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("in/deep"), withIntermediateDirectories: true)
    for name in ["in/a.png", "in/c.png", "in/deep/d.png"] {
      try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path(name))
    }
    try AtomicFile.write(Array("broken".utf8), to: place.path("in/b.png"))
    try AtomicFile.write(Array("notes".utf8), to: place.path("in/notes.txt"))

    let flat = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "--suffix", "-big"])
    #expect(flat.code == 1)
    #expect(
      flat.error
        == "swiftlet: 'in/b.png': not a picture that is read here; give one of PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG XL\n"
    )
    #expect(try manager.contentsOfDirectory(atPath: place.path("out")).sorted() == ["a-big.png", "c-big.png"])

    let deep = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "-r", "-f", "webp", "--json"])
    #expect(deep.code == 1)
    #expect(manager.fileExists(atPath: place.path("out/deep/d.webp")))
    let report = try #require(try JSONSerialization.jsonObject(with: deep.outputBytes) as? [String: Any])
    #expect((report["results"] as? [Any])?.count == 3 && (report["failures"] as? [Any])?.count == 1)

    let again = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "--suffix", "-big", "--skip-existing"])
    #expect(
      again.output == """
        out/a-big.png is there already, of the right size, skipped
        out/c-big.png is there already, of the right size, skipped
        0 enlarged, 2 there already, 1 failed; 1 passed over, no pictures by their names: in/notes.txt; the folder inside was not entered (-r enters it)

        """)
    // Their sizes are known, and by which model they were made is not.
    let told = try place.run(
      ["upscale", "in", "-o", "out", "-m", "MODEL", "--suffix", "-big", "--skip-existing", "--json"])
    let there = try #require(try JSONSerialization.jsonObject(with: told.outputBytes) as? [String: Any])
    for case let result as [String: Any] in (there["results"] as? [Any]) ?? [] {
      #expect(
        result["model"] == nil && (result["width"] as? Int ?? 0) > 0 && (result["input_height"] as? Int ?? 0) > 0, "\(result)")
    }
  }

  /// What a run has made is no input of the next, wherever it lies and whatever the folder is called.
  @Test func `outputs below the inputs are not taken again`() throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("in/deep"), withIntermediateDirectories: true)
    for name in ["in/a.png", "in/deep/d.png"] {
      try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path(name))
    }
    var first: [String]?
    for output in ["in/out", "in/out", "./in/deep/../out/", place.path("in/out")] {
      let result = try place.run(["upscale", "in", "-o", output, "-m", "MODEL", "-r"])
      #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
      let files = try manager.subpathsOfDirectory(atPath: place.path("in")).sorted()
      #expect(files == first ?? ["a.png", "deep", "deep/d.png", "out", "out/a.png", "out/deep", "out/deep/d.png"])
      first = files
      #expect(try place.image("in/out/a.png").width == 96)
    }
  }

  /// Outputs beside their inputs: a second run makes what is missing, and takes none of them for a picture to enlarge.
  @Test func `work in place goes on where it stopped`() throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for name in ["in/a.png", "in/b.png"] { try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path(name)) }
    #expect(mkfifo(place.path("in/pipe.png"), 0o600) == 0)
    let command = ["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "_x2", "--skip-existing"]
    for _ in 0..<3 {
      let result = try place.run(command)
      #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
      #expect(
        try manager.contentsOfDirectory(atPath: place.path("in")).sorted() == [
          "a.png", "a_x2.png", "b.png", "b_x2.png", "pipe.png",
        ])
      try manager.removeItem(atPath: place.path("in/b_x2.png"))
    }
  }

  /// Without --skip-existing, too, outputs of an earlier run into the folder of their inputs are neither taken nor written over, whatever their
  /// format; what has none yet is made.
  @Test(arguments: [[], ["-r"], ["-r", "-f", "webp"], ["-f", "jpg", "--skip-existing"]])
  func `outputs of an earlier run are left alone`(options: [String]) throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("in/deep"), withIntermediateDirectories: true)
    let originals = ["in/a.png", "in/b-x2c.png", "in/deep/a.png", "in/deep/d-x2.png"]
    for name in originals { try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path(name)) }
    let command = ["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "-x2"] + options
    let isDeep = options.contains("-r"), count = isDeep ? 4 : 2
    func files() throws -> [String: Data] {
      var result: [String: Data] = [:]
      for name in try manager.subpathsOfDirectory(atPath: place.path("in")) where name.contains(".") {
        result[name] = try Data(contentsOf: URL(fileURLWithPath: place.path("in/" + name)))
      }
      return result
    }
    let first = try place.run(command)
    #expect(first.code == 0 && first.error.isEmpty, "\(first.error)")
    #expect(first.output.contains("\n\(count) enlarged"), "\(first.output)")
    let made = try files()
    #expect(made.count == originals.count + count)
    // An output that was changed by hand stays as it is.
    let changed = try #require(made.keys.first { $0.hasPrefix("a-x2.") })
    try TestChart.image(width: 96, height: 72).write(to: place.path("in/" + changed))
    let standing = try files()
    let again = try place.run(command)
    #expect(again.code == 0 && again.error.isEmpty, "\(again.error)")
    #expect(again.output.contains("\n0 enlarged, \(count) there already"), "\(again.output)")
    #expect(again.output.contains("\(count) not enlarged, called as outputs of an earlier run: in/"), "\(again.output)")
    #expect(try files() == standing)
    // Another format is another output, and what was made in the first is no input of it.
    let other = try place.run(
      ["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "-x2", "-f", "bmp"] + (isDeep ? ["-r"] : []))
    #expect(other.code == 0 && other.output.contains("\n\(count) enlarged"), "\(other.output)")
    #expect(try files().keys.filter { $0.hasSuffix(".bmp") }.count == count)
    #expect(try !files().keys.contains { $0.contains("-x2-x2.") && !$0.hasPrefix("deep/d") })
    // One that is gone is made again.
    try manager.removeItem(atPath: place.path("in/" + changed))
    let third = try place.run(command)
    #expect(third.code == 0 && third.output.contains("\n1 enlarged, \(count - 1) there already"), "\(third.output)")
    // In another folder every picture of these is one.
    let apart = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "--suffix", "-x2", "-f", "png"])
    #expect(!apart.output.contains("called as outputs"), "\(apart.output)")
  }

  /// Folders inside are not passed over without a word.
  @Test func `folders that are not entered are said`() throws {
    let place = try Workplace()
    let manager = FileManager.default
    for name in ["in/b/c", "in/d", "none/x", "none/y"] {
      try manager.createDirectory(atPath: place.path(name), withIntermediateDirectories: true)
    }
    for name in ["in/a.png", "in/b/a.png"] { try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path(name)) }
    let flat = try place.run(["upscale", "in", "-o", "in/out", "-m", "MODEL"])
    #expect(flat.output.hasSuffix("\n1 enlarged; 2 folders inside were not entered (-r enters them)\n"), "\(flat.output)")
    let again = try place.run(["upscale", "in", "-o", "in/out", "-m", "MODEL", "--json"])
    #expect(again.output.contains("\"in\\/d\"") || again.output.contains("\"in/d\""), "\(again.output)")
    let deep = try place.run(["upscale", "in", "-o", "in/out", "-m", "MODEL", "-r"])
    #expect(deep.code == 0 && !deep.output.contains("not entered"), "\(deep.output)")
    let none = try place.run(["upscale", "none", "-o", "out", "-m", "MODEL"])
    #expect(
      none.code == 1
        && none.error == "swiftlet: the folder 'none' holds no pictures; 2 folders inside were not entered (-r enters them)\n")
  }

  /// What is too much of one picture names it, the option and the limit.
  @Test func `sizes beyond the limit`() throws {
    let place = try Workplace()
    for model in [[], ["-m", "MODEL"]] {
      for (options, times) in [
        (["--width", "9000"], "187.5"), (["--height", "2305"], "64.0"), (["--width", "9000", "--height", "9000"], "187.5"),
        (["--megapixels", "4000"], "1521.5"),
      ] {
        let result = try place.run(["upscale", "photo.png", "-o", "a.png"] + model + options)
        #expect(result.code == 1 && result.output.isEmpty)
        #expect(
          result.error
            == "swiftlet: 'photo.png': the picture has 48x36 pixels, and \(options.joined(separator: " ")) would enlarge it "
            + "\(times) times; at most 64 times can be asked for\n")
      }
    }
    let most = try place.run(["upscale", "photo.png", "-o", "a.png", "-m", "MODEL", "--width", "3072"])
    #expect(most.code == 0, "\(most.error)")
  }

  /// A program that reads the report gets one for each end.
  @Test func `a single picture with wrong arguments has a report, too`() throws {
    let place = try Workplace()
    for arguments in [["-o", "out.xyz"], ["-o", "photo"]] {
      let plain = try place.run(["upscale", "photo.png", "-m", "MODEL"] + arguments)
      let told = try place.run(["upscale", "photo.png", "-m", "MODEL", "--json"] + arguments)
      #expect(plain.code == 64 && told.code == 64 && plain.error == told.error && plain.output.isEmpty)
      #expect(told.error.split(separator: "\n").count == 1)
      let report = try #require(try JSONSerialization.jsonObject(with: told.outputBytes) as? [String: Any])
      let failures = try #require(report["failures"] as? [[String: String]])
      #expect(failures.count == 1 && failures[0]["input"] == "photo.png")
      #expect(failures.first?["error"].map { told.error.contains($0) } == true)
    }
  }

  /// Who ends a batch hears how far it came and how to go on.
  @Test func `a batch that is interrupted says how to go on`() throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    let image = TestChart.image(width: 300, height: 200)
    for index in 0..<200 { try image.write(to: place.path("in/\(1000 + index).png")) }
    let process = Process()
    process.executableURL = Workplace.executable
    process.arguments = ["upscale", "in", "-o", "out", "-m", "model.safetensors"]
    process.currentDirectoryURL = place.folder
    let error = Pipe()
    process.standardError = error
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, !manager.fileExists(atPath: place.path("out/1001.png")) { usleep(1000) }
    process.interrupt()
    let text = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGINT)
    #expect(
      text.hasPrefix("swiftlet: interrupted; ")
        && text.hasSuffix(" pictures are done, and the same command with --skip-existing goes on\n"), "\(text)")
    let words = text.split(separator: " ")
    let done = try #require(words.count > 4 ? Int(words[2]) : nil)
    let made = try manager.contentsOfDirectory(atPath: place.path("out")).filter { $0.hasSuffix(".png") }
    #expect(words[4] == "200" && done >= 1 && (done...done + 1).contains(made.count), "\(done) of \(made.count)")
  }

  @Test func `help names the formats that are written`() throws {
    let help = try Workplace().run(["upscale", "--help"]).output
    let start = try #require(help.range(of: "--format"))
    let text = help[start.lowerBound...].prefix(300)
    #expect(text.contains("avif") && text.contains("jxl") && !text.contains("gif") && !text.contains("heic"), "\(text)")
    #expect(try Workplace().run(["upscale", "photo.png", "-o", "a.png", "-f", "xyz"]).code == 64)
  }

  /// The mend is named where it is one.
  @Test func `a cut file is not promised what is not done`() throws {
    let place = try Workplace()
    let picture = TestChart.image(width: 700, height: 500)
    for (name, encoding) in [
      ("a.avif", ImageEncoding.avif(quality: 80)), ("a.jxl", .jxl(quality: 80)), ("b.jxl", .jxlLossless),
    ] {
      // Without the library there is nothing to be told.
      guard let whole = try? picture.encoded(as: encoding) else { continue }
      for share in [0.2, 0.5, 0.8, 0.95] {
        try AtomicFile.write(Array(whole.prefix(Int(Double(whole.count) * share))), to: place.path(name))
        let refused = try place.run(["upscale", name, "-o", "big.png", "-m", "MODEL"])
        #expect(refused.code == 1)
        let taken = try place.run(["upscale", name, "-o", "big.png", "-m", "MODEL", "--tolerant"])
        #expect((taken.code == 0) == refused.error.contains("--tolerant"), "\(name) \(share): \(refused.error) \(taken.error)")
      }
    }
  }

  @Test func `what a format does not hold is said, and stripped where asked for`() throws {
    let place = try Workplace()
    var image = try place.image("photo.png")
    image.metadata.xmp = Array("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".utf8)
    image.metadata.iptc = [0x1C, 2, 5, 0, 1, 65]
    image.metadata.resolution = ImageResolution(horizontal: 300, vertical: 300, unit: .inch)
    image.metadata.chunks = [PNGChunk(kind: "tEXt", bytes: Array("parameters\0steps".utf8))]
    try image.write(to: place.path("full.png"))
    let same = try place.run(["upscale", "full.png", "-o", "a.png", "-m", "MODEL"])
    #expect(same.error.isEmpty)
    #expect(try place.image("a.png").metadata.resolution == image.metadata.resolution)
    let webp = try place.run(["upscale", "full.png", "-o", "a.webp", "-m", "MODEL"])
    #expect(webp.code == 0)
    #expect(
      webp.error
        == "swiftlet: 'full.png': WebP does not hold IPTC, the resolution, the text 'parameters'; the result is without\n")
    let stripped = try place.run(["upscale", "full.png", "-o", "b.webp", "-m", "MODEL", "--strip"])
    #expect(stripped.error.isEmpty)
    #expect(try place.image("b.webp").metadata == ImageMetadata())
  }

  /// What samples lose is said as metadata are, for every kind of picture and format.
  @Test(arguments: ["png", "jpg", "webp", "tif", "bmp"]) func `what samples lose is said`(ending: String) throws {
    let place = try Workplace()
    let chart = PlanarImage<Float>(try place.image("photo.png"))
    for (hasAlpha, bits) in [(false, 8), (true, 8), (false, 16), (true, 16)] {
      let planar = PlanarImage(colour: chart.colour, alpha: hasAlpha ? chart.colour[0] : nil)
      try Image(planar, bitDepth: bits).write(to: place.path("in.png"))
      let result = try place.run(["upscale", "in.png", "-o", "out." + ending, "-m", "MODEL"])
      let lines = result.error.split(separator: "\n")
      #expect(result.code == 0 && lines.allSatisfy { $0.hasPrefix("swiftlet: 'in.png': ") })
      let isWhite = lines.contains { $0.contains("JPEG holds no alpha; the picture is laid over white") }
      #expect(isWhite == (hasAlpha && ending == "jpg"), "\(result.error)")
      let isRounded = lines.contains { $0.contains(" holds 8 bits a sample; the picture's 16 are rounded") }
      #expect(isRounded == (bits == 16 && ["jpg", "webp", "bmp"].contains(ending)), "\(result.error)")
      #expect(lines.count == [isWhite, isRounded].count { $0 })
      // What was said is so.
      let made = try place.image("out." + ending)
      #expect((made.bitDepth == bits) == !isRounded && (made.hasAlpha == hasAlpha) == !isWhite)
    }
  }

  @Test func `no original is overwritten`() throws {
    let place = try Workplace()
    let before = try Data(contentsOf: URL(fileURLWithPath: place.path("photo.png")))
    let same = try place.run(["upscale", ".", "-o", ".", "-m", "MODEL"])
    #expect(same.code == 1 && same.error.contains("is not overwritten"))
    try FileManager.default.createSymbolicLink(atPath: place.path("link.png"), withDestinationPath: "photo.png")
    let link = try place.run(["upscale", "photo.png", "-o", "link.png", "-m", "MODEL"])
    #expect(link.code == 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.path("photo.png"))) == before)
  }

  @Test func `tiles, threads and memory change no byte`() throws {
    let place = try Workplace()
    let ways = [
      ["--tile", "none"], ["--tile", "16", "--threads", "3"], ["--threads", "1"], ["--memory", "256M"], ["--tile", "1"],
      ["--threads", "1000"],
    ]
    let files = try ways.enumerated().map { index, way in
      let result = try place.run(["upscale", "photo.png", "-o", "\(index).png", "-m", "MODEL"] + way)
      #expect(result.code == 0, "\(result.error)")
      return try Data(contentsOf: URL(fileURLWithPath: place.path("\(index).png")))
    }
    #expect(Set(files).count == 1)
  }

  /// What an option does not do for a picture is said.
  @Test func `pages are TIFF's`() throws {
    let place = try Workplace()
    let picture = TestChart.image(width: 20, height: 16)
    try AtomicFile.write(picture.encoded(as: .jpeg(quality: 90)), to: place.path("a.jpg"))
    try AtomicFile.write(picture.encoded(as: .tiff), to: place.path("a.tif"))
    let result = try place.run(["upscale", "a.jpg", "-o", "b.jpg", "-m", "MODEL", "--pages", "all"])
    #expect(result.code == 0)
    #expect(
      result.error == "swiftlet: 'a.jpg': JPEG has no pages as TIFF has them, and --pages all changes nothing\n",
      "\(result.error)")
    #expect(try place.run(["upscale", "a.tif", "-o", "b.tif", "-m", "MODEL", "--pages", "all"]).error.isEmpty)
    #expect(try place.run(["upscale", "a.jpg", "-o", "c.jpg", "-m", "MODEL"]).error.isEmpty)
  }

  /// A format that is only read has no output of its name.
  @Test func `formats that are only read name a mend`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: place.path("in/a.gif")))
    let result = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL"])
    #expect(result.code == 1)
    #expect(
      result.error.hasPrefix(
        "swiftlet: 'in/a.gif': GIF is read and not written; give another name or --format, of PNG, JPEG, "), "\(result.error)")
  }
}
