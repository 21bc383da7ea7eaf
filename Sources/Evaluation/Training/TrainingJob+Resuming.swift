import CPUBackend
import Files
import Formats

extension RunRecord {
  /// How a run is gone on with: what decides its bits is taken from its record where nobody says otherwise.
  ///
  /// - Parameters:
  ///   - options: as the machine and whoever goes on have them.
  ///   - namesInstructionSet, namesRates: whether these were said.
  public func options(_ options: CPUOptions, namesInstructionSet: Bool, namesRates: Bool) -> CPUOptions {
    var result = options
    if !namesInstructionSet, let known = InstructionSet(rawValue: isa), known.isAvailable { result.instructionSet = known }
    // Those of a file have no name to be found by.
    if !namesRates, rates != options.machine.name, let known = MachineDescription.families.first(where: { $0.name == rates }) {
      result.machine = known
      result.machine.caches = options.machine.caches
    }
    return result
  }
}

extension TrainingJob {
  /// What a recipe asks for that is not as the one in the folder says, a clause a key; nothing where there is none.
  static func changes(of recipe: TrainingRecipe, in folder: RunFolder) throws(EvaluationError) -> [String] {
    guard FileReader.exists(folder.recipe) else { return [] }
    let bytes = try FileClaims.apart { () throws(EvaluationError) in
      try wrapping { () throws(FileError) in try FileReader.bytes(of: folder.recipe, limit: YAMLNode.byteLimit) }
    }
    // One that cannot be read is written over by the one that is followed.
    guard let old = try? YAMLNode(parsing: bytes) else { return [] }
    return RunDifference.keys(old, recipe.node).map { key in
      "\(key.key) from \(key.first ?? "nothing") to \(key.second ?? "nothing")"
    }
  }

  /// What a run goes on with that its bits depend on, and that is not as its record says, a line each.
  static func warnings(of known: RunRecord, _ options: CPUOptions, device: String?) -> [String] {
    var changes: [(before: String, after: String)] = []
    if known.device != device { changes.append((known.device ?? "the CPU", device ?? "the CPU")) }
    let isa = options.instructionSet
    if device == nil, known.isa != isa.rawValue, InstructionSet(rawValue: known.isa).map({ !$0.hasBits(of: isa) }) ?? true {
      changes.append((known.isa, isa.rawValue))
    }
    if device == nil, let rates = known.rates, rates != options.machine.name {
      changes.append(("the rates \(rates)", "the rates \(options.machine.name)"))
    }
    return changes.map { change in
      "the run was on \(change.before.onOneLine) and goes on on \(change.after.onOneLine): from here on its last bits are others than if it "
        + "had stayed"
    }
  }

  /// What is not known of a run whose record is gone or damaged.
  static func warnings(of resumption: RunFolder.Resumption, in folder: RunFolder, dataRoot: String?) -> [String] {
    let what: String
    switch resumption {
    case .record, .unbegun(_?): return []
    case .unbegun(nil): what = "is gone or damaged, and the run begins anew"
    case .withoutRecord(let reason): what = "\(reason), and is made anew of the other files"
    }
    return [
      "'\(folder.record)' \(what): when the run began, and with which --isa, --rates and --device, is not known, and what is given now counts; "
        + "relative paths of data begin at '\(dataRoot ?? ".")', unless --data-root says where"
    ]
  }

  /// Makes files of a finished run anew that are gone, from its checkpoint and its figures; what was done, a line each.
  public func restore() throws(EvaluationError) -> [String] {
    try FileClaims.apart { () throws(EvaluationError) in
      guard let lock = try wrapping({ () throws(FileError) in try FolderLock(folder.path) }) else {
        throw .runFolder(path: folder.path, reason: "another training is at work there; wait for its end")
      }
      defer { withExtendedLifetime(lock) {} }
      func isGone(_ path: String) -> Bool { (FileReader.byteCount(of: path) ?? 0) == 0 }
      var lines: [String] = [], remade: [(path: String, floats: Bool)] = []
      if isGone(folder.model) { remade.append((folder.model, false)) }
      if simulation != nil, isGone(folder.floats) { remade.append((folder.floats, true)) }
      if isGone(folder.best) {
        if validator == nil || record.bestEpoch == recipe.epochs {
          remade.append((folder.best, false))
        } else {
          lines.append(
            "'\(folder.best)', the best model, is gone for good: the checkpoint holds that of the last epoch, which is '\(folder.model)'"
          )
        }
      }
      for (path, floats) in remade {
        let network = try model(floats: floats)
        try wrapping { () throws(FormatError) in try ModelFile.write(network, to: path) }
        lines.append("'\(path)' was gone, and is made again from the checkpoint")
      }
      if !metrics.rows.isEmpty, [folder.curves, folder.events].contains(where: isGone) {
        try writeFigures()
        lines.append("the curves were gone, and are drawn again from '\(folder.metrics)'")
      }
      return lines
    }
  }
}

extension InstructionSet {
  /// Whether float32 has the same bits on both.
  fileprivate func hasBits(of other: InstructionSet) -> Bool { self == other || min(self, other) >= .avx512 }
}
