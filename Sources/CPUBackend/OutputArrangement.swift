import CKernels

/// Which channel each column of a convolution kernel computes and where its pixels go: in order for a plain result, by place for
/// one that a pixel shuffle spreads out while it is stored.
final class OutputArrangement {
  /// For each stored output channel the channel of the convolution, nil for padding. A multiple of SW_CHANNEL_BLOCK long.
  let order: [Int?]
  /// Of the destination.
  private let bytesPerRow: Int
  private let bytesPerPixel: Int
  private let shuffle: Int
  /// Of each block of the order, in bytes from the pixel.
  let blockOffsets: UnsafeMutablePointer<Int>

  /// - Parameters:
  ///   - channels: of the convolution.
  ///   - shuffle: the factor of the fused pixel shuffle: channel c·r² + dy·r + dx of pixel (y, x) is stored as channel c of pixel
  ///     (y·r + dy, x·r + dx). Columns are sorted so that a block of them is a block of one stored pixel.
  ///   - destination: the interleaved result, after the shuffle.
  init(channels: Int, shuffle: Int, destination: ValueLayout) {
    let block = Int(SW_CHANNEL_BLOCK), stored = destination.storedChannels, places = shuffle * shuffle
    order = (0..<places * stored).map { index in
      let place = index / stored, channel = index % stored
      return channel < channels / places ? channel * places + place : nil
    }
    bytesPerRow = shuffle * destination.bytesPerRow
    bytesPerPixel = shuffle * destination.bytesPerPixel
    self.shuffle = shuffle
    blockOffsets = .allocate(capacity: order.count / block)
    for index in 0..<order.count / block {
      let place = index * block / stored, channel = index * block % stored
      blockOffsets[index] =
        (place / shuffle) * destination.bytesPerRow + (place % shuffle) * destination.bytesPerPixel
        + destination.byteOffset(channel: channel)
    }
  }

  deinit { blockOffsets.deallocate() }

  /// The destination for kernels that count rows from work row `y` of an image on.
  func destination(_ memory: ValueMemory, image: Int, y: Int) -> sw_destination {
    sw_destination(
      base: memory.row(image, y * shuffle), row: bytesPerRow, pixel: bytesPerPixel, block: UnsafePointer(blockOffsets))
  }
}

/// One register block of a product: a run of output columns and the kernel that computes it.
struct ColumnBlock: BitwiseCopyable, Hashable {
  let kernel: Kernel
  let firstColumn: Int
  var columns: Int { kernel.columns }

  /// Cuts `columns` (a multiple of SW_CHANNEL_BLOCK) into runs, each as wide as the widest tile that still fits.
  static func split(_ columns: Int, into tiles: [Kernel]) -> [ColumnBlock] {
    var result: [ColumnBlock] = []
    var first = 0
    while first < columns {
      guard let tile = tiles.first(where: { $0.columns <= columns - first }) else {
        preconditionFailure("no tile is as narrow as \(columns - first) columns")
      }
      result.append(ColumnBlock(kernel: tile, firstColumn: first))
      first += tile.columns
    }
    return result
  }
}
