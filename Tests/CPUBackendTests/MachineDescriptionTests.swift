@testable import CPUBackend
import Execution
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct MachineDescriptionTests {
  @Test(arguments: [
    ("AuthenticAMD", 0x1A, 0x02, "zen5"), ("AuthenticAMD", 0x1A, 0x44, "zen5"), ("AuthenticAMD", 0x1A, 0x24, "zen4"),
    ("AuthenticAMD", 0x19, 0x11, "zen4"), ("AuthenticAMD", 0x19, 0x61, "zen4"), ("AuthenticAMD", 0x19, 0x01, "generic"),
    ("GenuineIntel", 6, 0x8F, "sapphire-rapids"), ("GenuineIntel", 6, 0xCF, "sapphire-rapids"),
    ("GenuineIntel", 6, 0x55, "generic"), ("", 0, 0, "generic"), ("CentaurHauls", 6, 0x8F, "generic"),
  ])
  func processorsAreKnownByFamilyAndModel(_ vendor: String, _ family: Int, _ model: Int, _ name: String) {
    #expect(MachineDescription.family(vendor: vendor, family: family, model: model).name == name)
  }

  @Test func thisMachineIsTheSameInEveryRunAndPossible() {
    #expect(MachineDescription.current == .current)
    #expect(MachineDescription.current.isPossible)
    for family in MachineDescription.families { #expect(family.isPossible, "\(family.name)") }
    var names = Set<String>()
    for family in MachineDescription.families { #expect(names.insert(family.name).inserted) }
  }

  @Test(arguments: [("48K", 48 << 10), ("2048K", 2 << 20), ("32M", 32 << 20), ("512", 512)])
  func sizesOfCaches(_ text: String, _ byteCount: Int) { #expect(CacheSizes.byteCount(of: text) == byteCount) }

  @Test(arguments: ["", "K", "-1K", "0K", "48G", "48 K", "99999999999999999999K", "unknown"])
  func whatIsNoSize(_ text: String) { #expect(CacheSizes.byteCount(of: text) == nil) }

  @Test(arguments: [0.0, -1, .infinity, .nan])
  func machinesThatCannotBeAreToldApart(_ number: Double) {
    let changes: [(inout MachineDescription) -> Void] = [
      { $0.avx2.products = number }, { $0.avx512bf16.widenedProducts = number },
      { $0.amx.tiledIntegerProducts = number == 0 ? -1 : number }, { $0.portable.additions = number },
      { $0.memory.memory = number }, { $0.sharing.muchCycles = number }, { $0.caches.level2 = 1 },
      { $0.caches.lastLevel = .max },
    ]
    for (index, change) in changes.enumerated() {
      var machine = MachineDescription.zen5
      change(&machine)
      #expect(!machine.isPossible, "change \(index)")
    }
  }

  /// A precision that was asked for is never slower because of a choice: by any rates no layer is dearer in bfloat16.
  @Test func bfloat16IsNeverDearerThanFloat32() {
    var generator = SplitMix64(seed: 1)
    for machine in MachineDescription.families {
      for instructionSet in InstructionSet.allCases {
        for _ in 0..<400 {
          let kernel = [1, 3, 5].randomElement(using: &generator) ?? 3, stride = Int.random(in: 1...2, using: &generator)
          let convolution = Convolution(
            inChannels: Int.random(in: 5...1024, using: &generator), outChannels: Int.random(in: 5...1024, using: &generator),
            kernel: Pair(kernel), stride: Pair(stride), padding: Padding(kernel / 2))
          let input = Shape(
            channels: convolution.inChannels, height: Int.random(in: 5...256, using: &generator),
            width: Int.random(in: 5...256, using: &generator))
          guard let output = try? convolution.shapeBeforeShuffle(input) else { continue }
          let layer = ConvolutionGeometry(convolution, input: input, output: output)
          func least(_ precision: Precision) -> Double {
            KernelSelector.candidates(for: layer, KernelRates(machine, instructionSet, precision)).compactMap(\.cost).min()
              ?? 0
          }
          // Where pairs are slow, widening costs what it costs, and no more.
          let rates = machine[instructionSet], widening = max(1, rates.products / rates.products(.bfloat16))
          #expect(least(.bfloat16) <= least(.float32) * widening * 1.0001, "\(machine.name), \(instructionSet): \(layer)")
        }
      }
    }
  }

  /// Where pairs are slow, a layer takes the method that it takes in float32, and products of pairs are not taken at all.
  @Test func slowPairsAreNotTaken() {
    let convolution = Convolution(inChannels: 256, outChannels: 256, kernel: 3, padding: 1)
    let shape = Shape(channels: 256, height: 14, width: 14)
    let layer = ConvolutionGeometry(convolution, input: shape, output: shape)
    func method(_ machine: MachineDescription, _ precision: Precision) -> ConvolutionMethod {
      KernelSelector.choose(for: layer, KernelRates(machine, .avx512bf16, precision))
    }
    #expect(method(.zen5, .bfloat16) == .direct)
    #expect(method(.sapphireRapids, .bfloat16) == method(.sapphireRapids, .float32))
    let pairs = KernelTable(.avx512bf16, on: .zen5), table = KernelTable(.avx512bf16, on: .sapphireRapids)
    #expect(pairs.rows.contains { $0.takesPairs })
    #expect(!table.rows.contains { $0.takesPairs })
    /// What a kernel is called for.
    func use(_ kernel: Kernel) -> String {
      "\(kernel.family) \(kernel.elements.left) \(kernel.elements.stored) \(kernel.columns)"
    }
    #expect(Set(table.rows.map(use)) == Set(pairs.rows.map(use)))
  }

  /// Takes no kernel's word for it: what is measured lies where a processor's rates can lie.
  @Test func measuredRatesArePossible() {
    let machine = MachineDescription.measured()
    #expect(machine.isPossible)
    for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
      let rates = machine[instructionSet], lanes = Double(instructionSet.lanes)
      #expect(rates.products > 0.1 * lanes && rates.products < 8 * lanes, "\(instructionSet): \(rates)")
      #expect(rates.additions > 0.1 * lanes && rates.additions < 16 * lanes, "\(instructionSet): \(rates)")
    }
  }
}
