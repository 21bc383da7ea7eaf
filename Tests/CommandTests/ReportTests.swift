import Foundation
import Swiftlet
import Testing

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
    try FileManager.default.createDirectory(atPath: place.path("pictures"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("pictures/photo.png"))
    let arguments = ["eval", "MODEL", "vdsr,a.safetensors", "--data", "pictures", "--scales", "2"]
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
    #expect(
      result.code == 64 && result.output.isEmpty && result.error.contains("would be measured the next time"), "\(result.error)")
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
    #expect(
      alone.code == 0 && alone.error.contains("swiftlet: '.': ") && alone.error.contains("folders inside are not entered: "))
    #expect(alone.error.split(separator: "\n").count == 1, "\(alone.error)")
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
    #expect(model.code == 1 && model.error.hasPrefix("swiftlet: 'a.json' is a profile that 'swiftlet profile --json' printed"))
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
        result.error
          == "swiftlet: the network '\(words[0])' is none that enlarges pictures; give one that does, such as upscale-x2, or use "
          + "'run', which takes any network\n")
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
    #expect(done.code == 0 && done.error.hasPrefix("swiftlet: 'photo.png': PNG has no pages as TIFF has them"), "\(done.error)")
  }
}
