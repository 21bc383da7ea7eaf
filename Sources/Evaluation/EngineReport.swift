import CPUBackend

/// A report that says what ran: figures mean nothing without it. What an engine has not is left out.
protocol EngineReport {
  var engine: EngineName.Kind { get set }
  var isa: String? { get set }
  var precision: String? { get set }
  var threads: Int? { get set }
  /// The name of the rates that kernels were chosen by.
  var rates: String? { get set }
}

extension EngineReport {
  mutating func setEngine(_ value: Engine) {
    engine = value.name.kind
    switch value {
    case .reference: (isa, precision, threads, rates) = (nil, nil, nil, nil)
    case .cpu(let options):
      isa = options.instructionSet.rawValue
      precision = options.precision.rawValue
      threads = options.threadCount
      rates = options.machine.name
    case .cuda(let options): (isa, precision, threads, rates) = (nil, options.precision.rawValue, nil, nil)
    }
  }

  /// `float32, avx2, 2 threads, rates zen5`; `reference`.
  var engineText: String { EngineText.line(engine, precision: precision, isa: isa, threads: threads, rates: rates) }
}

package enum EngineText {
  /// What is known of an engine, for people.
  package static func line(
    _ kind: EngineName.Kind, precision: String?, isa: String?, threads: Int?, rates: String?
  ) -> String {
    let parts = [
      precision, isa, threads.map { "\($0) \($0 == 1 ? "thread" : "threads")" }, rates.map { "rates \($0.onOneLine)" },
    ].compactMap(\.self)
    switch kind {
    case .cpu: return parts.joined(separator: ", ")
    case .reference, .cuda: return ([kind.rawValue] + parts).joined(separator: ", ")
    }
  }
}
