import CKernels
import Execution

/// A part of a step's work: rows of some images of the batch. Rows are counted in the output before any pixel shuffle.
struct WorkRegion: Hashable {
  var images: Range<Int>
  var rows: Range<Int>
  /// The threads that share the work: it is cut into enough tasks for them, and into no more.
  var threadCount = 1

  var imageRows: Int { images.count * rows.count }

  /// Image and row of the n-th row of the region.
  func place(_ n: Int) -> (image: Int, row: Int) {
    (images.lowerBound + n / rows.count, rows.lowerBound + n % rows.count)
  }
}

/// One pass of a program over one output value: a kernel chosen, its packs declared, its work cut into independent tasks.
protocol Step: AnyObject {
  /// The node that the step belongs to.
  var node: String { get }
  /// The kernels that do the work, for people.
  var kernelNames: [String] { get }
  /// What they do, for reports and estimates.
  var work: Work { get }
  /// The values read, and the one written.
  var reads: [Int] { get }
  var writes: Int { get }
  /// Other values that it writes with the last of its rows. They leave the program, so that all their rows are kept.
  var alsoWrites: [Int] { get }
  /// Scratch bytes that one worker needs.
  var scratchByteCount: Int { get }
  /// The constants that it reads, filled before it runs.
  var packs: [Pack] { get }
  /// Bytes of constants that it makes itself.
  var tableByteCount: Int { get }

  /// Rows of work of one image, and rows of the output value for each.
  var rowCount: Int { get }
  var outputRowsPerRow: Int { get }
  /// Whether there is so little to do for a row that any few rows are worth a loop over the threads.
  var isLight: Bool { get }
  /// Whether all images are one piece of work.
  var takesWholeBatch: Bool { get }
  /// Whether `reads[index]` is complete before any row is worked on; it may have other images than the output.
  func readsWhole(_ index: Int) -> Bool
  /// Whether the step's value counts where the height of bands is chosen.
  var setsPace: Bool { get }
  /// Regions begin at multiples of this many rows.
  var rowGrain: Int { get }
  /// The rows of `reads[index]` that the work rows read; may reach past the value's edges.
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int>

  /// Tasks may run in any order and on any thread; no result depends on it, nor on how a step is cut into regions.
  func taskCount(_ region: WorkRegion) -> Int
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer)

  /// A step may need all of some work done before any of the next: its stages, one loop over tasks each.
  func stageCount(_ region: WorkRegion) -> Int
  func taskCount(_ region: WorkRegion, stage: Int) -> Int
  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer)
  /// Bytes of scratch that all workers share, and that last from stage to stage.
  var sharedByteCount: Int { get }
}

extension Step {
  var alsoWrites: [Int] { [] }
  var packs: [Pack] { [] }
  var tableByteCount: Int { 0 }
  /// Bytes of constants that a run of the step reads.
  var constantByteCount: Int { packs.reduce(tableByteCount) { $0 + $1.byteCount } }
  func stageCount(_ region: WorkRegion) -> Int { 1 }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int { taskCount(region) }
  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    perform(task, of: region, memory, scratch: scratch)
  }
  var sharedByteCount: Int { 0 }
  var outputRowsPerRow: Int { 1 }
  var isLight: Bool { false }
  var takesWholeBatch: Bool { false }
  func readsWhole(_ index: Int) -> Bool { false }
  var setsPace: Bool { true }
  var rowGrain: Int { 1 }
}

/// Where a value lies during a run.
///
/// An interleaved value that is made and used up in bands keeps only its last `ring` rows: row y lies at slot y modulo `ring`.
/// Steps read and write runs of rows that never wrap, because a ring is a multiple of every grain that touches it.
struct ValueMemory {
  private let base: UnsafeMutableRawPointer
  let bytesPerRow: Int
  let bytesPerImage: Int
  /// The images kept: image n lies at slot n modulo `images`. One where a ring of rows serves all.
  let images: Int
  let ring: Int
  #if DEBUG
    /// What may be read or written now: images, and rows that are made and not written over.
    var live: (images: Range<Int>, rows: Range<Int>)
  #endif

  /// - Parameters:
  ///   - base: of the first row of the first image.
  ///   - layout: of the value.
  init(_ base: UnsafeMutableRawPointer, _ layout: ValueLayout, images: Int, ring: Int) {
    self.base = base
    bytesPerRow = layout.bytesPerRow
    bytesPerImage = layout.bytesPerImage
    self.images = images
    self.ring = ring
    #if DEBUG
      live = (0..<layout.batch, 0..<layout.height)
    #endif
  }

  /// Where a row of an image begins (that of its first plane, where planar). Every address of a value is made here: builds with DEBUG trap
  /// where the row is not there.
  func row(_ image: Int, _ y: Int) -> UnsafeMutableRawPointer {
    #if DEBUG
      precondition(
        live.images.contains(image) && live.rows.contains(y),
        "row \(y) of image \(image) is touched, and there are rows \(live.rows) of images \(live.images)")
    #endif
    // Divisions take longer than some kernels do for a row, and what is complete needs none.
    let slot = image < images ? image : image % images, row = y < ring ? y : y % ring
    return base + slot * bytesPerImage + row * bytesPerRow
  }

  /// A row of a value that is float32.
  func floats(_ image: Int, _ y: Int) -> UnsafeMutablePointer<Float> { row(image, y).floats }

  /// Bytes from the first to the second of at most two rows, which may lie at both ends of a ring.
  func rowDistance(_ image: Int, _ rows: Range<Int>) -> Int {
    rows.count < 2 ? 0 : row(image, rows.lowerBound + 1) - row(image, rows.lowerBound)
  }
}

/// Brings rows of a value near before kernels go through them channel by channel, each row once, in order; see `sw_read_in_order`. Values of which a
/// part is kept have just been made, and so have those of 16 channels, whose lines kernels read in order themselves.
struct RowReader {
  private let memory: ValueMemory
  /// What a row is read in: itself, or its pixels, where they lie apart.
  private let pieces: Int
  private let bytes: Int
  private let distance: Int
  private let height: Int
  private var image = -1
  private var next = 0

  init(_ memory: ValueMemory, _ layout: ValueLayout) {
    self.memory = memory
    height = layout.height
    let isComplete = memory.ring >= layout.height && memory.images >= layout.batch
    let isRead = isComplete && layout.order == .interleaved && layout.storedChannels > Int(SW_CHANNEL_BLOCK)
    let isDense = layout.bytesPerPixel == layout.pixelByteCount
    pieces = isRead ? isDense ? 1 : layout.width : 0
    bytes = isDense ? layout.width * layout.bytesPerPixel : layout.pixelByteCount
    distance = layout.bytesPerPixel
  }

  /// Before these rows are worked on, which may reach past the edges: rows of an image come from top to bottom.
  @inline(__always)
  mutating func read(_ image: Int, _ rows: Range<Int>) {
    guard pieces > 0 else { return }
    if image != self.image { (self.image, next) = (image, 0) }
    let end = min(rows.upperBound, height)
    var row = max(rows.lowerBound, next)
    while row < end {
      let first = memory.row(image, row)
      for piece in 0..<pieces { sw_read_in_order(first + piece * distance, bytes) }
      row += 1
    }
    next = max(next, end)
  }
}

/// Where the values of a run lie.
struct RunMemory {
  let values: UnsafeMutablePointer<ValueMemory>
  /// What the workers of a step share.
  let shared: UnsafeMutableRawPointer

  subscript(value: Int) -> ValueMemory { values[value] }
}

/// Hands out aligned pieces of a worker's scratch memory, and with a nil base only counts them: a step measures its need with the
/// same lines that take the memory.
struct ScratchCursor {
  private let base: UnsafeMutableRawPointer?
  private(set) var byteCount = 0

  init(_ base: UnsafeMutableRawPointer?) { self.base = base }

  /// The bytes that `take` asks of a cursor.
  static func byteCount<T>(_ take: (inout ScratchCursor) -> T) -> Int {
    var cursor = ScratchCursor(nil)
    _ = take(&cursor)
    return cursor.byteCount
  }

  mutating func floats(_ count: Int) -> UnsafeMutablePointer<Float>? { take(count, of: Float.self) }

  /// Pointers to values.
  mutating func pointers(_ count: Int) -> UnsafeMutablePointer<UnsafeRawPointer?>? { take(count, of: UnsafeRawPointer?.self) }

  mutating func floatPointers(_ count: Int) -> UnsafeMutablePointer<UnsafePointer<Float>?>? {
    take(count, of: UnsafePointer<Float>?.self)
  }

  mutating func spans(_ count: Int) -> UnsafeMutablePointer<sw_span>? { take(count, of: sw_span.self) }

  mutating func bytes(_ count: Int) -> UnsafeMutableRawPointer? {
    defer { byteCount += (count + 63) / 64 * 64 }
    return base.map { $0 + byteCount }
  }

  mutating func take<T>(_ count: Int, of _: T.Type) -> UnsafeMutablePointer<T>? {
    bytes(count * MemoryLayout<T>.stride)?.assumingMemoryBound(to: T.self)
  }
}
