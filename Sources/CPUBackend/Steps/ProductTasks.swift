/// How a product over the pixels of a region is cut into tasks: by rows, and where those are few also by groups of output columns,
/// so that every thread has work and weights are not read again for every handful of pixels.
struct ProductTasks {
  /// One task's share.
  struct Share {
    /// Rows counted within the region, of one or more images.
    var rows: Range<Int>
    /// Column groups.
    var groups: Range<Int>
  }

  private let rowCount: Int
  private let imageRows: Int
  private let partsPerImage: Int
  private let rowsPerTask: Int
  private let groupCount: Int
  private let groupsPerTask: Int
  private let goesByColumns: Bool

  /// Several tasks a thread, so that a slow thread is made up for.
  private static let tasksPerThread = 4

  /// - Parameters:
  ///   - groupCount: of columns that are multiplied together.
  ///   - leastRows: rows below which a task would waste work.
  ///   - rowGrain: rows that are done together; tasks have whole multiples where that leaves enough of them.
  ///   - imageRows: the rows of an image, where no task may reach over its end.
  ///   - preparesInput: whether a task works on its rows before it multiplies them, so that tasks of the same rows repeat that.
  ///   - goesByColumns: tasks that share columns follow each other, not those that share rows: for weights that outweigh the input.
  init(
    _ region: WorkRegion, width: Int, groupCount: Int, leastRows: Int = 1, rowGrain: Int = 1,
    imageRows: Int? = nil, preparesInput: Bool = true, goesByColumns: Bool = false
  ) {
    self.goesByColumns = goesByColumns
    let threadCount = region.threadCount
    rowCount = region.imageRows
    self.groupCount = max(groupCount, 1)
    let wanted = Self.tasksPerThread * threadCount
    // A chunk's worth of pixels at least.
    let least = max(leastRows, (PointwiseProduct.pixels + width - 1) / max(width, 1))
    var rows = max(least, min(8, rowCount / wanted))
    if rows < rowCount / threadCount { rows = (rows + rowGrain - 1) / rowGrain * rowGrain }
    if rowGrain == 1, imageRows == nil {
      // The last register tile of a task is filled in part.
      func waste(_ rows: Int) -> Double {
        let pixels = rows * width, tile = PixelChunks.tileRows
        return Double((pixels + tile - 1) / tile * tile) / Double(max(pixels, 1))
      }
      let most = max(rows, min(rows + 2, rowCount / (2 * threadCount)))
      rows = (rows...most).min { waste($0) < waste($1) - 0.02 } ?? rows
    }
    if let imageRows {
      // As many for each thread: with few tall tasks, one more would leave the others waiting.
      let most = max(1, imageRows / max(rows, 1))
      let even = most > threadCount ? most / threadCount * threadCount : most
      // Rows that a neighbour computes too cost less than a thread without work.
      let parts = even * region.images.count * self.groupCount < threadCount ? min(threadCount, imageRows) : even
      rows = (imageRows + parts - 1) / parts
      if region.images.count >= wanted { rows = imageRows }
      self.imageRows = imageRows
    } else {
      self.imageRows = rowCount
    }
    rows = max(1, min(rows, self.imageRows))
    let images = rowCount / max(self.imageRows, 1)
    let rowParts = (self.imageRows + rows - 1) / rows * images
    // Tasks of the same rows prepare the same input: two tasks a thread do without. Where there is nothing to prepare, no task is so
    // large that the others wait long for the last of them.
    let isEnough = rowParts >= 2 * threadCount && (preparesInput || rows * wanted * 2 <= rowCount)
    let mostParts = preparesInput ? wanted : 3 * wanted
    let columnParts =
      isEnough || threadCount == 1 ? 1 : min(self.groupCount, max(1, (mostParts + rowParts - 1) / max(rowParts, 1)))
    let groups = (self.groupCount + columnParts - 1) / columnParts
    // Rows that a neighbour computes, too, make few tall tasks: see above.
    let cut =
      rowCount == 0
      ? (rows, groups)
      : TaskCut.grid(
        (rows, groups), of: (self.imageRows, self.groupCount), times: images, threads: threadCount,
        leastRows: imageRows == nil ? 1 : rows
      ) { rows, groups in
        let tile = Self.tileRows, pixels = Double((rows * width + tile - 1) / tile * tile)
        return pixels * (Double(groups) + (preparesInput ? Self.preparation : 0)) + Self.weightPixels * Double(groups)
      }
    rowsPerTask = cut.0
    groupsPerTask = cut.1
    partsPerImage = (self.imageRows + rowsPerTask - 1) / max(rowsPerTask, 1)
  }

  /// Rows of the register tile that spans a group of columns.
  private static let tileRows = 6
  /// What preparing a pixel takes, in products with a group of columns.
  private static let preparation = 0.2
  /// What reading the weights of a group takes, in pixels that are multiplied with them.
  private static let weightPixels = 5.0

  private var columnParts: Int { (groupCount + groupsPerTask - 1) / groupsPerTask }
  var count: Int { rowCount == 0 ? 0 : partsPerImage * (rowCount / imageRows) * columnParts }

  /// Tasks that share rows follow each other: their input stays in the cache. Or those that share columns: their weights do.
  func share(_ task: Int) -> Share {
    let rowParts = partsPerImage * (rowCount / max(imageRows, 1))
    let part = goesByColumns ? task % rowParts : task / columnParts
    let column = goesByColumns ? task / rowParts : task % columnParts
    let first = part / partsPerImage * imageRows, inImage = part % partsPerImage * rowsPerTask
    return Share(
      rows: first + inImage..<first + min(inImage + rowsPerTask, imageRows),
      groups: column * groupsPerTask..<min((column + 1) * groupsPerTask, groupCount))
  }
}
