import Evaluation

extension Profile {
  /// Runs that differ by more than this share, and layers that pass their roof by more, are not of a machine that was left alone.
  static let notableScatter = 0.25
  static let notableExcess = 0.1

  /// By what share at least a quarter of the runs took longer than the fastest.
  var scatter: Double {
    guard let fastest = fastestNanoseconds, let slow = slowNanoseconds, fastest > 0 else { return 0 }
    return Double(slow) / Double(fastest) - 1
  }

  /// Layers that take a part of the time and are faster than the machine was when its roofs were measured. Values that lie in a core's
  /// own cache move faster than any roof says, and are left out.
  var layersAboveRoof: Int {
    let ownCaches = (machine ?? .generic).caches.level2 * roofs.threads
    return layers.count { layer in
      let isReckoned = arithmeticNanoseconds(layer) >= memoryNanoseconds(layer) || layer.traffic.bytesMoved > ownCaches
      return isReckoned && layer.nanoseconds * 50 > nanoseconds && roofShare(layer) > 1 + Self.notableExcess
    }
  }

  /// One sentence where the figures are those of a machine that did other work as well; nil elsewhere.
  public var disturbance: String? {
    var signs: [String] = []
    if scatter > Self.notableScatter {
      signs.append("a quarter of the runs took at least \(TextFormat.fixed(100 * scatter, 0))% longer than the fastest")
    }
    let count = layersAboveRoof
    if count > 0 {
      signs.append("\(count) \(count == 1 ? "layer was" : "layers were") faster than the roofs that were measured")
    }
    guard !signs.isEmpty else { return nil }
    return "The machine was busy: \(signs.joined(separator: ", and ")). Measure again when it is idle."
  }
}
