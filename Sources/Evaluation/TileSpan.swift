import Execution

/// One tile along one axis, in input pixels.
struct TileSpan: Hashable, Sendable {
  /// What the network is given.
  var read: Range<Int>
  /// The part of it whose result is kept.
  var keep: Range<Int>

  /// The spans that cover an axis of `extent` pixels: their kept parts lie one after the other and fill it.
  ///
  /// All spans but the last read equally much, and the last is pulled back so that it does too, up to the alignment: an image
  /// needs sessions for at most two sizes along an axis. What is kept depends on where a span lies: where the image ends, no
  /// halo is lost.
  static func covering(_ extent: Int, tile: Int, geometry: TileGeometry) -> [TileSpan] {
    let alignment = geometry.alignment, halo = geometry.halo
    let window = (max(tile, 1) + alignment - 1) / alignment * alignment + 2 * halo
    var spans: [TileSpan] = []
    var start = 0
    while true {
      let first = max(0, start - halo)
      guard first + window < extent else {
        let pulled = (max(0, extent - window) + alignment - 1) / alignment * alignment
        spans.append(TileSpan(read: pulled..<extent, keep: start..<extent))
        return spans
      }
      let end = first + window - halo
      spans.append(TileSpan(read: first..<first + window, keep: start..<end))
      start = end
    }
  }
}
