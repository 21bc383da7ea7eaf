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
        out/a-big.png is there already, skipped
        out/c-big.png is there already, skipped
        0 enlarged, 2 there already, 1 failed, 1 passed over, no pictures by their names: in/notes.txt

        """)
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
    try Data("by hand".utf8).write(to: URL(fileURLWithPath: place.path("in/" + changed)))
    let standing = try files()
    let again = try place.run(command)
    #expect(again.code == 0 && again.error.isEmpty, "\(again.error)")
    #expect(again.output.contains("\n0 enlarged, \(count) there already"), "\(again.output)")
    #expect(again.output.contains("\(count) left alone as outputs of an earlier run: in/"), "\(again.output)")
    #expect(try files() == standing)
    // Another format is another output, and what was made in the first is no input of it.
    let other = try place.run(["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "-x2", "-f", "bmp"] + (isDeep ? ["-r"] : []))
    #expect(other.code == 0 && other.output.contains("\n\(count) enlarged"), "\(other.output)")
    #expect(try files().keys.filter { $0.hasSuffix(".bmp") }.count == count)
    #expect(try !files().keys.contains { $0.contains("-x2-x2.") && !$0.hasPrefix("deep/d") })
    // One that is gone is made again.
    try manager.removeItem(atPath: place.path("in/" + changed))
    let third = try place.run(command)
    #expect(third.code == 0 && third.output.contains("\n1 enlarged, \(count - 1) there already"), "\(third.output)")
    // In another folder every picture of these is one.
    let apart = try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "--suffix", "-x2", "-f", "png"])
    #expect(!apart.output.contains("left alone"), "\(apart.output)")
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
    #expect(flat.output.hasSuffix("\n1 enlarged, 2 folders inside were not entered (-r enters them)\n"), "\(flat.output)")
    let again = try place.run(["upscale", "in", "-o", "in/out", "-m", "MODEL", "--json"])
    #expect(again.output.contains("\"in\\/d\"") || again.output.contains("\"in/d\""), "\(again.output)")
    let deep = try place.run(["upscale", "in", "-o", "in/out", "-m", "MODEL", "-r"])
    #expect(deep.code == 0 && !deep.output.contains("not entered"), "\(deep.output)")
    let none = try place.run(["upscale", "none", "-o", "out", "-m", "MODEL"])
    #expect(
      none.code == 1
        && none.error == "swiftlet: the folder 'none' holds no pictures; 2 folders inside were not entered (-r enters them)\n")
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
}

@Suite struct ReportTests {
  private func json(_ arguments: [String]) throws -> [String: Any] {
    let result = try Workplace().run(arguments + ["--json"])
    #expect(result.code == 0, "\(result.error)")
    return try #require(try JSONSerialization.jsonObject(with: result.outputBytes) as? [String: Any])
  }

  @Test func `bench`() throws {
    let report = try json(["bench", "MODEL", "--input", "1x1x20x30", "--runs", "2", "--warmup", "1", "--threads", "2"])
    for key in ["median_ms", "p90_ms", "min_ms", "gflops_per_s", "peak_memory_bytes"] {
      #expect((report[key] as? Double ?? 0) > 0, "\(key)")
    }
    #expect(report["isa"] as? String == InstructionSet.best.rawValue && report["threads"] as? Int == 2)
    #expect((report["cpu"] as? String)?.isEmpty == false)
    #expect(report["engine"] as? String == "cpu" && report["rates"] as? String == MachineDescription.current.name)
  }

  /// What the reference has not is not said of it; a name says as much as the options.
  @Test func `engines`() throws {
    for command in [["bench", "MODEL", "--input", "1x1x8x8", "--runs", "1"], ["eval", "MODEL", "--data", "."]] {
      let reference = try json(command + ["--engine", "reference"])
      #expect(reference["engine"] as? String == "reference")
      for key in ["isa", "precision", "threads", "rates"] { #expect(reference[key] == nil, "\(command) \(key)") }
      for arguments in [
        ["--engine", "cpu:portable:bfloat16"], ["--engine", "cpu:portable", "--precision", "bfloat16"],
        ["--isa", "portable", "--precision", "bfloat16"],
      ] {
        let report = try json(command + arguments + ["--threads", "1", "--rates", "zen4"])
        #expect(report["isa"] as? String == "portable" && report["precision"] as? String == "bfloat16")
        #expect(report["rates"] as? String == "zen4" && report["threads"] as? Int == 1)
      }
    }
    let text = try Workplace().run(["eval", "MODEL", "--data", ".", "--engine", "reference"]).output
    #expect(text.contains("model model.safetensors, ") && text.contains(" parameters, reference\n"), "\(text)")
  }

  @Test func `info`() throws {
    let report = try json(["info", "MODEL", "--input", "1x1x10x12"])
    #expect(report["parameter_count"] as? Int == 8 * 9 + 8 + 2 * (8 * 8 * 9 + 8) + 8 * 32 * 9 + 32 + 8 * 9 + 1)
    #expect(report["output"] as? String == "1x1x20x24")
  }

  @Test func `eval`() throws {
    let report = try json(["eval", "MODEL", "--data", ".", "--save", "saved"])
    #expect((report["protocol"] as? [String: Any])?["hash"] as? String == EvaluationProtocol.vdsr.hash)
    #expect((report["images"] as? [Any])?.count == 1 && (report["means"] as? [Any])?.count == 1)
  }

  @Test func `eval of several models`() throws {
    let place = try Workplace()
    try ModelFile.write(try VDSR(depth: 3, features: 2).network(.random(seed: 1)), to: place.path("vdsr,a.safetensors"))
    let arguments = ["eval", "MODEL", "vdsr,a.safetensors", "--data", ".", "--scales", "2"]
    let result = try place.run(arguments + ["--save", "saved"])
    #expect(result.code == 0 && result.error.isEmpty)
    let table = result.output.split(separator: "\n").filter { $0.contains("  x2") }.map { $0.split(separator: " ")[0] }
    #expect(table == ["bicubic", "model.safetensors", "vdsr,a.safetensors"])
    for name in ["model", "vdsr,a"] {
      #expect(try FileManager.default.contentsOfDirectory(atPath: place.path("saved/\(name)")) == ["photo-x2.png"])
    }
    let places = "pictures by model.safetensors are in saved/model\npictures by vdsr,a.safetensors are in saved/vdsr,a\n"
    #expect(result.output.hasSuffix("\n" + places), "\(result.output)")
    let apart = try place.run(arguments + ["--save", "saved", "--csv"])
    #expect(apart.error == places && !apart.output.contains("pictures by"))
    let csv = try place.run(arguments + ["--csv"]).output.split(separator: "\n")
    #expect(csv.count == 5 && csv[0].hasPrefix("model,scale,image,width,height,bicubic_psnr,psnr,"))
    // 1280x720 pixels times the products of each: 9 + 36 + 18 at full size.
    #expect(csv[4].hasPrefix("\"vdsr,a.safetensors\",2,mean,,,") && csv[4].contains(",72,66355200,vdsr "), "\(csv[4])")
    // At half of it, but for the last one.
    let products = (8 * 9 + 2 * 8 * 8 * 9 + 8 * 32 * 9) * 640 * 360 + 8 * 9 * 1280 * 720
    #expect(csv[2].contains(",\(products),vdsr "), "\(csv[2]) \(products)")
    let markdown = try place.run(arguments + ["--markdown"]).output
    #expect(markdown.hasPrefix("| model | scale | parameters | multiply-adds | PSNR dB | SSIM | seconds |\n|---|"))
    let json = try place.run(arguments + ["--json"])
    let reports = try #require(try JSONSerialization.jsonObject(with: json.outputBytes) as? [[String: Any]])
    #expect(reports.map { $0["model"] as? String } == ["model.safetensors", "vdsr,a.safetensors"])
    // What one cannot do is said before any works.
    let other = try place.run(["eval", "vdsr,a.safetensors", "MODEL", "--data", ".", "--scales", "3", "--save", "other"])
    #expect(other.code == 64 && other.output.isEmpty && !FileManager.default.fileExists(atPath: place.path("other")))
  }

  /// Pictures that differ in their extensions alone have panels and rows of their own.
  @Test func `names that are alike but for the extension`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    let image = try place.image("photo.png")
    let names = ["t.png", "t.jpg", "T.bmp", "t.png.tif", "other.png"]
    for name in names { try image.write(to: place.path("data/" + name)) }
    let result = try place.run(["eval", "MODEL", "--data", "data", "--save", "saved"])
    #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    let saved = try FileManager.default.contentsOfDirectory(atPath: place.path("saved")).sorted()
    #expect(saved == ["T.bmp-x2.png", "other-x2.png", "t.jpg-x2.png", "t.png-2-x2.png", "t.png-x2.png"], "\(saved)")
    for name in ["T.bmp", "t.jpg", "t.png", "t.png-2", "other"] { #expect(result.output.contains("\n\(name) "), "\(name)") }
  }

  /// Saved pictures are never data of the next measurement.
  @Test(arguments: ["data", "./data/", "data/../data", "link"]) func `nothing is saved among the data`(folder: String) throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path("data/photo.png"))
    try manager.createSymbolicLink(atPath: place.path("link"), withDestinationPath: "data")
    let result = try place.run(["eval", "MODEL", "--data", "data", "--save", folder])
    #expect(result.code == 64 && result.output.isEmpty && result.error.contains("would be measured the next time"), "\(result.error)")
    #expect(result.error.split(separator: "\n").count == 1)
    #expect(try manager.contentsOfDirectory(atPath: place.path("data")) == ["photo.png"])
    // A folder inside is none of the data.
    #expect(try place.run(["eval", "MODEL", "--data", "data", "--save", "data/saved"]).code == 0)
    #expect(try place.run(["eval", "MODEL", "--data", "data", "--save", "data/saved"]).output.contains("photo"))
  }

  /// 48x36 pixels.
  @Test(arguments: [
    (["--width", "100"], 100, 75), (["--height", "100"], 133, 100), (["--width", "100", "--height", "60"], 80, 60),
    (["--width", "48"], 48, 36), (["--megapixels", "0.01"], 115, 87), (["--megapixels", "0.0432"], 240, 180),
  ]) func `target sizes`(options: [String], width: Int, height: Int) throws {
    let place = try Workplace()
    for model in [["-m", "MODEL"], []] {
      let result = try place.run(["upscale", "photo.png", "-o", "big.png"] + model + options)
      #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
      let image = try place.image("big.png")
      #expect((image.width, image.height) == (width, height))
    }
  }

  /// A new network is told from one that has learnt, and the picture is made all the same.
  @Test func `random parameters are said`() throws {
    let place = try Workplace()
    for (architecture, isTold) in [("edsr --blocks 1 --features 16", true), ("vdsr --depth 4 --features 16", true)] {
      #expect(
        try place.run(["new"] + architecture.split(separator: " ").map(String.init) + ["-o", "new.safetensors"]).code == 0)
      let result = try place.run(["upscale", "photo.png", "-o", "out.png", "-m", "new.safetensors"])
      #expect(result.code == 0 && result.error.contains("as random as those of a new network") == isTold, "\(result.error)")
    }
    for name in ModelLibrary.shippedNames {
      #expect(try place.run(["upscale", "photo.png", "-o", "out.png", "-m", name]).error.isEmpty)
    }
  }

  /// The weights alone, as checkpoints have them.
  @Test func `a checkpoint that tells what it is`() throws {
    let place = try Workplace()
    let network = try RRDB(scale: 2, features: 3, blocks: 1, growth: 2).network(.random(seed: 2))
    try ModelFile.write(network, to: place.path("m.safetensors"))
    try Safetensors(tensors: network.parameters, metadata: [:]).write(to: place.path("weights.safetensors"))
    for (model, output) in [("m.safetensors", "a.png"), ("weights.safetensors", "b.png")] {
      let result = try place.run(["upscale", "photo.png", "-o", output, "-m", model, "--width", "97"])
      #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    }
    #expect(try place.image("a.png") == place.image("b.png"))
    let plain = try EDSR(features: 3, blocks: 1).network(.random(seed: 2))
    try Safetensors(tensors: plain.parameters, metadata: [:]).write(to: place.path("plain.safetensors"))
    let refused = try place.run(["upscale", "photo.png", "-o", "c.png", "-m", "plain.safetensors"])
    #expect(refused.code == 1 && refused.error.contains("--architecture"), "\(refused.error)")
  }

  /// Bad pictures are named, and the means are those of the others.
  @Test func `eval goes on`() throws {
    let place = try Workplace()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path("in/b.png"))
    try AtomicFile.write(Array("broken".utf8), to: place.path("in/a.png"))
    try AtomicFile.write(TestChart.image(width: 9, height: 9).encoded(as: .png), to: place.path("in/c.png"))
    let alone = try place.run(["eval", "MODEL", "--data", "."])
    #expect(alone.code == 0 && alone.error.isEmpty)
    let result = try place.run(["eval", "MODEL", "--data", "in", "--save", "saved"])
    #expect(result.code == 1)
    let lines = result.error.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("swiftlet: 'in/a.png': not a picture"), "\(result.error)")
    #expect(lines[1].contains("9x9 pixels are too few"), "\(result.error)")
    #expect(lines[2] == "swiftlet: 2 of 3 pictures could not be measured; the means are those of the others")
    #expect(result.output.contains("mean of 1 of 3  "), "\(result.output)")
    #expect(try manager.contentsOfDirectory(atPath: place.path("saved")) == ["b-x2.png"])
    func mean(_ text: String) -> Substring? {
      text.split(separator: "\n").last?.split(separator: " ").suffix(6).prefix(5).joined()[...]
    }
    #expect(mean(result.output) == mean(alone.output))
    let json = try place.run(["eval", "MODEL", "--data", "in", "--json"])
    let report = try #require(try JSONSerialization.jsonObject(with: json.outputBytes) as? [String: Any])
    #expect(json.code == 1 && (report["failures"] as? [Any])?.count == 2 && report["picture_count"] as? Int == 3)
    try manager.removeItem(atPath: place.path("in/b.png"))
    let none = try place.run(["eval", "MODEL", "--data", "in"])
    #expect(none.code == 1 && none.error.hasSuffix("2 of 2 pictures could not be measured; there are no means\n"))
  }

  @Test func `profiles are kept and compared`() throws {
    let place = try Workplace()
    let measure = ["--input", "1x1x16x16", "--runs", "2", "--warmup", "0"]
    for name in ["a.json", "b.json"] {
      let profile = try place.run(["profile", "MODEL", "--json"] + measure)
      try profile.outputBytes.write(to: URL(fileURLWithPath: place.path(name)))
    }
    let both = try place.run(["profile", "a.json", "--diff", "b.json"])
    #expect(both.code == 0, "\(both.error)")
    #expect(both.output.split(separator: "\n")[0].split(separator: " ") == ["layer", "a:", "a.json", "b:", "b.json", "ratio"])
    #expect(try place.run(["profile", "a.json", "--diff", "b.json"]).output == both.output)
    let mixed = try place.run(["profile", "MODEL", "--diff", "b.json"] + measure)
    #expect(mixed.output.hasPrefix("layer") && mixed.output.contains("a: model.safetensors  b: b.json"), "\(mixed.output)")
    let same = try place.run(["profile", "a.json", "--diff", "a.json"])
    #expect(same.code == 0 && same.output.contains("1.00"), "\(same.error)")
    let one = try place.run(["profile", "a.json", "--trace", "trace.json"])
    #expect(
      one.code == 0 && one.output.contains("Self CPU time total") && one.output.contains("model.safetensors, input 1x1x16x16"))
    #expect(try place.names().contains("trace.json"))
    // A profile is no model.
    let model = try place.run(["info", "a.json"])
    #expect(model.code == 1 && model.error.hasPrefix("swiftlet: 'a.json': is a profile that 'swiftlet profile --json' printed"))
  }

  @Test func `what upscale does otherwise than asked is said`() throws {
    let place = try Workplace()
    let quality = try place.run(["upscale", "photo.png", "-o", "a.png", "-m", "MODEL", "--quality", "80"])
    #expect(quality.code == 0)
    #expect(quality.error == "swiftlet: 'photo.png': PNG has no quality, and what is asked for is not used\n")
    #expect(try place.run(["upscale", "photo.png", "-o", "a.jpg", "-m", "MODEL", "--quality", "80"]).error.isEmpty)
    var deep = try EDSR(scale: 2, channels: 1, features: 8, blocks: 6).network(.random(seed: 1))
    deep.parameters["tail.bias"] = Tensor([1], [0.5])
    // As in a network that has learnt.
    deep.parameters["body.0.a.weight"] = deep.parameters["body.0.a.weight"].map {
      Tensor($0.shape, [0.5] + $0.floats.dropFirst())
    }
    try ModelFile.write(deep, to: place.path("deep.safetensors"))
    try AtomicFile.write(TestChart.image(width: 200, height: 150).encoded(as: .png), to: place.path("large.png"))
    let small = try place.run(["upscale", "large.png", "-o", "a.png", "-m", "deep.safetensors", "--tile", "1"])
    #expect(small.code == 0 && small.error.hasPrefix("swiftlet: 'large.png': tiles of 1 do the work "), "\(small.error)")
    #expect(small.error.split(separator: "\n").count == 1)
  }

  @Test func `kernels`() throws {
    #expect(try Workplace().run(["kernels", "MODEL"]).output.split(separator: "\n")[0].hasSuffix(", input 1x1x256x256"))
    #expect((try json(["kernels"])["kernels"] as? [Any])?.isEmpty == false)
    #expect((try json(["kernels", "MODEL"])["choices"] as? [Any])?.isEmpty == false)
  }

  @Test func `new, then run`() throws {
    let place = try Workplace()
    #expect(try place.run(["new", "vdsr", "--depth", "3", "--features", "8", "-o", "v.safetensors"]).code == 0)
    #expect(try place.run(["new", "vdsr", "--depth", "3", "--features", "8", "-o", "w.safetensors"]).code == 0)
    let models = try ["v", "w"].map { try Data(contentsOf: URL(fileURLWithPath: place.path("\($0).safetensors"))) }
    #expect(models[0] == models[1], "the same seed gives the same file")

    try NPYFile.write(Tensor(repeating: 0.5, [2, 1, 5, 6]), to: place.path("x.npy"))
    let result = try place.run(["run", "v.safetensors", "--input", "x.npy", "--output", "y.npy"])
    #expect(result.code == 0 && result.output.hasPrefix("x.npy 2x1x5x6 -> y.npy 2x1x5x6 in "))
    let output = try NPYFile.read(place.path("y.npy"))
    let engine = CPUEngine(threadCount: 1)
    let network = try ModelLibrary.network(place.path("v.safetensors")).optimizedForInference()
    let expected = try engine.prepare(network, inputs: [[2, 1, 5, 6]]).run([Tensor(repeating: 0.5, [2, 1, 5, 6])])
    #expect(output == expected[0])
  }

  @Test(arguments: [
    ("edsr --convolution separable", 304_835), ("unet", 31_043_521), ("unet --convolution separable", 6_033_601),
    ("see-in-the-dark", 7_760_748), ("see-in-the-dark --convolution light", 4_285_676),
    ("see-in-the-dark --convolution lighter", 1_513_812), ("small-resnet", 174_787),
    ("small-resnet --convolution selection", 27_363), ("resnet18", 11_689_512),
    ("resnet18 --convolution selection", 1_958_824),
  ])
  func `info counts the published parameters`(arguments: String, count: Int) throws {
    let place = try Workplace()
    let made = try place.run(["new"] + arguments.split(separator: " ").map(String.init) + ["-o", "m.safetensors"])
    #expect(made.code == 0, "\(made.error)")
    let result = try place.run(["info", "m.safetensors", "--json"])
    let report = try JSONSerialization.jsonObject(with: result.outputBytes) as? [String: Any]
    #expect(report?["parameter_count"] as? Int == count)
  }

  @Test(arguments: ["unet --features 2", "see-in-the-dark --features 2", "small-resnet", "resnet18 --features 2"])
  func `what enlarges no pictures is refused`(arguments: String) throws {
    let place = try Workplace()
    let words = arguments.split(separator: " ").map(String.init)
    #expect(try place.run(["new"] + words + ["-o", "m.safetensors"]).code == 0)
    for command in ["upscale photo.png -o out.png -m m.safetensors", "eval m.safetensors --data ."] {
      let result = try place.run(command.split(separator: " ").map(String.init))
      #expect(result.code == 1)
      #expect(
        result.error == "swiftlet: the network '\(words[0])' is none that enlarges pictures; give one that does, such as an "
          + "edsr, a vdsr or upscale-x2 (from ONNX: converted with --colour), or use 'run', which takes any network\n")
    }
    #expect(try !place.names().contains("out.png"))
    #expect(try place.run(["info", "m.safetensors"]).code == 0)
  }

  @Test func `options of other architectures are refused`() throws {
    let place = try Workplace()
    let result = try place.run(["convert", "MODEL", "--architecture", "edsr", "--skip", "first", "-o", "again.safetensors"])
    #expect(
      result.code == 1 && result.error.hasPrefix("swiftlet: 'model.safetensors': edsr has no option 'skip'; it has scale, "))
  }

  @Test func `a checkpoint of our own names converts to itself`() throws {
    let place = try Workplace()
    let result = try place.run(["convert", "MODEL", "--architecture", "edsr", "-o", "again.safetensors"])
    #expect(result.code == 0, "\(result.error)")
    #expect(
      try ModelLibrary.network(place.path("again.safetensors")).parameterCount
        == ModelLibrary.network(place.path("model.safetensors")).parameterCount)
  }

  @Test func `a picture that is cut is taken as far as it goes where that is asked for`() throws {
    let place = try Workplace()
    for name in ["a.png", "a.jpg", "a.bmp"] {
      let whole = try place.image("photo.png").encoded(as: ImageEncoding(path: name))
      try AtomicFile.write(Array(whole.prefix(whole.count * 2 / 3)), to: place.path(name))
      let refused = try place.run(["upscale", name, "-o", "big.png", "-m", "MODEL"])
      #expect(refused.code == 1)
      #expect(refused.error.contains("damaged or cut short"))
      #expect(refused.error.hasSuffix("(--tolerant takes what there is of it)\n"))
      #expect(try !place.names().contains("big.png"))
      let taken = try place.run(["upscale", name, "-o", "big.png", "-m", "MODEL", "--tolerant"])
      #expect(taken.code == 0, "\(taken.error)")
      #expect(taken.error.contains("of 36 rows were there"), "\(taken.error)")
      #expect(try place.image("big.png").height == 72)
      try FileManager.default.removeItem(atPath: place.path("big.png"))
    }
  }

  @Test func `formats that are read alone are refused before work`() throws {
    let place = try Workplace()
    for arguments in [["-o", "out.gif"], ["-o", "out.png", "-f", "gif"], ["-o", "out.heic"]] {
      let result = try place.run(["upscale", "photo.png", "-m", "MODEL"] + arguments)
      #expect(result.code == 64 && result.error.contains("is read and not written; write one of PNG"), "\(result.error)")
    }
    #expect(try place.names() == Workplace.contents)
  }

  @Test func `pages and pixels are options`() throws {
    let place = try Workplace()
    let refused = try place.run(["upscale", "photo.png", "-o", "big.png", "-m", "MODEL", "--max-pixels", "1k"])
    #expect(refused.code == 1 && refused.error.hasSuffix("(--max-pixels raises it)\n"), "\(refused.error)")
    #expect(try place.run(["upscale", "photo.png", "-o", "big.png", "--max-pixels", "many"]).code == 64)
    let done = try place.run(["upscale", "photo.png", "-o", "big.png", "-m", "MODEL", "--max-pixels", "7k", "--pages", "all"])
    #expect(done.code == 0 && done.error.isEmpty, "\(done.error)")
  }
}
