import CPUBackend
import Execution
import Files
import Imaging
import Networks
import Tensors
import Training

/// Measures a network on pictures: makes them smaller, enlarges them by bicubic interpolation and by the network, and compares.
public final class Evaluator {
  public let `protocol`: EvaluationProtocol
  private let network: Network

  /// What to say before work with a network that was not trained, as a clause; nil of others.
  public var untrainedNotice: String? { network.untrainedNotice }

  private let engine: Engine
  private let upscaler: Upscaler

  /// - Parameter memoryLimit: for the whole process: tiles become smaller where it is near.
  public init(
    _ network: Network, protocol: EvaluationProtocol, engine: Engine, tile: TilePolicy = .automatic, memoryLimit: Int? = nil
  ) throws(EvaluationError) {
    self.network = network
    self.protocol = `protocol`
    self.engine = engine
    upscaler = try Upscaler(
      network, backend: engine.makeBackend(),
      options: Upscaler.Options(tile: tile, memoryLimit: memoryLimit, threadCount: engine.threadCount))
  }

  /// The scales that the network can be measured at: its own, or 2, 3 and 4.
  public var offeredScales: [Int] { upscaler.contract.scale.map { [$0] } ?? [2, 3, 4] }

  /// A network that keeps the size is measured at scale 1: on what is done to the pictures by degradations.
  private var measuredScales: ClosedRange<Int> { upscaler.contract.scale == 1 ? 1...1 : 2...16 }

  /// Measures every picture of a folder at every scale. What cannot be measured is left out, and told.
  ///
  /// - Parameters:
  ///   - saveFolder: where pictures of truth, bicubic and output side by side go, as `NAME-x2.png`; another folder than that of the pictures.
  ///     Those of the same model, folder of pictures, protocol and precision are replaced, other files are not.
  ///   - replacesAnySheet: those of other models and pictures are replaced, too: the folder is this run's own.
  ///   - failure: gets a line for each picture that cannot be measured, when that is known.
  ///   - progress: called with the name of what is worked on and the share done.
  public func evaluate(
    folder: String, model: String, scales: [Int]? = nil, saveFolder: String? = nil, replacesAnySheet: Bool = false,
    failure: ((String) -> Void)? = nil, progress: ((String, Double) -> Void)? = nil
  ) throws(EvaluationError) -> EvaluationReport {
    try FileClaims.together { () throws(EvaluationError) in
      try evaluateClaimed(
        folder: folder, model: model, scales: scales, saveFolder: saveFolder, replacesAnySheet: replacesAnySheet,
        failure: failure, progress: progress)
    }
  }

  /// Throws where `evaluate` would write over what is not its own: before anything is measured, where several networks are.
  public func checkSaving(to saveFolder: String, folder: String, scales: [Int]? = nil) throws(EvaluationError) {
    let (names, scales) = try subjects(folder: folder, scales: scales)
    try Self.checkApart(saveFolder, from: folder)
    try Self.claim(names, scales, folder: folder, saveFolder: saveFolder)
    try checkSaving(to: saveFolder, folder: folder, names, scales, replacesAnySheet: false)
  }

  private func checkSaving(
    to saveFolder: String, folder: String, _ names: [String], _ scales: [Int], replacesAnySheet: Bool
  ) throws(EvaluationError) {
    try Self.checkApart(saveFolder, from: folder)
    let titles = Self.titles(names), source = sheetSource(folder: folder)
    for scale in scales {
      for name in names {
        let path = Self.savedPath(titles[name] ?? name, scale, in: saveFolder)
        try Self.checkOwn(path, of: replacesAnySheet ? nil : source)
      }
    }
  }

  /// Claims what is read and what is written: a link to a picture that is measured is told as that.
  private static func claim(
    _ names: [String], _ scales: [Int], folder: String, saveFolder: String?
  ) throws(EvaluationError) {
    let titles = titles(names)
    try wrapping { () throws(FileError) in
      for name in names { try FileClaims.reads(Folder.joined(folder, name)) }
      guard let saveFolder else { return }
      for scale in scales {
        for name in names { try FileClaims.writes(savedPath(titles[name] ?? name, scale, in: saveFolder), for: name) }
      }
    }
  }

  private static func savedPath(_ title: String, _ scale: Int, in folder: String) -> String {
    Folder.joined(folder, "\(title)-x\(scale).png")
  }

  /// What sheets are of, but for picture and scale, which their names say.
  private func sheetSource(folder: String) -> SheetSource {
    let precision =
      switch engine {
      case .cpu(let options): options.precision.rawValue
      case .cuda(let options): options.precision.rawValue
      case .reference: Precision.float32.rawValue
      }
    return SheetSource(network, folder: folder, protocol: `protocol`, precision: precision)
  }

  /// The scales that are asked for, or those offered. Throws where the network has not one of them.
  @discardableResult
  public func checkedScales(_ scales: [Int]?) throws(EvaluationError) -> [Int] {
    let scales = scales ?? offeredScales
    if let own = upscaler.contract.scale, let other = scales.first(where: { $0 != own }) {
      throw .scaleNotOffered(network: network.name, scale: other, offered: own)
    }
    if let scale = scales.first(where: { !measuredScales.contains($0) }) {
      throw .unmeasuredScale(scale, allowed: measuredScales, offered: offeredScales)
    }
    return scales
  }

  /// What to say of a folder before its pictures are measured: which of them this program made, and what is passed over. Lines.
  public static func notices(folder: String) throws(EvaluationError) -> [String] {
    let (files, folders) = try wrapping { () throws(FileError) in
      (try Folder.files(in: folder, recursive: false), try Folder.folders(in: folder))
    }
    let pictures = files.filter { ImageFormat(path: $0) != nil }
    let made = pictures.filter { FileMark.isSet(Folder.joined(folder, $0)) == true }
    var lines: [String] = []
    if !made.isEmpty {
      lines.append(
        String.line(
          on: folder,
          "holds \(made.count == 1 ? "a picture" : "\(made.count) pictures") that this program made, measured as all others: "
            + "\(TextFormat.list(made, most: 4)); move what is no original"))
    }
    guard !pictures.isEmpty else { return lines }
    var clauses = UpscaleReport.passedOverText(ignored: files.filter { ImageFormat(path: $0) == nil }, unentered: [])
    if !folders.isEmpty { clauses.append("folders inside are not entered: \(TextFormat.list(folders, most: 4))") }
    if !clauses.isEmpty { lines.append(String.line(on: folder, clauses.joined(separator: "; "))) }
    return lines
  }

  /// The pictures of a folder and the scales that they are measured at.
  private func subjects(folder: String, scales: [Int]?) throws(EvaluationError) -> (names: [String], scales: [Int]) {
    let scales = try checkedScales(scales)
    let names = try wrapping { () throws(FileError) in try Folder.files(in: folder, recursive: false) }
      .filter { ImageFormat(path: $0) != nil }
    guard !names.isEmpty else { throw .noPictures(folder: folder) }
    return (names, scales)
  }

  /// Checks by their headers that the pictures of a folder can be measured, and gives a bound of the bytes that measuring one holds.
  package func check(folder: String, scales: [Int]? = nil) throws(EvaluationError) -> Int {
    let (names, scales) = try subjects(folder: folder, scales: scales)
    var most = 0
    for name in names {
      let path = Folder.joined(folder, name)
      let file = try wrapping { () throws(FileError) in
        try RandomAccessFile(path: path, limit: Image.largestFile, memory: Image.largestFile)
      }
      let reader = try wrapping { () throws(ImageError) in try ImageReader(file, name: path) }
      let (width, height) = (reader.properties.width, reader.properties.height)
      if let scale = scales.first(where: { min(width, height) / $0 * $0 < Self.smallestSide($0) }) {
        throw .pictureTooSmall(name: path, width: width, height: height, scale: scale)
      }
      most = max(most, width * height)
    }
    // Planes of 64-bit numbers: the truth, both results, what they are compared in, and windows over them.
    return most * (`protocol`.colour == .rgb ? 200 : 80)
  }

  /// SSIM needs a window inside the border.
  private static func smallestSide(_ scale: Int) -> Int { 11 + 2 * scale }

  private func evaluateClaimed(
    folder: String, model: String, scales: [Int]?, saveFolder: String?, replacesAnySheet: Bool, failure: ((String) -> Void)?,
    progress: ((String, Double) -> Void)?
  ) throws(EvaluationError) -> EvaluationReport {
    let (names, scales) = try subjects(folder: folder, scales: scales)
    let titles = Self.titles(names)
    func savedPath(_ name: String, _ scale: Int, in folder: String) -> String {
      Self.savedPath(titles[name] ?? name, scale, in: folder)
    }
    try Self.claim(names, scales, folder: folder, saveFolder: saveFolder)
    var marks: [PNGChunk] = []
    if let saveFolder {
      try checkSaving(to: saveFolder, folder: folder, names, scales, replacesAnySheet: replacesAnySheet)
      try wrapping { () throws(FileError) in try Folder.create(saveFolder) }
      marks = [Self.mark, sheetSource(folder: folder).chunk]
    }
    var rows: [EvaluationReport.Row] = []
    var failures: [EvaluationReport.Failure] = []
    var done = 0
    for scale in scales {
      for name in names {
        progress?("\(name) x\(scale)", Double(done) / Double(names.count * scales.count))
        done += 1
        let comparison: Comparison
        do throws(EvaluationError) {
          comparison = try compare(read(Folder.joined(folder, name)), name: titles[name] ?? name, scale: scale)
        } catch {
          let line = error.text(for: Folder.joined(folder, name))
          // What is wrong at one scale is often so at the others.
          if !failures.contains(where: { $0.image == name && $0.error == line }) { failure?(line) }
          failures.append(EvaluationReport.Failure(image: name, scale: scale, error: line))
          continue
        }
        rows.append(comparison.row)
        if let saveFolder {
          let path = savedPath(name, scale, in: saveFolder)
          var sheet = comparison.sideBySide(model: Folder.split(model).stem)
          sheet.metadata.chunks = marks
          try wrapping { () throws(ImageError) in try sheet.write(to: path, as: .png, maker: "eval") }
        }
      }
    }
    var report = EvaluationReport(
      model: model, network: network, protocol: `protocol`, engine: engine, images: rows, failures: failures,
      pictureCount: names.count)
    report.savedFolder = saveFolder
    return report
  }

  private func read(_ path: String) throws(EvaluationError) -> Image {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 31) }
    return try wrapping { () throws(ImageError) in try ImageCodec.decode(bytes, name: path) }
  }
}

extension Evaluator {
  /// One picture measured, with the pictures that were compared.
  struct Comparison {
    var row: EvaluationReport.Row
    var truth: Image
    var bicubic: Image
    var output: Image
  }

  /// Measures one picture at one scale.
  func compare(_ image: Image, name: String, scale: Int) throws(EvaluationError) -> Comparison {
    var truth = PlanarImage<Double>(image)
    truth.alpha = nil
    for factor in `protocol`.cropFactors(scale: scale) {
      truth.colour = truth.colour.map { $0.cropped(toMultipleOf: factor) }
    }
    guard min(truth.width, truth.height) >= Self.smallestSide(scale) else {
      throw .pictureTooSmall(name: name, width: image.width, height: image.height, scale: scale)
    }
    let low = try degraded(truth.resized { $0.resized(scale: 1 / Double(scale)) })
    let sides = `protocol`.isRounded ? try rounded(low, truth, scale) : try unrounded(low, truth, scale)
    let border = scale
    func quality(_ planes: [Plane<Double>]) -> EvaluationReport.Quality {
      EvaluationReport.Quality(
        psnr: ImageMetric.peakSignalToNoiseRatio(planes, sides.truth, border: border),
        ssim: ImageMetric.structuralSimilarity(planes, sides.truth, border: border))
    }
    // At scale 1 what is not degraded is the truth itself.
    let isEnlarged = scale > 1 || !`protocol`.degradations.isEmpty
    let row = EvaluationReport.Row(
      image: name, scale: scale, width: truth.width, height: truth.height, bicubic: isEnlarged ? quality(sides.bicubic) : nil,
      network: quality(sides.output), seconds: sides.seconds)
    let crop = Image(truth, bitDepth: 8)
    return Comparison(row: row, truth: crop, bicubic: sides.bicubicImage, output: sides.outputImage)
  }

  /// The small picture with what the protocol does to it.
  private func degraded(_ low: PlanarImage<Double>) throws(EvaluationError) -> PlanarImage<Double> {
    guard !`protocol`.degradations.isEmpty else { return low }
    var planes = low.colour.map { Plane<Float>($0) }
    var generator = SplitMix64(seed: 1)
    for degradation in `protocol`.degradations {
      planes = try wrapping { () throws(DataError) in try degradation.apply(to: planes, using: &generator) }
    }
    return PlanarImage(colour: planes.map { Plane<Double>($0) })
  }

  /// What is compared, and the same as pictures.
  private struct Sides {
    var truth: [Plane<Double>]
    var bicubic: [Plane<Double>]
    var output: [Plane<Double>]
    var bicubicImage: Image
    var outputImage: Image
    var seconds: Double
  }

  /// Through pictures of 8 bits.
  private func rounded(
    _ low: PlanarImage<Double>, _ truth: PlanarImage<Double>, _ scale: Int
  ) throws(EvaluationError) -> Sides {
    let small = Image(low, bitDepth: 8)
    let bicubic = Image(PlanarImage<Double>(small).resized { $0.resized(scale: Double(scale)) }, bitDepth: 8)
    let before = upscaler.runner.runSeconds
    let output = try upscaler.upscale(small, scale: Double(scale))
    return Sides(
      truth: compared(PlanarImage<Double>(Image(truth, bitDepth: 8))), bicubic: compared(PlanarImage<Double>(bicubic)),
      output: compared(PlanarImage<Double>(output)), bicubicImage: bicubic, outputImage: output,
      seconds: upscaler.runner.runSeconds - before)
  }

  /// In floating point from the truth to the figure.
  private func unrounded(
    _ low: PlanarImage<Double>, _ truth: PlanarImage<Double>, _ scale: Int
  ) throws(EvaluationError) -> Sides {
    let bicubic = low.resized { $0.resized(scale: Double(scale)) }
    let runner = upscaler.runner
    let source = upscaler.contract.inputSize == .bicubicEnlarged ? bicubic : low
    let colours = upscaler.contract.colour == .luma ? [source.publishedLuma] : source.threeColours
    let before = runner.runSeconds
    let result = try upscaler.run(colours.map { Plane<Float>($0) }).map { $0.clipped }
    let seconds = runner.runSeconds - before

    let isGrey = truth.colour.count == 1
    var output = PlanarImage(colour: isGrey && result.count == 3 ? [result.mixed(LumaChroma.shares, offset: 0)] : result)
    if upscaler.contract.colour == .luma { output = bicubic.replacingLuma(result[0]) }
    let compared = upscaler.contract.colour == .luma ? [result[0]] : self.compared(output)
    return Sides(
      truth: self.compared(truth), bicubic: self.compared(bicubic), output: compared,
      bicubicImage: Image(bicubic, bitDepth: 8), outputImage: Image(output, bitDepth: 8), seconds: seconds)
  }

  /// The planes that the protocol compares.
  private func compared(_ image: PlanarImage<Double>) -> [Plane<Double>] {
    switch `protocol`.colour {
    case .luma: [image.publishedLuma]
    case .lumaOfSamples: [image.threeColours.mixed(LumaChroma.forwardTimes256.map { $0 / 256 }, offset: LumaChroma.black)]
    case .rgb: image.colour
    }
  }
}

extension Upscaler {
  /// The network's output, on the scale 0...255, for planes of its input's size and colour on that scale.
  func run(_ planes: [Plane<Float>]) throws(EvaluationError) -> [Plane<Float>] {
    let input = NetworkInputPlanes(
      PlaneWindow(planes), planes: Array(planes.indices), enlarged: nil, unit: contract.maximum / 255, workers: workers)
    var check = OutputCheck()
    for plane in planes { check.input.include(plane) }
    let collected = try collect(input, symmetries: [.identity], check: &check, progress: nil) {
      (height, width) throws(EvaluationError) in
      // The planes are there already.
      let budget = options.memoryLimit.map { max($0 - residentByteCount() - (8 << 20), 0) / 20 * 19 }
      return try runner.plan(height: height, width: width, budget: budget)
    }
    if options.memoryLimit != nil { runner.releaseAll() }
    let output = (0..<collected.count).map { collected.wholePlane($0) }
    try check.verify(network: runner.network.name, black: contract.colour == .luma ? LumaWeights.black : 0)
    return output
  }
}

extension Plane where Element == Float {
  /// In double precision, clipped to 0...255.
  fileprivate var clipped: Plane<Double> {
    Plane<Double>(width: width, height: height, elements: elements.map { Double(min(max($0, 0), 255)) })
  }
}

extension PlanarImage where Element == Double {
  fileprivate func resized(_ resize: (Plane<Double>) -> Plane<Double>) -> PlanarImage {
    PlanarImage(colour: colour.map(resize))
  }

  /// The luma that published figures are of: the samples of a grey picture are luma as they are.
  fileprivate var publishedLuma: Plane<Double> { colour.count == 1 ? colour[0] : luma }

  fileprivate var threeColours: [Plane<Double>] { colour.count == 3 ? colour : [colour[0], colour[0], colour[0]] }

  /// The picture with another luma and its own chroma.
  fileprivate func replacingLuma(_ luma: Plane<Double>) -> PlanarImage {
    guard colour.count == 3 else { return PlanarImage(colour: [luma]) }
    let chroma = lumaChroma
    return PlanarImage(colour: [luma, chroma.colour[1], chroma.colour[2]]).rgbFromLumaChroma
  }
}

extension [Plane<Double>] {
  fileprivate func mixed(_ weights: [Double], offset: Double) -> Plane<Double> {
    let elements = self[0].elements.indices.map { i in
      weights[0] * self[0].elements[i] + weights[1] * self[1].elements[i] + weights[2] * self[2].elements[i] + offset
    }
    return Plane(width: self[0].width, height: self[0].height, elements: elements)
  }
}

extension Evaluator.Comparison {
  /// Truth, bicubic, where there is such a thing, and output under their names in one picture.
  ///
  /// - Parameter model: what the output is called.
  func sideBySide(model: String) -> Image {
    func label(_ name: String, _ quality: EvaluationReport.Quality) -> String {
      "\(name) \(TextFormat.fixed(quality.psnr, 2)) dB"
    }
    var sheet = ComparisonSheet()
    sheet.add(truth, "truth")
    if let quality = row.bicubic { sheet.add(bicubic, label("bicubic", quality)) }
    sheet.add(output, label(model, row.network))
    return sheet.image
  }
}
