import Execution
import Files
import Formats
import Imaging
import Tensors

/// Makes a file of patches to learn super-resolution from, as the VDSR project does: an HDF5 file with `data`, luma made smaller and
/// enlarged again, and `label`, what it was; both float32 `[patches, 1, side, side]` on the scale 0...1, in chunks of some rows, without
/// end along the rows.
///
/// For each picture, form (turned or mirrored), scale and downscale: luma of BT.601 (16...235 of 255) in double precision, made smaller by
/// the downscale, cut at right and bottom to a multiple of the scale; MATLAB's bicubic interpolation down by the scale and up again,
/// neither rounded nor clipped; divided by 255 and rounded to float32. Patches begin at every `stride`th row and column, and those that
/// do not fit are left out. The rows of the file are in random order.
///
/// - Source: the script generate_train.m of twtygqyy/pytorch-vdsr, which rounds luma and smaller pictures to 8 bits and has the half-turned
///   forms twice.
public struct PatchFile: Hashable, Sendable {
  /// The factors between small and large, each 2 or more.
  public var scales = [2, 3, 4]
  /// The side of a patch, in pixels.
  public var patch = 41
  /// Pixels from one patch to the next.
  public var stride = 41
  public var symmetries = Symmetries.none
  /// Factors that pictures are made smaller by first, each more than 0 and at most 1.
  public var downscales = [1.0]
  /// The rows of a chunk.
  public var chunkRows = 64
  /// Of the order of rows; nil leaves them in the order of pictures, forms, scales, downscales, rows and columns.
  public var seed: UInt64? = 1
  /// Whether a picture that cannot be read is left out; else it ends the work.
  public var skipsDamaged = false
  public var threadCount = 1

  public init() {}

  /// What was written.
  public struct Report: Hashable, Codable, Sendable {
    public var patches: Int
    public var side: Int
    public var pictures: Int
    public var byteCount: Int
    /// Pictures that were left out, with the reason.
    public var skipped: [Skipped]
    /// Pictures that hold no patch.
    public var tooSmall: [String]
  }

  public struct Skipped: Hashable, Codable, Sendable {
    public var path: String
    public var reason: String
  }

  /// Writes the file, whole or not at all. The same pictures and options give the same bytes.
  ///
  /// - Parameter progress: called with what is worked on and the share done.
  public func write(
    _ pictures: PictureSet, to path: String, progress: ((String, Double) -> Void)? = nil
  ) throws(DataError) -> Report {
    try check()
    for file in pictures.files { try wrapping { () throws(FileError) in try FileClaims.reads(file.path) } }
    let pool = ThreadPool(threadCount: threadCount)
    defer { pool.stop() }
    var report = Report(patches: 0, side: patch, pictures: 0, byteCount: 0, skipped: [], tooSmall: [])
    let plan = try plan(pictures, pool, &report, progress)
    guard report.patches > 0 else { throw .noPatches(side: patch) }

    var generator = SplitMix64(mixing: [seed ?? 0])
    let order = seed == nil ? nil : generator.permutation(report.patches)
    let writer = try wrapping { () throws(FormatError) in
      let row: Shape = [1, patch, patch]
      let writer = try HDF5Writer(
        path: path, datasets: [.init(name: "data", row: row), .init(name: "label", row: row)], chunkRows: chunkRows)
      for index in 0..<2 { try writer.extend(index, to: report.patches) }
      return writer
    }
    var done = 0
    for entry in plan {
      progress?(entry.file.name, 0.1 + 0.9 * Double(done) / Double(report.patches))
      let luma = try Self.luma(entry.file)
      // As many variants at once as there are threads: all of a large picture would take gigabytes.
      for start in Swift.stride(from: 0, to: entry.variants.count, by: pool.threadCount) {
        let part = entry.variants[start..<min(start + pool.threadCount, entry.variants.count)]
        let made = pool.map(part.count) { patches(of: luma, part[start + $0]) }
        for patches in made {
          try wrapping { () throws(FormatError) in
            for (index, elements) in [patches.data, patches.label].enumerated() {
              try write(elements, patches.count, from: done, order, to: index, of: writer)
            }
          }
          done += patches.count
        }
      }
    }
    precondition(done == report.patches, "the plan and what was made differ")
    try wrapping { () throws(FormatError) in try writer.commit() }
    report.byteCount = 2 * 4 * report.patches * patch * patch
    return report
  }

  private func check() throws(DataError) {
    func require(_ isGood: Bool, _ name: String, _ value: String, _ allowed: String) throws(DataError) {
      guard isGood else { throw .option(name: name, value: value, allowed: allowed) }
    }
    let numbers = { (values: [Int]) in values.map(String.init).joined(separator: ",") }
    try require(
      !scales.isEmpty && scales.allSatisfy { (2...16).contains($0) }, "scales", numbers(scales), "factors from 2 to 16")
    try require((1...1024).contains(patch), "the patch", "\(patch)", "1 to 1024 pixels")
    try require((1...1024).contains(stride), "the stride", "\(stride)", "1 to 1024 pixels")
    try require((1...4096).contains(chunkRows), "the chunk", "\(chunkRows)", "1 to 4096 rows")
    try require(
      !downscales.isEmpty && downscales.allSatisfy { $0 >= 0.05 && $0 <= 1 }, "downscales", "\(downscales)",
      "factors from 0.05 to 1")
    try require(threadCount >= 1, "the threads", "\(threadCount)", "1 or more")
  }
}

extension PatchFile.Report {
  /// Some lines for people.
  public var text: String {
    let pictureCount = "\(pictures) picture\(pictures == 1 ? "" : "s")"
    var lines = ["\(patches) patches of \(side)x\(side) from \(pictureCount): 'data' and 'label', \(byteCount.exactByteText)"]
    if !tooSmall.isEmpty {
      let names = tooSmall.prefix(3).map { "'\($0.onOneLine)'" }.joined(separator: ", ")
      lines.append("\(tooSmall.count) too small for a patch: \(names)\(tooSmall.count > 3 ? ", …" : "")")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

// What patches a picture has, and what they are.
extension PatchFile {
  struct Variant: Hashable, Sendable {
    var orientation: Orientation
    var scale: Int
    var downscale: Double
  }

  /// A picture's variants that hold a patch.
  private struct Entry {
    var file: DataFile
    var variants: [Variant]
  }

  /// All pictures are decoded once to see which can be, and how large they are.
  private func plan(
    _ pictures: PictureSet, _ pool: ThreadPool, _ report: inout Report, _ progress: ((String, Double) -> Void)?
  ) throws(DataError) -> [Entry] {
    var plan: [Entry] = []
    let files = pictures.files
    let variants = symmetries.orientations.flatMap { orientation in
      scales.flatMap { scale in downscales.map { Variant(orientation: orientation, scale: scale, downscale: $0) } }
    }
    for start in Swift.stride(from: 0, to: files.count, by: pool.threadCount) {
      progress?(files[start].name, 0.1 * Double(start) / Double(files.count))
      let part = files[start..<min(start + pool.threadCount, files.count)]
      let sizes = pool.map(part.count) { index -> Result<(width: Int, height: Int), DataError> in
        do throws(ImageError) {
          let image = try Image(path: part[start + index].path)
          return .success((image.width, image.height))
        } catch { return .failure(.image(error)) }
      }
      for (file, size) in zip(part, sizes) {
        switch size {
        case .failure(let error):
          guard skipsDamaged, error.isOfOneFile else { throw error }
          report.skipped.append(Skipped(path: file.path, reason: error.description))
        case .success(let size):
          let fitting = variants.filter { count($0, size) > 0 }
          report.pictures += 1
          report.patches += fitting.reduce(0) { $0 + count($1, size) }
          if fitting.isEmpty { report.tooSmall.append(file.path) } else { plan.append(Entry(file: file, variants: fitting)) }
        }
      }
    }
    guard report.pictures > 0 || report.skipped.isEmpty else {
      throw .allDamaged(count: files.count, first: report.skipped.first?.reason ?? "")
    }
    return plan
  }

  /// The patches of a variant of a picture of that size.
  private func count(_ variant: Variant, _ size: (width: Int, height: Int)) -> Int {
    func along(_ side: Int) -> Int {
      let smaller = variant.downscale == 1 ? side : Int((variant.downscale * Double(side)).rounded(.up))
      return starts(smaller - smaller % variant.scale).count
    }
    return along(size.width) * along(size.height)
  }

  /// Where patches begin along a side.
  private func starts(_ side: Int) -> [Int] {
    side < patch ? [] : Array(Swift.stride(from: 0, through: side - patch, by: stride))
  }

  private static func luma(_ file: DataFile) throws(DataError) -> Plane<Double> {
    try wrapping { () throws(ImageError) in try Image(path: file.path).luma }
  }

  struct Patches: Sendable {
    var count: Int
    var data: [Float]
    var label: [Float]
  }

  /// The patches of one variant, row after row.
  func patches(of luma: Plane<Double>, _ variant: Variant) -> Patches {
    var label = luma.oriented(variant.orientation)
    if variant.downscale != 1 { label = label.resized(scale: variant.downscale) }
    label = label.cropped(toMultipleOf: variant.scale)
    let data = label.resized(scale: 1 / Double(variant.scale)).resized(width: label.width, height: label.height)
    var result = Patches(count: 0, data: [], label: [])
    for y in starts(label.height) {
      for x in starts(label.width) {
        append(data, x, y, to: &result.data)
        append(label, x, y, to: &result.label)
        result.count += 1
      }
    }
    return result
  }

  private func append(_ plane: Plane<Double>, _ x: Int, _ y: Int, to elements: inout [Float]) {
    for row in y..<y + patch {
      let start = row * plane.width + x
      elements.append(contentsOf: plane.elements[start..<start + patch].lazy.map { Float($0 / 255) })
    }
  }

  /// Writes patches from number `first` on to the rows that the order gives them.
  private func write(
    _ elements: [Float], _ count: Int, from first: Int, _ order: [Int]?, to index: Int, of writer: HDF5Writer
  ) throws(FormatError) {
    let size = patch * patch
    guard let order else { return try writer.write(elements[...], rows: count, at: first, to: index) }
    for number in 0..<count {
      try writer.write(elements[number * size..<(number + 1) * size], rows: 1, at: order[first + number], to: index)
    }
  }
}

extension ThreadPool {
  /// What `body` makes of each number below `count`, on the threads, in order.
  func map<T: Sendable>(_ count: Int, _ body: (Int) -> T) -> [T] {
    [T](unsafeUninitializedCapacity: count) { results, initialized in
      guard let base = results.baseAddress else { return }
      run(count: count) { _, index in (base + index).initialize(to: body(index)) }
      initialized = count
    }
  }
}
