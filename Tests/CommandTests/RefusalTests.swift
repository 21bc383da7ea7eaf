import Foundation
import Swiftlet
import Testing

/// Arguments that say nothing, or what cannot be, are refused by name and with a mend.
@Suite struct RefusalTests {
  static let cases = [
    CommandCase(
      "train recipe.yaml --precision bfloat16", 64, "swiftlet: the CPU trains in float32; leave --precision out, or give…"),
    CommandCase(
      "train recipe.yaml --device cuda --precision float16", 64,
      "swiftlet: networks are trained in float32, tf32 or bfloat16; …"),
    CommandCase("eval MODEL --data . --degrade noise:abc", 64, "…'noise:abc' is no degradation; give blur:SIGMA…"),
    CommandCase("eval MODEL --data . --degrade blur:1,jpeg:200", 64, "…'jpeg:200' is no degradation; give…"),
    CommandCase("eval MODEL --data . --scales a", 64, "…'--scales <scales>': give whole numbers, as in 2,3,4…"),
    CommandCase("upscale photo.png -o a.png --megapixels abc", 64, "…'--megapixels <number>': give a number, as in 0.5…"),
    CommandCase("upscale photo.png -o a.png --width wide", 64, "…'--width <pixels>': give a whole number…"),
    CommandCase("upscale photo.png -o a.jpg --quality best", 64, "…'--quality <quality>': give a whole number…"),
    CommandCase(
      "upscale photo.png -o folder --suffix /x", 64, "…'--suffix <suffix>': give what is put behind names, without /…"),
    CommandCase("info MODEL --input 0x3x4x4", 64, "…'--input <NxCxHxW>': give extents of 1 or more with x between…"),
    CommandCase("bench MODEL --input 1x-1x4x4", 64, "…give extents of 1 or more…"),
    CommandCase("profile MODEL --input 0x1x4x4", 64, "…'0x1x4x4' is no shape of an input; give NxCxHxW…"),
    CommandCase(
      "new vdsr -o a.safetensors --seed -1", 64, "…'--seed <seed>': give a whole number of 0 to 18446744073709551615…"),
    CommandCase(
      "new vdsr -o a.safetensors --seed=18446744073709551616", 64, "…give a whole number of 0 to 18446744073709551615…"),
    CommandCase("ladder --layers 3-64", 64, "…'--layers <layers>': give layers as in 3->64@512…"),
    CommandCase("data prepare . -o a.h5 --downscales a,b", 64, "…give numbers with commas between them…"),
    CommandCase("prune MODEL --sparsity 0.5 --recipe a.yaml --epochs few", 64, "…'--epochs <n>': give a whole number…"),
    CommandCase("predict a.safetensors photo.png --submission id,id", 64, "…the two columns need headings of their own…"),
    CommandCase("predict a.safetensors photo.png --submission id", 64, "…give the headings of two columns, as in id,label…"),
    CommandCase(
      "predict a.safetensors photo.png --submission id,label --top 3", 64,
      "…--submission has one class for each picture, and --top asks for several; leave one out…"),
    CommandCase("kernels MODEL --device h100 --isa avx2", 64, "…--isa is for the CPU; a CUDA device chooses by what it says…"),
    CommandCase("kernels --device h100 --rates zen5", 64, "…--rates is for the CPU; a CUDA device chooses by what it says…"),
    CommandCase(
      "upscale photo.png -o a.png --precision float16", 64,
      "swiftlet: the CPU has float32 and bfloat16; give one of them, or --device cuda with tf32 or…"),
    CommandCase(
      "profile a.json --input 1x1x8x8", 64, "swiftlet: --input says how to measure, and 'a.json' is measured already; leave it…"
    ),
    CommandCase("profile a.json --diff b.json --runs 3", 64, "swiftlet: --runs says how to measure, and 'a.json' is measured…"),
    CommandCase(
      "profile a.json --device cuda", 64, "swiftlet: --device says how to measure, and 'a.json' is measured already…"),
    CommandCase(
      "quantize MODEL --data . --first --float head --no-times", 64,
      "…--first lets its first layers sum integers, and --float keeps 'head', which is one; leave one of them out…"),
    CommandCase("quantize MODEL --data . --side 1", 64, "…'--side <pixels>': give a whole number of 8 to 1024…"),
    CommandCase(
      "bench MODEL --input 1x1x300000x300000", 1,
      "…is 1x1x300000x300000 and has more than 68719476736 elements, whatever the model; give one that is smaller…"),
  ]

  @Test(arguments: cases) func `is refused`(_ failure: CommandCase) throws { try Workplace().check(failure) }

  /// Arrays that cannot be an input are told what would be one, and what they are where a model is wanted.
  @Test func `arrays are told what they lack`() throws {
    let place = try Workplace()
    func write(_ name: String, _ shape: String, padding: Int = 0, elements: Int) throws {
      let header =
        Array("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }".utf8) + Array(repeating: 32, count: padding) + [
          10
        ]
      let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 255), UInt8(header.count >> 8)] + header
      try Data(bytes + Array(repeating: 0, count: 4 * elements)).write(to: URL(fileURLWithPath: place.path(name)))
    }
    try write("none.npy", "(1, 1, 0, 5)", elements: 0)
    try write("long.npy", "(1, 1, 8, 8)", padding: 11_000, elements: 64)
    try write("good.npy", "(1, 1, 8, 8)", elements: 64)
    try place.check(
      CommandCase(
        "run MODEL --input none.npy -o a.npy", 1,
        "…has an extent of 0, whatever the model; give one whose extents are 1 or more…"))
    try place.check(
      CommandCase("run MODEL --input long.npy -o a.npy", 1, "…at most 10000; save the array anew with numpy.save…"))
    try place.check(
      CommandCase(
        "upscale photo.png -o a.png -m good.npy", 1,
        "…is an array of NumPy (.npy), which is not read here; give a model here; arrays are inputs, of 'swiftlet run …"))
  }

  /// No option of any command is called wrong without a word on what is right.
  @Test func `no value is only invalid`() throws {
    let place = try Workplace()
    let commands: [(String, [String])] = [
      (
        "upscale photo.png -o a.png",
        ["scale", "width", "height", "megapixels", "tile", "memory", "quality", "max-pixels", "threads"]
      ),
      ("eval MODEL --data .", ["scales", "protocol", "degrade", "tile", "threads", "engine", "device", "precision", "isa"]),
      ("new edsr -o a.safetensors", ["seed"]), ("info MODEL", ["input", "batch-size"]),
      ("optimize MODEL", ["substitute", "where", "seed", "input"]), ("profile MODEL", ["runs", "warmup", "by", "sort"]),
      ("quantize MODEL --data .", ["ranges", "count", "side", "max-loss", "weight-bits", "rounding", "residual", "input"]),
      ("prune MODEL", ["sparsity", "target", "sweep", "importance", "granularity", "align", "input", "epochs", "rounds"]),
      ("data prepare . -o a.h5", ["scales", "patch", "stride", "downscales", "chunk", "seed"]),
      ("convert MODEL -o a.onnx", ["residual-scale", "scale", "picture-size", "mean", "deviation", "maximum", "colour"]),
      ("ladder", ["layers", "batch", "input", "runs"]), ("bench MODEL", ["input", "runs"]),
    ]
    for (command, options) in commands {
      for option in options {
        let result = try place.run(command.split(separator: " ").map(String.init) + ["--\(option)", "?"])
        #expect(result.code == 64, "\(command) --\(option): \(result)")
        let line = result.error.components(separatedBy: " (see ")[0]
        #expect(line.contains("give ") || line.contains("one of") || line.contains("there "), "\(line)")
      }
    }
  }

  /// What a file says of pictures is held against the network when it is said.
  @Test func `forms that the input does not take`() throws {
    let place = try Workplace()
    var builder = NetworkBuilder("fixed")
    let x = builder.input("x", axes: [nil, 3, 32, 24])
    let pooled = builder.globalAveragePool("mean", builder.convolution("c", x, outChannels: 4, kernel: 3))
    builder.output(builder.linear("fc", builder.flatten("flat", pooled), outFeatures: 2))
    try ModelFile.write(builder.build(.random(seed: 1)), to: place.path("fixed.safetensors"))
    let command = ["convert", "fixed.safetensors", "--classes", "cat,dog", "-o", "a.safetensors"]
    for (options, message) in [
      (["--picture-size", "32x32"], "takes widths of 24, and --picture-size says 32"),
      (["--picture-size", "24x30"], "takes heights of 32, and --picture-size says 30"),
      (["--mean", "0.5"], "has 3 channels, and --mean has 1 number; give 3"),
      (["--deviation", "1,1"], "has 3 channels, and --deviation has 2 numbers; give 3"),
    ] {
      let result = try place.run(command + options)
      #expect(result.code == 64 && result.error.contains(message), "\(result.error)")
      #expect(try !place.names().contains("a.safetensors"))
    }
    #expect(try place.run(command + ["--picture-size", "24x32", "--mean", "0.5,0.5,0.5"]).code == 0)
  }

  /// Finite numbers of which the model can make none that are finite, and integers, which are numbers.
  @Test func `files of large numbers and of integers`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    let quantize = ["quantize", "MODEL", "--data", "data", "--no-times", "--ranges"]
    for (largest, method) in [(3e38, "minmax"), (3e38, "mse"), (3e38, "percentile"), (.greatestFiniteMagnitude, "mse")]
      as [(Float, String)]
    {
      let values = (0..<64).map { $0.isMultiple(of: 2) ? largest : -largest }
      try NPYFile.write(Tensor([1, 1, 8, 8], values), to: place.path("data/x.npy"))
      let quantized = try place.run(quantize + [method])
      #expect(
        quantized.code == 1
          && quantized.error.hasPrefix("swiftlet: 'data/x.npy' holds numbers up to 3.00e+38, of which 'edsr' makes")
          || largest > 3e38)
      #expect(
        quantized.error.hasSuffix("; scale the file to the numbers that the network is for, or leave it out\n"),
        "\(quantized.error)")
      let run = try place.run(["run", "MODEL", "--input", "data/x.npy", "-o", "y.npy"])
      #expect(
        run.code == 1 && run.error.contains("'data/x.npy' holds numbers up to ") && run.error.contains("(the output)"),
        "\(run.error)")
    }
    try NPYFile.write(Tensor([1, 1, 8, 8], .uint8, integers: (0..<64).map { $0 * 4 }), to: place.path("data/x.npy"))
    let integers = try place.run(quantize + ["minmax"])
    #expect(integers.code == 0, "\(integers.error)")
    try NPYFile.write(Tensor([1, 1, 8, 8], (0..<64).map { Float($0 * 4) }), to: place.path("data/x.npy"))
    #expect(try place.run(quantize + ["minmax"]).output == integers.output)
  }

  @Test func `files of numbers are blamed for their numbers`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    try NPYFile.write(Tensor([1, 1, 8, 8], [Float](repeating: .nan, count: 64)), to: place.path("data/x.npy"))
    let quantized = try place.run(["quantize", "MODEL", "--data", "data"])
    #expect(
      quantized.code == 1 && quantized.error.contains("'data/x.npy' holds numbers that are not finite"), "\(quantized.error)")
    let run = try place.run(["run", "MODEL", "--input", "data/x.npy", "-o", "y.npy"])
    #expect(run.code == 1 && run.error.contains("'data/x.npy' holds numbers that are not finite"), "\(run.error)")
    try FileManager.default.removeItem(atPath: place.path("data/x.npy"))
    try TestChart.image(width: 9, height: 12).write(to: place.path("data/a.png"))
    try TestChart.image(width: 3, height: 3).write(to: place.path("data/b.png"))
    let tiny = try place.run(["quantize", "MODEL", "--data", "data"])
    #expect(
      tiny.code == 1
        && tiny.error.contains(
          "the pictures in 'data' are too small: pieces of at least 16x16 pixels are needed, and 'data/a.png', the largest, has 9x12"
        ),
      "\(tiny.error)")
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self"), "there is no /proc"))
  func `folders that take no files`() throws {
    let place = try Workplace()
    for output in ["/proc/x.png", "/proc/x/"] {
      let result = try place.run(["upscale", "photo.png", "-o", output, "-m", "MODEL"])
      #expect(
        result.code == 1 && result.error.contains("choose another place") && !result.error.contains("exist"), "\(result.error)")
    }
  }
}
