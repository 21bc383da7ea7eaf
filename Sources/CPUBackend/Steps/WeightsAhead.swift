import CKernels

/// Weights that are fetched from the last-level cache or from memory while a product with those before them goes on: each would else be
/// waited for where a pass over many pixels begins with them. (Layers of 512 channels at 7x7, Zen 5: a fifth of the time.)
struct WeightsAhead {
  /// Weights of a layer from which on it pays: what a core's level-2 cache does not keep.
  static func leastByteCount(_ caches: CacheSizes) -> Int { caches.level2 / 4 * 3 }

  private var span = sw_span(next: nil, lines: 0)
  private var ahead = sw_ahead(spans: nil, count: 0, lines_per_tile: 0)

  /// - Parameters:
  ///   - next: where the next weights lie; nil for none.
  ///   - byteCount: of those there.
  ///   - tiles: over which they are fetched: register tiles, each once for every tap.
  init(_ next: UnsafeRawPointer?, byteCount: Int, tiles: Int) {
    guard let next, tiles > 0 else { return }
    let lines = (byteCount + 63) / 64
    span = sw_span(next: next.assumingMemoryBound(to: CChar.self), lines: lines)
    ahead = sw_ahead(spans: nil, count: 1, lines_per_tile: (lines + tiles - 1) / tiles)
  }

  /// For kernels, which move it on.
  @inline(__always)
  mutating func withPointer(_ body: (UnsafeMutablePointer<sw_ahead>?) -> Void) {
    guard ahead.count > 0 else { return body(nil) }
    withUnsafeMutablePointer(to: &span) { span in
      ahead.spans = span
      withUnsafeMutablePointer(to: &ahead) { body($0) }
    }
  }
}
