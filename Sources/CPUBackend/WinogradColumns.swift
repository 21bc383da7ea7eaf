import Execution
import Networks

/// The tiles of a row of Winograd tiles: those of the first phase of a dilated convolution's columns, then those of the next.
struct WinogradColumns: Hashable {
  let width: Int
  let size: Int
  let dilation: Int
  /// Tiles of the phases that have a column more than others; these come first.
  private let longTiles: Int
  private let longPhases: Int
  private let shortTiles: Int

  /// - Parameter size: columns of a tile.
  init(width: Int, size: Int, dilation: Int) {
    self.width = width
    self.size = size
    self.dilation = dilation
    longPhases = width % dilation
    longTiles = (width / dilation + size) / size
    shortTiles = (width / dilation + size - 1) / size
  }

  var tileCount: Int { longPhases * longTiles + (dilation - longPhases) * shortTiles }

  /// The first column of a tile, and the tiles from it on to the end of its phase.
  func place(_ tile: Int) -> (x: Int, left: Int) {
    let long = longPhases * longTiles
    let isLong = tile < long, tiles = isLong ? longTiles : shortTiles, number = isLong ? tile : tile - long
    let phase = (isLong ? 0 : longPhases) + number / tiles
    return (phase + number % tiles * size * dilation, tiles - number % tiles)
  }

  /// The tiles of all of a layer's images.
  static func tileCount(_ geometry: ConvolutionGeometry, size: Int) -> Int {
    let rows = size * geometry.dilation.height
    return geometry.batch * ((geometry.outHeight + rows - 1) / rows) * geometry.dilation.height
      * WinogradColumns(width: geometry.outWidth, size: size, dilation: geometry.dilation.width).tileCount
  }
}
