import CPUBackend
import Evaluation
import Files

extension Profile {
  /// What two profiles were not measured alike in, a sentence each: times are compared in spite of it. What an older profile does not say is
  /// taken to be the same.
  static func differences(_ first: Profile, _ second: Profile) -> [String] {
    func known(_ profile: Profile) -> String { "\(profile.precision) on \(profile.roofs.isa)" }
    func threads(_ profile: Profile) -> String { profile.roofs.threadText(isOfDevice: profile.device != nil) }
    var lines: [String] = []
    if first.cpu != second.cpu {
      lines.append("They were measured on two machines: a on \(first.cpu.onOneLine), b on \(second.cpu.onOneLine).")
    } else if let a = first.machine, let b = second.machine, a.caches != b.caches {
      lines.append("They were measured on two machines: the caches are not the same.")
    }
    if let a = first.machine, let b = second.machine, !a.hasRates(of: b) {
      let names =
        a.name == b.name ? "both are called \(a.name.onOneLine)" : "a by \(a.name.onOneLine), b by \(b.name.onOneLine)"
      lines.append("Their kernels were chosen by different rates: \(names).")
    }
    if first.input != second.input {
      lines.append("They were not given one input: a had \(first.input.onOneLine), b had \(second.input.onOneLine).")
    }
    if known(first) != known(second) {
      lines.append("They are not of one engine: a is \(known(first)), b is \(known(second)).")
    }
    // The multiprocessors of a device are what it is.
    if first.roofs.threads != second.roofs.threads, first.device == nil, second.device == nil {
      lines.append("They had not as many threads: a had \(threads(first)), b had \(threads(second)).")
    }
    return lines
  }
}

extension MachineDescription {
  /// Whether kernels are chosen alike by both.
  fileprivate func hasRates(of other: MachineDescription) -> Bool {
    var same = other
    (same.name, same.caches, same.sharing) = (name, caches, sharing)
    return self == same
  }
}
