/// What a processor has, and how fast it does what the engine is made of: sizes of caches, rates of instructions, costs of threads.
///
/// Kernels are chosen by the rates: the last bits of a result depend on them, as they do on the instruction set. Caches and the
/// costs of threads decide how work is cut, and change no bit.
public struct MachineDescription: Hashable, Codable, Sendable {
  package enum CodingKeys: String, CodingKey, CaseIterable {
    case name, caches, sharing, memory, portable, avx2, avx512, avx512vnni, avx512bf16, amx
  }

  /// What the rates are those of: a family of processors, or whatever somebody called them.
  public var name: String
  public var caches: CacheSizes
  public var sharing: SharingCosts
  public var memory: MemoryRates
  public var portable: InstructionRates
  public var avx2: InstructionRates
  public var avx512: InstructionRates
  /// Of AVX-512 with VNNI.
  public var avx512vnni: InstructionRates
  /// The same with BF16.
  public var avx512bf16: InstructionRates
  /// The same with AMX.
  public var amx: InstructionRates

  /// Unless given, tiles are no faster than vectors.
  public init(
    name: String, caches: CacheSizes = CacheSizes(), sharing: SharingCosts = SharingCosts(),
    memory: MemoryRates = MemoryRates(),
    portable: InstructionRates, avx2: InstructionRates, avx512: InstructionRates, avx512vnni: InstructionRates,
    avx512bf16: InstructionRates, amx: InstructionRates? = nil
  ) {
    self.name = name
    self.caches = caches
    self.sharing = sharing
    self.memory = memory
    self.portable = portable
    self.avx2 = avx2
    self.avx512 = avx512
    self.avx512vnni = avx512vnni
    self.avx512bf16 = avx512bf16
    var tiled = avx512bf16
    tiled.tiledIntegerProducts = tiled.integerProducts
    self.amx = amx ?? tiled
  }

  public subscript(instructionSet: InstructionSet) -> InstructionRates {
    get {
      switch instructionSet {
      case .portable: portable
      case .avx2: avx2
      case .avx512: avx512
      case .avx512vnni: avx512vnni
      case .avx512bf16: avx512bf16
      case .amx: amx
      }
    }
    set {
      switch instructionSet {
      case .portable: portable = newValue
      case .avx2: avx2 = newValue
      case .avx512: avx512 = newValue
      case .avx512vnni: avx512vnni = newValue
      case .avx512bf16: avx512bf16 = newValue
      case .amx: amx = newValue
      }
    }
  }
}

/// What the caches hold, in bytes. Blocks of work are parts of it; no bit of a result depends on it.
public struct CacheSizes: Hashable, Codable, Sendable, BitwiseCopyable {
  package enum CodingKeys: String, CodingKey, CaseIterable { case level1, level2, lastLevel }

  /// Of a core, for data.
  public var level1: Int
  /// Of a core.
  public var level2: Int
  /// The largest that cores share.
  public var lastLevel: Int

  public init(level1: Int = 48 << 10, level2: Int = 1 << 20, lastLevel: Int = 32 << 20) {
    self.level1 = level1
    self.level2 = level2
    self.lastLevel = lastLevel
  }

  /// What the bands of a group of layers may fill; see `BandSchedule`. Of a last-level cache of 32 MiB, 12 to 16 did best (VDSR 256x256, Zen 5:
  /// 77 ms without bands, 64 with 16 MiB, 68 with 20).
  package var bandByteCount: Int { lastLevel / 16 * 7 }
}

/// When it pays to give work to other threads, in cycles of one core. No bit of a result depends on it.
public struct SharingCosts: Hashable, Codable, Sendable, BitwiseCopyable {
  package enum CodingKeys: String, CodingKey, CaseIterable { case leastCycles, muchCycles, threadCycles }

  /// Loops of fewer cycles run on one thread. Giving work to threads that are awake and waiting for it takes about a quarter of this
  /// (1 to 2 thousand cycles between cores that share a last-level cache).
  public var leastCycles: Double
  /// From here on other cores help in any case. Loops of a fifth lost where cores were far apart and half of the input had to move.
  public var muchCycles: Double

  /// What each thread more takes, which hears of the loop after the others.
  public var threadCycles: Double

  public init(leastCycles: Double = 6_000, muchCycles: Double = 1_500_000, threadCycles: Double = 400) {
    self.leastCycles = leastCycles
    self.muchCycles = muchCycles
    self.threadCycles = threadCycles
  }
}

/// Bytes that a core reads or writes in a cycle.
public struct MemoryRates: Hashable, Codable, Sendable, BitwiseCopyable {
  package enum CodingKeys: String, CodingKey, CaseIterable { case level2, lastLevel, memory, keptWeights }

  /// Through the level-2 cache, each way.
  public var level2: Double
  public var lastLevel: Double
  public var memory: Double
  /// Weights of a layer that stay in the last-level cache from one run to the next, in bytes.
  public var keptWeights: Double

  public init(level2: Double = 32, lastLevel: Double = 24, memory: Double = 3, keptWeights: Double = 4 * 1024 * 1024) {
    self.level2 = level2
    self.lastLevel = lastLevel
    self.memory = memory
    self.keptWeights = keptWeights
  }
}

/// What a core does in a cycle with the instructions of a set, at most.
public struct InstructionRates: Hashable, Codable, Sendable, BitwiseCopyable {
  package enum CodingKeys: String, CodingKey, CaseIterable {
    case products, widenedProducts, pairedProducts, integerProducts, tiledIntegerProducts, additions
  }

  /// Products of float32 numbers that are multiplied and added.
  public var products: Double
  /// The same of bfloat16 numbers that are widened to float32 before.
  public var widenedProducts: Double
  /// The same of bfloat16 numbers that are multiplied in pairs; 0 where the instruction set cannot.
  public var pairedProducts: Double
  /// Products of integers of 8 bits, summed in int32.
  public var integerProducts: Double
  /// The same by tiles of registers (AMX); 0 where the instruction set has none.
  public var tiledIntegerProducts: Double
  /// Sums of two numbers: what transforms of Winograd's method and stores of results are made of.
  public var additions: Double

  /// Unless given, products of integers take as long as those of float32.
  public init(
    products: Double, widenedProducts: Double? = nil, pairedProducts: Double = 0, integerProducts: Double? = nil,
    tiledIntegerProducts: Double = 0, additions: Double
  ) {
    self.products = products
    self.integerProducts = integerProducts ?? products
    self.tiledIntegerProducts = tiledIntegerProducts
    self.widenedProducts = widenedProducts ?? products
    self.pairedProducts = pairedProducts
    self.additions = additions
  }

  /// Whether products of bfloat16 numbers are made two at a time: never where the numbers one by one are quicker.
  package var multipliesPairs: Bool { pairedProducts > widenedProducts }

  /// Of interleaved values as they lie in memory.
  package func products(_ precision: Precision) -> Double {
    switch precision {
    case .float32: products
    case .bfloat16: max(widenedProducts, pairedProducts)
    }
  }
}

extension MachineDescription {
  /// Whether a machine may be so: estimates and sizes can be made of its numbers.
  package var isPossible: Bool {
    let rates = InstructionSet.allCases.map { self[$0] }
    let positive =
      rates.flatMap { [$0.products, $0.widenedProducts, $0.integerProducts, $0.additions] }
      + [memory.level2, memory.lastLevel, memory.memory, sharing.muchCycles, sharing.threadCycles]
    let others = rates.flatMap { [$0.pairedProducts, $0.tiledIntegerProducts] } + [memory.keptWeights, sharing.leastCycles]
    return positive.allSatisfy { $0 > 1e-3 && $0 < 1e12 } && others.allSatisfy { $0 >= 0 && $0 < 1e12 }
      && caches == caches.believed
  }
}

extension MachineDescription {
  /// What was saved before there were products of integers, or tiles, says nothing of them.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func rates(_ key: CodingKeys) throws -> InstructionRates { try container.decode(InstructionRates.self, forKey: key) }
    var tiled = container.contains(.amx) ? try rates(.amx) : nil
    if let known = tiled, known.tiledIntegerProducts == 0 {
      // Saved when products of integers were those by tiles, where there are any.
      tiled?.tiledIntegerProducts = known.integerProducts
      tiled?.integerProducts = try rates(.avx512bf16).integerProducts
    }
    self.init(
      name: try container.decode(String.self, forKey: .name), caches: try container.decode(CacheSizes.self, forKey: .caches),
      sharing: try container.decode(SharingCosts.self, forKey: .sharing),
      memory: try container.decode(MemoryRates.self, forKey: .memory), portable: try rates(.portable), avx2: try rates(.avx2),
      avx512: try rates(.avx512), avx512vnni: try rates(container.contains(.avx512vnni) ? .avx512vnni : .avx512),
      avx512bf16: try rates(.avx512bf16), amx: tiled)
  }
}

extension InstructionRates {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      products: try container.decode(Double.self, forKey: .products),
      widenedProducts: try container.decode(Double.self, forKey: .widenedProducts),
      pairedProducts: try container.decode(Double.self, forKey: .pairedProducts),
      integerProducts: try container.decodeIfPresent(Double.self, forKey: .integerProducts),
      tiledIntegerProducts: try container.decodeIfPresent(Double.self, forKey: .tiledIntegerProducts) ?? 0,
      additions: try container.decode(Double.self, forKey: .additions))
  }
}
