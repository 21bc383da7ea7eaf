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
    // Of a file that may say any numbers. A device's cache is one for all multiprocessors, and keeps a part of what is larger.
    let ownCaches =
      device.map { 2 * Double($0.device.cacheByteCount) } ?? Double((machine ?? .generic).caches.level2) * Double(roofs.threads)
    return layers.count { layer in
      if layer.isCopy, device != nil { return false }
      let isReckoned = arithmeticNanoseconds(layer) >= memoryNanoseconds(layer) || Double(layer.traffic.bytesMoved) > ownCaches
      return isReckoned && Double(layer.nanoseconds) * 50 > Double(nanoseconds) && roofShare(layer) > 1 + Self.notableExcess
    }
  }

  /// Roofs that differ by more than this share from one measurement to the next are none.
  static let notableDisagreement = 0.25

  /// Whether the roofs are not to be trusted: measured again they were others, or layers were above them.
  var hasUnreliableRoofs: Bool { (roofs.disagreement ?? 0) > Self.notableDisagreement || layersAboveRoof > 0 }

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
    if let disagreement = roofs.disagreement, disagreement > Self.notableDisagreement {
      let figures = "differ by \(TextFormat.fixed(100 * disagreement, 0))%"
      signs.append(
        roofs.areRemembered == true
          ? "roofs measured before and after the runs, and the best of the last day on this machine, \(figures)"
          : "roofs measured before and after the runs \(figures)")
    }
    guard !signs.isEmpty else { return nil }
    let judgement = hasUnreliableRoofs ? " The roofs are unreliable, and nothing is judged by them." : ""
    return
      "The \(device == nil ? "machine" : "device, or its host,") was busy: \(signs.joined(separator: ", and ")).\(judgement) Measure again when it is idle."
  }
}
