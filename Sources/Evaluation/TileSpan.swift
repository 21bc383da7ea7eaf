import Execution

/// One tile along one axis, in input pixels.
struct TileSpan: Hashable, Sendable {
  /// What the network is given.
  var read: Range<Int>
  /// The part of it whose result is kept.
  var keep: Range<Int>

  init(read: Range<Int>, keep: Range<Int>) {
    self.read = read
    self.keep = keep
  }

  /// The whole axis at once.
  init(whole extent: Int) { self.init(read: 0..<extent, keep: 0..<extent) }

  /// The spans that cover an axis of `extent` pixels: their kept parts lie one after the other and fill it.
  ///
  /// All spans read equally much, so that one session does for all tiles of an image: the last is pulled back to end with the image,
  /// and as its origin, too, lies on the alignment, all read what the extent has beyond a multiple of it. What is kept depends on where
  /// a span lies: where the image ends, no halo is lost.
  static func covering(_ extent: Int, tile: Int, geometry: TileGeometry) -> [TileSpan] {
    let alignment = geometry.alignment, halo = geometry.halo
    let aligned = (max(tile, 1) + alignment - 1) / alignment * alignment + 2 * halo
    let window = aligned + extent % alignment
    var spans: [TileSpan] = []
    var start = 0
    while true {
      let first = max(0, start - halo)
      guard first + window < extent else {
        let pulled = max(0, extent - window)
        spans.append(TileSpan(read: pulled..<extent, keep: start..<extent))
        return spans
      }
      let end = first + aligned - halo
      spans.append(TileSpan(read: first..<first + window, keep: start..<end))
      start = end
    }
  }
}
