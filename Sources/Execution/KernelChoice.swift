/// A way in which a backend runs one kind of layer.
package protocol KernelMethod: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// A clause that follows "because" where there is one method for the kind.
  static var soleReason: String? { get }
}

extension KernelMethod {
  package static var soleReason: String? { nil }
}

/// A method that was weighed for a layer.
package struct KernelCandidate<Method: KernelMethod>: Hashable, Sendable {
  package let method: Method
  package let verdict: KernelVerdict

  package var cost: Double? { if case .cost(let value) = verdict { value } else { nil } }
}

package enum KernelVerdict: Hashable, Sendable {
  /// The estimated time, in the backend's unit: of the CPU engine cycles of one core.
  case cost(Double)
  /// A clause that follows "because".
  case refused(String)
}

extension KernelCandidate {
  /// Every method with its estimate or the reason against it, in the order of `allCases`.
  ///
  /// - Parameters:
  ///   - refusal: why a method cannot run the layer; nil where it can.
  ///   - cost: of a method that can.
  package static func all(refusal: (Method) -> String?, cost: (Method) -> Double) -> [KernelCandidate] {
    Method.allCases.map { method in
      if let reason = refusal(method) { return KernelCandidate(method: method, verdict: .refused(reason)) }
      return KernelCandidate(method: method, verdict: .cost(cost(method)))
    }
  }

  /// The cheapest, the first of equals; nil where all are refused.
  package static func cheapest(of candidates: [KernelCandidate]) -> Method? {
    // A loop: the closure form of this crashes the optimiser of Swift 6.3.
    var best: Method?
    var least = Double.infinity
    for candidate in candidates {
      if let cost = candidate.cost, cost < least {
        best = candidate.method
        least = cost
      }
    }
    return best
  }
}

/// What was weighed and taken for a node, by name.
package struct KernelChoice: Sendable {
  package let chosen: String
  /// A clause that follows "because".
  package let reason: String
  package let candidates: [(name: String, verdict: KernelVerdict)]

  /// The cheapest of the candidates; nil where all are refused.
  package init?<Method: KernelMethod>(_ candidates: [KernelCandidate<Method>]) {
    guard let best = KernelCandidate.cheapest(of: candidates) else { return nil }
    let possible = candidates.count { $0.cost != nil }
    chosen = best.description
    reason = Method.soleReason ?? (possible == 1 ? "no other can" : "it is the cheapest of \(possible)")
    self.candidates = candidates.map { ($0.method.description, $0.verdict) }
  }
}
