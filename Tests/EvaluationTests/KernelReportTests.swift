import Swiftlet
import Testing

@Suite struct KernelReportTests {
  private func report(_ precision: Precision = .float32) throws -> KernelReport {
    var builder = NetworkBuilder("n")
    var value = builder.convolution("stem", builder.input("x", channels: 3), outChannels: 16, kernel: 3, padding: 1)
    value = builder.activation("relu", value, .relu)
    value = builder.convolution("a.depthwise", value, outChannels: 16, kernel: 3, padding: 1, groups: 16)
    value = builder.convolution("a.pointwise", value, outChannels: 32, kernel: 1)
    value = builder.activation("relu2", value, .relu)
    value = builder.convolution("b.select", value, outChannels: 32, kernel: 1)
    value = builder.convolution("b.kernels", value, outChannels: 32, kernel: 3, stride: 2, padding: 1, groups: 32)
    value = builder.transposedConvolution("up", value, outChannels: 24, kernel: 2, stride: 2)
    value = builder.transposedConvolution("over", value, outChannels: 24, kernel: 4, stride: 2, padding: 1)
    value = builder.flatten("flat", builder.globalAveragePool("mean", value))
    builder.output(builder.linear("fc", value, outFeatures: 10))
    return try KernelReport(
      try builder.build(.zeros), input: Shape(channels: 3, height: 32, width: 32),
      options: CPUOptions(instructionSet: .avx2, precision: precision, machine: .zen5))
  }

  /// What a device would take that is not there: every kernel of a run, and why not the others.
  @Test(arguments: CUDAPrecision.allCases) func devicesNeedNotBeThere(_ precision: CUDAPrecision) throws {
    let network = try EDSR(blocks: 2).network(.zeros), shape = Shape(channels: 3, height: 32, width: 32)
    let report = try KernelReport(network, input: shape, precision: precision, device: KernelReport.absentDevice)
    #expect(report.device == "NVIDIA H100 (not here)" && report.choices.contains { $0.node == "tail" })
    for choice in report.choices where !choice.candidates.isEmpty {
      let taken = try #require(choice.candidates.first { $0.method == choice.chosen }?.nanoseconds)
      #expect(choice.candidates.allSatisfy { ($0.nanoseconds ?? .infinity) >= taken && $0.cycles == nil })
      #expect(choice.candidates.allSatisfy { ($0.nanoseconds == nil) != ($0.refusal == nil) })
    }
    let text = report.text(isLong: true, width: 80)
    #expect(
      text.hasPrefix(
        "NVIDIA H100 (not here), \(precision.rawValue), input 1x3x32x32\n\(report.choices.count) kernels: "))
    #expect(text.contains(" ms by products and bytes\n\nhead: convolution 3 -> 64"))
    let least = report.choices.compactMap(\.leastNanoseconds)
    let leastMs = try #require(report.leastMs), expectedMs = try #require(report.expectedMs)
    #expect(least.count == report.choices.count && least.allSatisfy { $0 > 0 })
    #expect(abs(least.reduce(0, +) - 1e6 * leastMs) < 1e-3 && leastMs < expectedMs)
    #expect(text.contains(" us, taken, because ") && text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    // In short a line a layer, with the time of each, also of what nothing was weighed for.
    for width in [80, 120, nil] as [Int?] {
      let short = report.text(width: width), lines = short.split(separator: "\n")
      #expect(lines.count < report.choices.count + 8 && short.contains("  time"), "\(short)")
      #expect(width.map { width in lines.allSatisfy { $0.count <= width } } ?? short.contains("  why"))
    }
    let expected = report.choices.compactMap(\.expectedNanoseconds)
    #expect(expected.count == report.choices.count && abs(expected.reduce(0, +) - 1e6 * expectedMs) < 1e-3)
    #expect(report.choices.allSatisfy { !$0.reason.isEmpty })
    let all = KernelReport(devicesOf: nil).text(width: 80)
    #expect(
      all.contains("dense_half_16x16") && !all.contains("yes") && all.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  /// Of an instruction set that a machine lacks what is shown is a plan, and it is said; of one that it has nothing is.
  @Test(arguments: InstructionSet.allCases) func absentInstructionSetsAreSaid(_ isa: InstructionSet) throws {
    var builder = NetworkBuilder("n")
    builder.output(builder.convolution("only", builder.input("x", channels: 3), outChannels: 16, kernel: 3, padding: 1))
    let options = CPUOptions(instructionSet: isa, machine: .zen5)
    let chosen = try KernelReport(try builder.build(.zeros), input: Shape(channels: 3, height: 16, width: 16), options: options)
    let listed = KernelReport(instructionSet: isa)
    for report in [chosen, listed] {
      #expect(report.isAbsent == !isa.isAvailable)
      #expect(report.text().contains("This machine has no \(isa.rawValue): what is shown is planned") == !isa.isAvailable)
    }
    #expect(!listed.kernels.isEmpty && listed.kernels.count < KernelReport().kernels.count)
    #expect(KernelReport().isAbsent == nil && !KernelReport().text().contains("This machine has no"))
  }

  /// However narrow the lines, no kernel is called as another.
  @Test(arguments: [20, 40, 60, 80, 100]) func kernelsAreToldApart(_ width: Int) throws {
    let report = KernelReport(), text = report.text(width: width)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
    guard width >= 40 else { return }
    let count = report.kernels.count
    let names = text.split(separator: "\n").dropFirst().prefix(count).compactMap { $0.split(separator: " ").first }
    #expect(names.count == count && Set(names).count == Set(report.kernels.map(\.name)).count)
  }

  /// Where blocks share the input channels of a tile it is said, and which of them there are follows from it.
  @Test func splitsAreTold() throws {
    var builder = NetworkBuilder("deep")
    let x = builder.input("x", channels: 512)
    builder.output(builder.convolution("deep", x, outChannels: 64, kernel: 3, padding: 1))
    let network = try builder.build(.zeros)
    let report = try KernelReport(
      network, input: Shape(channels: 512, height: 16, width: 16), precision: .float16, device: KernelReport.absentDevice)
    let splits = try #require(report.choices.first { $0.node == "deep" }?.splits)
    #expect(splits > 1)
    #expect(report.text().contains("threads, \(splits) of which share the input channels of a tile"))
    #expect(report.choices.count { $0.splits != nil } == 1 && report.choices.contains { $0.chosen == "sumParts_half" })
  }

  /// What costs the same is not called dearer, what sums no products is named, and words and numbers have one form.
  @Test func formsAreOne() throws {
    var builder = NetworkBuilder("n")
    let x = builder.activation("first", builder.input("x", channels: 3), .sigmoid),
      a = builder.convolution("a", x, outChannels: 16, kernel: 3, padding: 1)
    let b = builder.convolution("b", a, outChannels: 16, kernel: 3, padding: 1),
      c = builder.convolution("c", a, outChannels: 16, kernel: 1)
    let sum = builder.add("sum", b, builder.add("skip", a, c))
    builder.output(builder.pixelShuffle("up", builder.convolution("d", sum, outChannels: 12, kernel: 3, padding: 1), factor: 2))
    let network = try builder.build(.zeros)
    for side in [4, 16, 300] {
      let shape = Shape(channels: 3, height: side, width: side)
      var report = try KernelReport(
        network, input: shape, options: CPUOptions(instructionSet: .avx2, machine: .zen5))
      let text = report.text()
      #expect(text.contains("| pixel shuffle 2") && !text.contains("pixelShuffle"), "\(text)")
      #expect(text.contains("Nothing is weighed for first (sigmoid), which sums no products."), "\(text)")
      for part in text.split(separator: "\n\n") {
        let all = part.matches(of: /, taken|, dearer|, no cheaper/).count
        let long = part.matches(of: /: [0-9.]{4} M cycles,|: [0-9]{4,} M cycles,/).count
        #expect(long == all || long == 0 && part.matches(of: /: [0-9,]+ cycles,/).count == all, "\(part)")
      }
      // Equal estimates.
      let place = try #require(report.choices.firstIndex { $0.candidates.count { $0.cycles != nil } > 1 })
      let cycles = report.choices[place].candidates.compactMap(\.cycles).min()
      for index in report.choices[place].candidates.indices where report.choices[place].candidates[index].cycles != nil {
        report.choices[place].candidates[index].cycles = cycles
      }
      report.choices = [report.choices[place]]
      #expect(report.text().contains(", no cheaper") && !report.text().contains("dearer"), "\(report.text())")
      let device = try KernelReport(network, input: shape, precision: .float32, device: KernelReport.absentDevice).text()
      #expect(!device.contains("1 planes") && !device.contains("pixelShuffle"))
    }
  }

  @Test(arguments: Precision.allCases)
  func everyLayerOfProductsIsListed(_ precision: Precision) throws {
    let report = try report(precision)
    #expect(report.choices.map(\.node) == ["stem", "a", "b", "up", "over", "fc"])
    #expect(report.choices.map(\.chosen) == ["head", "blocks of pixels", "ring of rows", "pointwise", "phases", "product"])
    for choice in report.choices {
      let taken = choice.candidates.filter { $0.method == choice.chosen }
      #expect(taken.count == 1 && !choice.reason.isEmpty)
      let cycles = try #require(taken.first?.cycles)
      #expect(cycles > 0 && choice.candidates.allSatisfy { ($0.cycles ?? .infinity) >= cycles })
      #expect(choice.candidates.allSatisfy { ($0.cycles == nil) != ($0.refusal == nil) })
    }
  }

  @Test func theTextSaysWhy() throws {
    let lines = try report().text().split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.hasPrefix("up: transposed convolution 32 -> 24, kernel 2, stride 2") })
    #expect(lines.contains { $0.hasPrefix("  pointwise: ") && $0.hasSuffix(" cycles, taken, because it is the cheapest of 2") })
    #expect(lines.contains("  pointwise: not possible, because the kernel is 4x4, the stride 2x2"))
    #expect(lines.contains { $0.hasPrefix("  phases: ") && $0.hasSuffix(" cycles, taken, because no other can") })
    #expect(lines.contains { $0.hasPrefix("  blocks of pixels: ") && $0.hasSuffix(" cycles, taken, because no other can") })
    #expect(lines.contains { $0.hasPrefix("  blocks of pixels: not possible, because the depthwise part reads ") })
    #expect(lines.contains { $0.hasPrefix("  product: ") && $0.contains(" cycles, taken, because there is no other: ") })
  }

  /// Layers that were decided alike are told once, by the first of them.
  @Test func layersThatAreAlike() throws {
    let network = try EDSR(features: 16, blocks: 3).network(.zeros)
    let report = try KernelReport(
      network, input: Shape(channels: 3, height: 32, width: 32), options: CPUOptions(instructionSet: .avx2, machine: .zen5))
    let heads = report.text().split(separator: "\n").filter { !$0.hasPrefix("  ") }.dropFirst().map { $0.prefix { $0 != ":" } }
    #expect(heads == ["head", "body.0.a (x3)", "body.0.b (x3)", "up.0", "tail"], "\(heads)")
    let each = report.text(groupsAlike: false).split(separator: "\n").filter { !$0.hasPrefix("  ") }.dropFirst()
    #expect(each.count == report.choices.count && each.count == 9)
  }
}
