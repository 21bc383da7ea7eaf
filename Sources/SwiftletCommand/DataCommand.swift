import ArgumentParser
import Swiftlet

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Prepares data to learn from.", subcommands: [PrepareCommand.self])
}

struct PrepareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare",
    abstract: "Makes a file of patches to learn super-resolution from, as the VDSR project does.",
    discussion: """
      The HDF5 file holds 'data', luma made smaller and enlarged again by MATLAB's bicubic interpolation, and 'label', what it was: \
      float32, patches x 1 x side x side, on the scale 0 to 1 of 255. The same pictures and options give the same bytes.
      """)

  @Argument(help: ArgumentHelp("The folders of pictures.", valueName: "folder"))
  var folders: [String]

  @Option(name: .shortAndLong, help: "The file to write (.h5).")
  var output: String

  @Option(help: "The factors between small and large, as in 2,3,4. (default: 2,3,4)", transform: ScaleList.init(argument:))
  var scales = ScaleList([2, 3, 4])

  @Option(help: "The side of a patch in pixels. (default: 41)", transform: PlainNumber.whole)
  var patch = 41

  @Option(help: "Pixels from one patch to the next. (default: 41)", transform: PlainNumber.whole)
  var stride = 41

  @Flag(help: "Also pictures mirrored left to right and top to bottom.")
  var flips = false

  @Flag(help: "Also pictures turned by 90, 180 and 270 degrees; with --flips all eight forms.")
  var rotations = false

  @Option(
    help: "Factors that pictures are made smaller by first, as in 1,0.7,0.5. (default: 1)",
    transform: NumberList.init(argument:))
  var downscales = NumberList([1])

  @Option(help: "The rows of a chunk of the file. (default: 64)", transform: PlainNumber.whole)
  var chunk = 64

  @Option(help: "The seed of the order of patches. (default: 1)", transform: PlainNumber.seed)
  var seed: UInt64 = 1

  @Flag(help: "Leave the patches in the order of the pictures.")
  var inOrder = false

  @Flag(name: .shortAndLong, help: "Take the pictures of folders below, too.")
  var recursive = false

  @Flag(help: "Leave pictures out that cannot be read, and name them. Without it the first of them ends the work.")
  var skipDamaged = false

  @Option(
    help: ArgumentHelp(
      "Threads to compute with. Does not change the file. (default: \(Machine.processorCount))", valueName: "n"),
    transform: Count.init(argument:))
  var threads = Count(Machine.processorCount)

  @Flag(help: "Print what was written as JSON.")
  var json = false

  func run() throws {
    var file = PatchFile()
    file.scales = scales.values
    file.patch = patch
    file.stride = stride
    file.symmetries = Symmetries(flips: flips, rotations: rotations)
    file.downscales = downscales.values
    file.chunkRows = chunk
    file.seed = inOrder ? nil : seed
    file.skipsDamaged = skipDamaged
    file.threadCount = threads.value
    try Folder.checkExtension(output, in: [".h5", ".hdf5"])
    try Folder.claimOutput(output)
    try PatchFile.checkOutput(output)
    let start = Machine.seconds
    defer { Terminal.clearProgress() }
    let report = try file.write(PictureSet(folders: folders, recursive: recursive), to: output) { label, share in
      Terminal.drawProgress(label, share, since: start)
    }
    Terminal.clearProgress()
    for skipped in report.skipped { Terminal.printError("swiftlet: left out: \(skipped.reason)") }
    json ? Terminal.showJSON(try report.json) : Terminal.show(ReportText(report.text))
  }
}
