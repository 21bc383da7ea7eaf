import Swiftlet
import Testing

@Suite struct CommandTests {
  static let failures = [
    CommandCase(
      "upscale missing.png -o out.png -m nothing", 64,
      "swiftlet: there is no model 'nothing'; give the path of a model file or one of …"),
    CommandCase(
      "upscale missing.png -o out.png -m nothing.safetensors", 1,
      "swiftlet: 'nothing.safetensors' does not exist; check the path"),
    CommandCase("upscale missing.png -o out.png -m MODEL", 1, "swiftlet: 'missing.png' does not exist; check the path"),
    CommandCase(
      "upscale photo.png -o out.xyz -m MODEL", 64,
      "swiftlet: the name 'out.xyz' does not say which format to write; end it in .png, .jpg, .webp, .tif, .bmp, .avif or .jxl, or give "
        + "--format …"),
    CommandCase(
      "upscale photo.png -o photo.png -m MODEL", 1,
      "swiftlet: 'photo.png' is read by this command and is not overwritten; choose another output"),
    CommandCase(
      "upscale photo.png photo.png -o out.png -m MODEL", 64,
      "swiftlet: 'out.png' is a file, and several pictures need a folder; give a folder as output …"),
    CommandCase("upscale folder -o out.png -m MODEL", 64, "swiftlet: 'out.png' is a file, and several pictures …"),
    CommandCase(
      "upscale photo.png -o nowhere/out.png -m MODEL", 1,
      "swiftlet: 'nowhere/out.png' cannot be written because the folder 'nowhere' does not exist; create it first"),
    CommandCase(
      "upscale photo.png -o out.png -m MODEL -s 0.5", 64,
      "swiftlet: The value '0.5' is invalid for '-s <scale>': give a factor of 1 to 64, as in 3, 2.5 or x2 …"),
    CommandCase(
      "upscale photo.png -o out.png -m MODEL -f jpg", 64,
      "swiftlet: the name 'out.png' asks for PNG, and --format for JPEG; give one of them (see 'swiftlet upscale --help')"),
    CommandCase(
      "upscale photo.png -o out.png -m MODEL --memory 512", 64,
      "swiftlet: The value '512' is invalid for '--memory <size>': give a unit, as in 512M …"),
    CommandCase(
      "profile MODEL --roofline r.png", 64, "swiftlet: the name 'r.png' does not say which format to write; end it in .svg …"),
    CommandCase(
      "upscale photo.png -o out.png -m MODEL --memory 10M", 1, "swiftlet: 'photo.png': about …"),
    CommandCase(
      "upscale text.txt -o out.png -m MODEL", 1,
      "swiftlet: 'text.txt': not a picture that is read here; give one of PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG XL"),
    CommandCase("upscale photo.png -o a.png --memory -5M", 64, "…give a size above 0, as in 512M…"),
    CommandCase("upscale folder -o out.d -m MODEL", 1, "swiftlet: the folder 'folder' holds no pictures; give one that does"),
    CommandCase(
      "upscale photo.png -o out.jpg --quality 0 -m MODEL", 64,
      "…JPEG has no quality 0; give one from 1 to 100…"),
    CommandCase(
      "upscale photo.png -o out.jpg --quality 101 -m MODEL", 64, "swiftlet: the quality 101 is not in 0...100 …"),
    CommandCase(
      "upscale photo.png", 64, "swiftlet: Missing expected argument '--output <output>' (see 'swiftlet upscale --help')"),
    CommandCase(
      "bench MODEL --engine cpu:avx2 --isa avx2 --json", 64,
      "swiftlet: --engine names an instruction set already; leave out --isa (see 'swiftlet bench --help')"),
    CommandCase(
      "upscale photo.png -o a.png --tile 0", 64,
      "swiftlet: The value '0' is invalid for '--tile <tile>': give auto, none or a side of 1 to 1048576 pixels …"),
    CommandCase(
      "upscale photo.png -o a.png --memory 10X", 64,
      "swiftlet: The value '10X' is invalid for '--memory <size>': give a size with its unit, as in 512M, 1.5G or 512MB …"),
    CommandCase(
      "upscale photo.png -o a.png --threads 0", 64,
      "swiftlet: The value '0' is invalid for '--threads <n>': give a whole number of 1 to 1024 …"),
    CommandCase(
      "compare MODEL --threads 5000", 64,
      "swiftlet: The value '5000' is invalid for '--threads <n>': give a whole number of 1 to 1024 …"),
    CommandCase("ladder --batch 0", 64, "swiftlet: The value '0' is invalid for '--batch <n>': give a whole number of 1 to …"),
    CommandCase("upscale photo.png -o a.png --width 10", 1, "swiftlet: 'photo.png': the picture has …"),
    CommandCase("upscale photo.png -o a.png --width 90 --scale 2", 64, "swiftlet: give one of --scale, --width or --height, …"),
    CommandCase("upscale photo.png -o a.png --width 0", 64, "swiftlet: a side is 1 to 1048576 pixels …"),
    CommandCase("upscale photo.png -o a.png --megapixels 0", 64, "swiftlet: megapixels are more than 0 and at most 4096 …"),
    CommandCase("eval MODEL MODEL --data .", 64, "swiftlet: the model 'model.safetensors' is named twice; leave one out …"),
    CommandCase("eval MODEL --data . --csv --json", 64, "swiftlet: --json, --csv and --markdown are forms of one table; …"),
    CommandCase("upscale photo.png -o a.png --isa mmx", 64, "swiftlet: The value 'mmx' is invalid for '--isa <isa>'. …"),
    CommandCase("upscale photo.png -o a.png --precision int4", 64, "swiftlet: The value 'int4' is invalid for …"),
    CommandCase("eval MODEL --data nowhere", 1, "swiftlet: 'nowhere' does not exist; check the path"),
    CommandCase("eval MODEL --data folder", 1, "swiftlet: the folder 'folder' holds no pictures; give one that does"),
    CommandCase(
      "eval MODEL --data . --scales 3", 64,
      "swiftlet: the network 'edsr' enlarges 2 times and cannot be measured at scale 3; give --scales 2 …"),
    CommandCase("eval MODEL --data . --protocol best", 64, "swiftlet: The value 'best' is invalid for …"),
    CommandCase("eval MODEL --data . --scales 2,,3", 64, "swiftlet: The value '2,,3' is invalid for …"),
    CommandCase("info photo.png", 1, "swiftlet: 'photo.png' is a picture, which is not read here; give a model here"),
    CommandCase("info MODEL --input 1x3x8", 1, "swiftlet: …"),
    CommandCase(
      "new alexnet -o x.safetensors", 64, "swiftlet: there is no architecture 'alexnet'; there are vdsr, edsr, unet, …"),
    CommandCase(
      "new vdsr --blocks 3 -o x.safetensors", 64,
      "swiftlet: vdsr has no option 'blocks'; it has depth, features, convolution (see 'swiftlet new --help')"),
    CommandCase("new edsr --scale 5 -o x.safetensors", 64, "swiftlet: the option scale of edsr is '5' and must be 2 to 4 …"),
    CommandCase("convert photo.png --architecture vdsr -o x.safetensors", 1, "swiftlet: 'photo.png' is a picture, …"),
    CommandCase("convert a.pth --architecture resnet -o x.safetensors", 64, "swiftlet: The value 'resnet' is invalid for …"),
    CommandCase(
      "optimize MODEL -o model.safetensors", 1,
      "swiftlet: 'model.safetensors' is read by this command and is not overwritten; choose another output"),
    CommandCase(
      "optimize MODEL -o ./folder/../model.safetensors", 1,
      "swiftlet: './folder/../model.safetensors' is the same file as 'model.safetensors', which is read by this command and is not "
        + "overwritten; choose another output"),
    CommandCase(
      "optimize MODEL --substitute separable --where name=none.* -o x.safetensors", 1,
      "swiftlet: the network 'edsr' has no dense convolution that meets the conditions; see its nodes with 'info --nodes'"),
    CommandCase("optimize MODEL --where kernel=3", 64, "swiftlet: --where, --weights and --pointwise need --substitute …"),
    CommandCase("optimize MODEL --seed 3", 64, "swiftlet: --seed needs --weights random …"),
    CommandCase("optimize MODEL --substitute separable --seed 3", 64, "swiftlet: --seed needs --weights random …"),
    CommandCase("optimize MODEL --weights random", 64, "swiftlet: --where, --weights and --pointwise need --substitute …"),
    CommandCase(
      "convert MODEL -o model.safetensors", 1,
      "swiftlet: 'model.safetensors' is read by this command and is not overwritten; choose another output"),
    CommandCase(
      "convert MODEL -o x.onnx --skip first", 64, "swiftlet: --residual-scale, --skip and --key need --architecture …"),
    CommandCase(
      "optimize MODEL --substitute separable --where size=3", 64,
      "swiftlet: The value 'size=3' is invalid for '--where <conditions>': the condition 'size=3' is not understood; give …"),
    CommandCase("optimize MODEL --substitute dense", 64, "swiftlet: The value 'dense' is invalid for '--substitute …"),
    CommandCase("optimize MODEL --input 1x3x8x8", 1, "swiftlet: the input 'x' is 1x3x8x8 and must be [N, 1, H, W]"),
    CommandCase("optimize MODEL -o nowhere/x.safetensors", 1, "swiftlet: 'nowhere/x.safetensors' cannot be written …"),
    CommandCase("run MODEL --input none.npy -o y.npy", 1, "swiftlet: 'none.npy' does not exist; check the path"),
    CommandCase("run MODEL --input photo.png -o photo.png", 1, "swiftlet: 'photo.png' is read by this command and is not …"),
    CommandCase(
      "run MODEL --input photo.png -o model.safetensors", 1,
      "swiftlet: 'model.safetensors' is read by this command and is not …"),
    CommandCase("bench MODEL --input 1x4x8x8", 1, "swiftlet: the input 'x' is 1x4x8x8 and must be [N, 1, H, W]"),
    CommandCase("bench MODEL --warmup -5", 64, "swiftlet: …"),
    CommandCase(
      "bench MODEL --warmup 999999999999", 64, "swiftlet: The value '999999999999' is invalid for '--warmup <n>': give …"),
    CommandCase("upscale photo.png -o a.png --quality 500", 64, "swiftlet: the quality 500 is not in 0...100 …"),
    CommandCase("upscale photo.png -o folder --suffix ../x", 64, "swiftlet: The value '../x' is invalid for '--suffix …"),
    CommandCase("info /dev/zero", 1, "swiftlet: '/dev/zero' is larger than the 1.0 GiB that are read at most; …"),
    CommandCase(
      "new vdsr --depth 1000 --features 1024 -o x.safetensors", 1, "swiftlet: vdsr would have 9418328064 parameters …"),
    CommandCase("new edsr --blocks 1000 --features 1024 -o x.safetensors", 1, "swiftlet: edsr would have …"),
    CommandCase("bench MODEL --input 1x1x20000x20000", 1, "swiftlet: the network 'edsr' cannot run: about …"),
    CommandCase(
      "quantize MODEL --data . --weight-bits 9", 64,
      "swiftlet: The value '9' is invalid for '--weight-bits <n>': give a whole number from 2 to 8 …"),
    CommandCase(
      "bench MODEL --runs 0", 64, "swiftlet: The value '0' is invalid for '--runs <n>': give a whole number of 1 to …"),
    CommandCase(
      "convert MODEL -o x.pth", 64,
      "swiftlet: the name 'x.pth' does not say which format to write; end it in .safetensors or .onnx …"),
    CommandCase("new edsr -o x", 64, "swiftlet: the name 'x' does not say which format to write; end it in .safetensors …"),
    CommandCase("optimize MODEL -o x.pt", 64, "swiftlet: the name 'x.pt' does not say which format to write; end it in …"),
    CommandCase(
      "convert MODEL --architecture edsr -o x.ckpt", 64, "swiftlet: the name 'x.ckpt' does not say which format to write; …"),
    CommandCase(
      "run MODEL --input none.npy --output y.txt", 64,
      "swiftlet: the name 'y.txt' does not say which format to write; end it in .npy …"),
    CommandCase("profile MODEL --input nowhere.png", 1, "swiftlet: 'nowhere.png' does not exist; check the path"),
    CommandCase("profile MODEL --input 1x1x100000x100000", 1, "swiftlet: …"),
    CommandCase("compare MODEL --input 300000x1x64x64", 1, "swiftlet: the network 'edsr' cannot run: about …"),
    CommandCase("bench MODEL --engine reference --input 300000x1x64x64", 1, "swiftlet: the network 'edsr' cannot run: …"),
    CommandCase(
      "bench MODEL --engine reference --isa avx2", 64, "swiftlet: --precision, --isa and --rates are for the engine cpu; …"),
    CommandCase("explain MODEL --input 0x1x64x64", 64, "swiftlet: '0x1x64x64' is no shape of an input; give NxCxHxW, …"),
    CommandCase("ladder --quick --model MODEL --input 1x4x8x8", 1, "swiftlet: the input 'x' is 1x4x8x8 …"),
    CommandCase("ladder --model MODEL --input 1x1x20000x20000", 1, "swiftlet: the network 'edsr' cannot run: about …"),
    CommandCase("ladder --layers 4096->4096@4096 --batch 64", 1, "swiftlet: the network '4096->4096@4096' cannot run: about …"),
    CommandCase("ladder --quick --engine reference", 64, "swiftlet: Unknown option '--engine' …"),
    CommandCase("ladder --quick --precision bfloat16", 64, "swiftlet: Unknown option '--precision' …"),
    CommandCase(
      "compare MODEL upscale-x3", 1,
      "swiftlet: the networks 'edsr' and 'upscale-x3' have no value in common, by name and shape, and cannot be compared node by node; …"
    ),
    CommandCase("profile MODEL --by colour", 64, "swiftlet: The value 'colour' is invalid for '--by <grouping>'. …"),
    CommandCase("profile MODEL --input 1x1x8x8 --diff none.json", 1, "swiftlet: 'none.json' does not exist; check the path"),
    CommandCase("explain MODEL nothing", 64, "swiftlet: there is no model 'nothing'; …"),
    CommandCase(
      "compare MODEL --path-a gpu", 64,
      "swiftlet: The value 'gpu' is invalid for '--path-a <path>': there is no engine 'gpu'; there are reference; cpu, with …"),
    CommandCase(
      "bench MODEL --engine cuda:avx2", 64,
      "swiftlet: The value 'cuda:avx2' is invalid for '--engine <engine>': there is no engine 'cuda:avx2'; there are reference; cpu, …"
    ),
    CommandCase("bench MODEL --engine cuda:0:int8", 64, "swiftlet: The value 'cuda:0:int8' is invalid for …"),
    CommandCase(
      "bench MODEL --device gpu", 64, "swiftlet: The value 'gpu' is invalid for '--device <device>': give cpu, cuda or …"),
    CommandCase(
      "bench MODEL --device cuda --engine cpu", 64, "swiftlet: --engine and --device both say what runs the network; …"),
    CommandCase("bench MODEL --device cuda --isa avx2", 64, "swiftlet: --isa and --rates are for the CPU; …"),
    CommandCase(
      "bench MODEL --precision float16", 64,
      "swiftlet: the CPU has float32 and bfloat16; give one of them, or --device cuda with tf32 or float16 …"),
    CommandCase(
      "bench MODEL --precision tf32", 64,
      "swiftlet: the CPU has float32 and bfloat16; give one of them, or --device cuda with tf32 or float16 …"),
    CommandCase("bench MODEL --engine cpu:mmx", 64, "swiftlet: The value 'cpu:mmx' is invalid for '--engine <engine>': …"),
    CommandCase("bench MODEL --engine cpu:avx2 --isa avx2", 64, "swiftlet: --engine names an instruction set already; …"),
    CommandCase("eval MODEL --data . --engine cpu:bfloat16 --precision float32", 64, "swiftlet: --engine names a precision …"),
    CommandCase(
      "profile MODEL --engine reference", 64,
      "swiftlet: the engine reference does not say where its time …"),
    CommandCase("explain MODEL --engine cpu:avx2 --isa avx2", 64, "swiftlet: --engine names an instruction set already; …"),
    CommandCase(
      "ladder --layers 3-64@512", 64, "swiftlet: The value '3-64@512' is invalid for '--layers <layers>': give layers as in …"),
    CommandCase("machine --rates nothing", 64, "swiftlet: there are no rates 'nothing'; give one of zen5, …"),
    CommandCase("machine --rates zen5 --measure", 64, "swiftlet: --measure and --rates are two sources of rates; give one …"),
    CommandCase("bench MODEL --rates text.txt", 1, "swiftlet: 'text.txt' does not say what a machine can do: it is no JSON, …"),
    CommandCase("kernels MODEL --rates folder", 1, "swiftlet: 'folder' is a folder…"),
    CommandCase("bench MODEL --engine reference --rates zen5", 64, "swiftlet: --precision, --isa and --rates are for …"),
    CommandCase(
      "sharpen", 64,
      "swiftlet: there is no command 'sharpen'; there are upscale, predict, eval, info, new, convert, optimize, prune, quantize, run, bench, kernels, "
        + "profile, explain, compare, ladder, machine, devices, data, train, runs, front (see 'swiftlet --help')"),
    CommandCase("upscal photo.png -o a.png", 64, "swiftlet: there is no command 'upscal'; do you mean 'upscale'? …"),
    CommandCase("bnech MODEL", 64, "swiftlet: there is no command 'bnech'; do you mean 'bench'? …"),
  ]

  @Test(arguments: failures) func `one line, and a code`(failure: CommandCase) throws {
    try Workplace().check(failure)
  }

  @Test func `version and help`() throws {
    let place = try Workplace()
    let version = try place.run(["--version"])
    #expect(version.code == 0 && version.output == "0.1.0\n" && version.error.isEmpty)
    for command in [
      [], ["upscale"], ["eval"], ["info"], ["new"], ["convert"], ["optimize"], ["run"], ["bench"], ["kernels"], ["profile"],
      ["explain"], ["compare"], ["ladder"], ["machine"], ["data"], ["data", "prepare"],
    ] {
      let help = try place.run(command + ["--help"])
      #expect(help.code == 0 && help.output.contains("USAGE: swiftlet"), "\(command)")
    }
  }

  /// However many options there are.
  @Test(arguments: [
    "", "upscale", "predict", "eval", "info", "new", "convert", "optimize", "prune", "quantize", "run", "bench", "kernels",
    "profile", "explain",
    "compare", "ladder", "machine", "devices", "data", "data prepare", "train", "runs", "runs list", "runs show", "runs diff",
    "front",
  ]) func `no line of help is wider than a terminal`(command: String) throws {
    let help = try Workplace().run(command.split(separator: " ").map(String.init) + ["--help"], under: "export COLUMNS=80")
      .output
    #expect(help.contains("USAGE: swiftlet") && help.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(help)")
  }

  /// Each option's help names its default, or the option is needed.
  @Test(arguments: [
    "upscale", "eval", "info", "new", "convert", "optimize", "run", "bench", "kernels", "profile", "explain", "compare",
    "ladder", "machine", "data prepare",
  ])
  func `every option has help and a default`(command: String) throws {
    let help = try Workplace().run(command.split(separator: " ").map(String.init) + ["--help"]).output
    let needed = ["--output", "--data", "--architecture", "--input <file>"]
    let options = help.split(separator: "OPTIONS:\n", maxSplits: 1).last ?? ""
    var entries: [String] = []
    for line in options.split(separator: "\n") {
      if line.hasPrefix("  -") {
        entries.append(String(line))
      } else {
        entries[entries.count - 1] += " " + line.drop { $0 == " " }
      }
    }
    for entry in entries where entry.contains("<") && !needed.contains(where: entry.contains) {
      #expect(entry.contains("default:"), "\(entry)")
    }
    for entry in entries {
      let words = entry.split(separator: " ").drop { $0.hasPrefix("-") || $0.hasPrefix("<") }
      #expect(words.count >= 3, "no help: \(entry)")
    }
  }
}
