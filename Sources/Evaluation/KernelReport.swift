import CPUBackend
import Execution
import Files
import Networks
import Tensors
import Transforms

/// The kernels that the CPU engine has, and those that it takes for a network.
public struct KernelReport: Hashable, Codable, Sendable {
  /// A row of the kernel table.
  public struct Kernel: Hashable, Codable, Sendable {
    public var name: String
    public var isa: String
    /// What it reads, what it multiplies that with, what sums are and what it stores; nil where it does not multiply or add.
    public var left: String
    public var right: String?
    public var sum: String?
    public var stored: String
    public var family: String
    /// Rows and columns of the register tile; of a Winograd transform the outputs a side and the channels at once.
    public var rows: Int
    public var columns: Int
    /// Of a CUDA device: threads of a block, and its shared memory.
    public var threads: Int?
    public var sharedMemoryBytes: Int?
    public var isAvailable: Bool
  }

  /// A method that was weighed.
  public struct Candidate: Hashable, Codable, Sendable {
    public var method: String
    /// The estimate in cycles of one core; nil where it was refused, and of a CUDA device.
    public var cycles: Double?
    /// The estimate of a CUDA device; nil where it was refused, and of the CPU.
    public var nanoseconds: Double?
    /// Why it cannot be taken.
    public var refusal: String?
  }

  /// What was taken for one layer that sums products: a convolution of any kind, or a fully connected layer. On a CUDA device also for pools,
  /// and what is launched besides, for which nothing was weighed.
  public struct Choice: Hashable, Codable, Sendable {
    public var node: String
    public var operation: String
    public var chosen: String
    /// Why: a clause that follows "because".
    public var reason: String
    public var candidates: [Candidate]
    /// Blocks of a CUDA device that share the input channels of a tile; nil where one takes them all, and of the CPU.
    public var splits: Int?
    /// What the kernel of a CUDA device takes at least, in nanoseconds: its products, or its values and weights moved once, at what such a device
    /// reaches; and which of the two. Nil of the CPU.
    public var leastNanoseconds: Double?
    public var bound: String?
    /// What it takes as estimated, in nanoseconds; nil of the CPU.
    public var expectedNanoseconds: Double?
  }

  /// What they are taken for: nil without a network.
  public var isa: String?
  public var precision: String?
  /// The name of the rates that they were chosen by.
  public var rates: String?
  /// The CUDA device that they were chosen for; nil for the CPU.
  public var device: String?
  /// What its kernels take in all, in milliseconds: as estimated, and at the least.
  public var expectedMs: Double?
  public var leastMs: Double?
  /// What they are chosen for.
  public var input: String?
  public var kernels: [Kernel]
  /// Empty without a network.
  public var choices: [Choice]

  /// Nodes that nothing is weighed for, because they sum no products, with what they are.
  public var unweighed: [String] = []
  /// Whether the instruction set is one that this machine lacks, so that what is chosen is only planned; nil where none is named, and of a device.
  public var isAbsent: Bool?

  /// Every kernel, of every instruction set or of what one takes.
  public init(instructionSet: InstructionSet? = nil) {
    choices = []
    isa = instructionSet?.rawValue
    isAbsent = instructionSet.map { !$0.isAvailable }
    let names = instructionSet.map { Set(KernelTable($0, on: .current).rows.map(\.name)) }
    kernels = KernelTable.all.filter { names?.contains($0.name) ?? true }.map {
      Kernel(
        name: $0.name, isa: $0.instructionSet.rawValue, left: $0.elements.left.rawValue, right: $0.elements.right?.rawValue,
        sum: $0.elements.sum?.rawValue, stored: $0.elements.stored.rawValue, family: "\($0.family)", rows: $0.rows,
        columns: $0.columns, isAvailable: $0.instructionSet.isAvailable)
    }
  }

  /// What is taken for each convolution and each fully connected layer of a network, optimised for inference, and why not the others.
  public init(
    _ network: Network, input: Shape, options: CPUOptions
  ) throws(EvaluationError) {
    self.init()
    isa = options.instructionSet.rawValue
    isAbsent = !options.instructionSet.isAvailable
    precision = options.precision.rawValue
    rates = options.machine.name
    self.input = input.description
    let names = Set(KernelTable(options.instructionSet, on: options.machine).rows.map(\.name))
    kernels = kernels.filter { names.contains($0.name) }
    let fused = network.optimizedForInference()
    let rates = KernelRates(options.machine, options.instructionSet, options.precision)
    let shapes = try wrapping { () throws(NetworkError) in try fused.inferredShapes(inputs: [input]) }
    for node in fused.nodes {
      if fused.channelSelection(of: node) != nil {
        choices.append(
          Choice(
            node: node.name, operation: node.operation.line, chosen: "pick",
            reason: "its weights only move channels", candidates: []))
        continue
      }
      guard let choice = KernelSelector.choice(for: node, shapes: shapes, rates) else {
        unweighed.append("\(node.name) (\(node.operation.displayName))")
        continue
      }
      let candidates = choice.candidates.map { candidate in
        switch candidate.verdict {
        case .cost(let cycles): Candidate(method: candidate.name, cycles: cycles, refusal: nil)
        case .refused(let reason): Candidate(method: candidate.name, cycles: nil, refusal: reason)
        }
      }
      choices.append(
        Choice(
          node: node.name, operation: node.operation.line, chosen: choice.chosen,
          reason: choice.reason, candidates: candidates))
    }
  }

  /// As `report`, laid out.
  public func text(groupsAlike: Bool = true, isLong: Bool = false, width: Int? = nil) -> String {
    report(groupsAlike: groupsAlike, isLong: isLong).text(width: width)
  }

  /// For people.
  ///
  /// - Parameters:
  ///   - groupsAlike: layers of one operation that were decided alike are told once.
  ///   - isLong: also of a CUDA device, which weighs a hundred kernels for a layer, all that was weighed; else a line a layer.
  public func report(groupsAlike: Bool = true, isLong: Bool = false) -> ReportText {
    guard choices.isEmpty else {
      let engine =
        device.map { "\($0), \(precision ?? "")" }
        ?? EngineText.line(.cpu, precision: precision, isa: isa, threads: nil, rates: rates)
      var groups: [(choice: Choice, names: [String])] = []
      for choice in choices {
        let place = groupsAlike ? groups.firstIndex { $0.choice.isAlike(choice) } : nil
        if let place { groups[place].names.append(choice.node) } else { groups.append((choice, [choice.node])) }
      }
      if device != nil, !isLong {
        let table = Self.deviceChoices(groups.map { ($0.choice, TextFormat.alike($0.names.map(\.onOneLine)), $0.names.count) })
        return "\(engine)\(input.map { ", input \($0)" } ?? "")\n\(deviceTimes)\n\(table)"
      }
      let parts = groups.map { $0.choice.text(TextFormat.alike($0.names.map(\.onOneLine)), isOfDevice: device != nil) }
      let verb = unweighed.count == 1 ? "sums" : "sum"
      let rest =
        unweighed.isEmpty
        ? "" : "\n  Nothing is weighed for \(TextFormat.list(unweighed, most: 12)), which \(verb) no products.\n"
      return
        "\(engine)\(input.map { ", input \($0)" } ?? "")\n\(absence)\(deviceTimes)\n\(parts.joined(separator: "\n"))\(rest)"
    }
    if kernels.contains(where: { $0.threads != nil }) { return "\(deviceTable)" }
    // A kernel's name says its instruction set.
    var table = TextTable(
      ["kernel", "instruction set", "reads", "times", "sums", "stores", "family", "tile", "this machine"],
      shortening: ["kernel": 20], leavingOut: ["tile", "stores", "sums", "family", "times", "instruction set", "reads"])
    for kernel in kernels {
      table.append([
        kernel.name, kernel.isa, kernel.left, kernel.right ?? "", kernel.sum ?? "", kernel.stored, kernel.family,
        "\(kernel.rows)x\(kernel.columns)",
        kernel.isAvailable ? "yes" : "no",
      ])
    }
    return "\(absence)\(table)"
  }

  /// A line where nothing of what is shown runs here.
  private var absence: String {
    guard isAbsent == true, let isa else { return "" }
    return "This machine has no \(isa): what is shown is planned for one that has it, and does not run here.\n"
  }
}

extension Operation {
  /// For people: `convolution 32 -> 4, kernel 3, padding 1, bias | pixel shuffle 2`.
  var line: String { "\(typeName) \(summary)".spacedWords }
}

extension KernelReport.Choice {
  /// Whether all but the name is the same.
  fileprivate func isAlike(_ other: KernelReport.Choice) -> Bool {
    operation == other.operation && chosen == other.chosen && reason == other.reason && candidates == other.candidates
  }

  fileprivate func text(_ name: String, isOfDevice: Bool) -> String {
    // Of one layer in one form.
    let isLong = candidates.compactMap(\.cycles).min() ?? 0 >= 1e5
    func cost(_ candidate: KernelReport.Candidate) -> String {
      if let nanoseconds = candidate.nanoseconds { return "\(TextFormat.fixed(nanoseconds / 1e3, 1)) us" }
      return candidate.cycles.map {
        isLong ? "\(TextFormat.significant($0 / 1e6, 3)) M cycles" : "\(TextFormat.grouped(Int($0.rounded()))) cycles"
      } ?? ""
    }
    var text = "\(name): \(operation)\n"
    if candidates.isEmpty {
      text += "  \(chosen): \(expectedNanoseconds.map { "\(TextFormat.fixed($0 / 1e3, 1)) us, " } ?? "")\(reason)\n"
    }
    func estimate(_ candidate: KernelReport.Candidate) -> Double { candidate.cycles ?? candidate.nanoseconds ?? 0 }
    let sorted = candidates.filter { $0.refusal == nil }.sorted { estimate($0) < estimate($1) }
    let taken = sorted.first { $0.method == chosen }.map(cost)
    for candidate in sorted {
      let other = cost(candidate) == taken ? "no cheaper" : "dearer"
      let verdict = candidate.method == chosen ? "taken, because \(reason)" : other
      text += "  \(candidate.method): \(cost(candidate)), \(verdict)\n"
    }
    // A device has many kernels that one reason keeps out.
    var refusals: [(reason: String, methods: [String])] = []
    for candidate in candidates {
      guard let reason = candidate.refusal else { continue }
      if isOfDevice, let place = refusals.firstIndex(where: { $0.reason == reason }) {
        refusals[place].methods.append(candidate.method)
      } else {
        refusals.append((reason, [candidate.method]))
      }
    }
    for refusal in refusals {
      text += "  \(refusal.methods.joined(separator: ", ")): not possible, because \(refusal.reason)\n"
    }
    return text
  }
}
