import CKernels
import Execution
import Networks
import Tensors

/// A row of the kernel table of CKernels (`kernels.def`).
///
/// Holds no references: threads copy it in their inner loops, and counting references there cost a twentieth of the time. Sendable
/// because the name it points at is a constant of the program.
package struct Kernel: @unchecked Sendable, BitwiseCopyable {
  package enum Family: Sendable, CaseIterable, BitwiseCopyable {
    case multiply, gather, head, tail, depthwise, depthwiseTransposed, pointwise, winogradInput, winogradOutput, store,
      elementwise
    case maximumPool, averagePool, sum, binary, reduceAlong, reduceAcross, mix, softmaxAlong, softmaxAcross
    case interleave, deinterleave, pixelShuffle, planes, spread, pick, mixPixels
    case outer, activationGradient, channelProducts, channelCombination, maximumPoolGradient, depthwiseGradient
    case winogradGradient, winogradWeightGradient, winogradWeights, movingAverage, parameterStep
    case quantize, dequantize, lookup, codeSum

    /// Whether its kernels are register tiles of products.
    var hasTiles: Bool { [.multiply, .gather, .head, .pointwise].contains(self) }

    fileprivate var tag: sw_family {
      switch self {
      case .multiply: SW_FAMILY_MULTIPLY
      case .gather: SW_FAMILY_GATHER
      case .head: SW_FAMILY_HEAD
      case .tail: SW_FAMILY_TAIL
      case .depthwise: SW_FAMILY_DEPTHWISE
      case .depthwiseTransposed: SW_FAMILY_DEPTHWISE_TRANSPOSED
      case .pointwise: SW_FAMILY_POINTWISE
      case .winogradInput: SW_FAMILY_WINOGRAD_INPUT
      case .winogradOutput: SW_FAMILY_WINOGRAD_OUTPUT
      case .store: SW_FAMILY_STORE
      case .elementwise: SW_FAMILY_ELEMENTWISE
      case .maximumPool: SW_FAMILY_MAXIMUM_POOL
      case .averagePool: SW_FAMILY_AVERAGE_POOL
      case .sum: SW_FAMILY_SUM
      case .binary: SW_FAMILY_BINARY
      case .reduceAlong: SW_FAMILY_REDUCE_ALONG
      case .reduceAcross: SW_FAMILY_REDUCE_ACROSS
      case .mix: SW_FAMILY_MIX
      case .softmaxAlong: SW_FAMILY_SOFTMAX_ALONG
      case .softmaxAcross: SW_FAMILY_SOFTMAX_ACROSS
      case .interleave: SW_FAMILY_INTERLEAVE
      case .deinterleave: SW_FAMILY_DEINTERLEAVE
      case .pixelShuffle: SW_FAMILY_PIXEL_SHUFFLE
      case .planes: SW_FAMILY_PLANES
      case .spread: SW_FAMILY_SPREAD
      case .pick: SW_FAMILY_PICK
      case .mixPixels: SW_FAMILY_MIX_PIXELS
      case .outer: SW_FAMILY_OUTER
      case .activationGradient: SW_FAMILY_ACTIVATION_GRADIENT
      case .channelProducts: SW_FAMILY_CHANNEL_PRODUCTS
      case .channelCombination: SW_FAMILY_CHANNEL_COMBINATION
      case .maximumPoolGradient: SW_FAMILY_MAXIMUM_POOL_GRADIENT
      case .depthwiseGradient: SW_FAMILY_DEPTHWISE_GRADIENT
      case .winogradGradient: SW_FAMILY_WINOGRAD_GRADIENT
      case .winogradWeightGradient: SW_FAMILY_WINOGRAD_WEIGHT_GRADIENT
      case .winogradWeights: SW_FAMILY_WINOGRAD_WEIGHTS
      case .movingAverage: SW_FAMILY_MOVING_AVERAGE
      case .parameterStep: SW_FAMILY_PARAMETER_STEP
      case .quantize: SW_FAMILY_QUANTIZE
      case .dequantize: SW_FAMILY_DEQUANTIZE
      case .lookup: SW_FAMILY_LOOKUP
      case .codeSum: SW_FAMILY_CODE_SUM
      }
    }
  }

  package struct Elements: Hashable, Sendable, BitwiseCopyable {
    /// What it reads.
    package let left: DataType
    /// What it multiplies that with; nil where it does not.
    package let right: DataType?
    /// What sums are; nil where there are none.
    package let sum: DataType?
    package let stored: DataType
  }

  /// The largest register tile: scratch memory is made for it.
  static let mostRows = 16
  static let mostColumns = 64
  /// A multiple of the rows of every tile that multiplies what was transformed.
  static let tileMultiple = 24

  private let nameBytes: UnsafePointer<CChar>
  package let instructionSet: InstructionSet
  package let family: Family
  package let elements: Elements
  /// Rows of the register tile; m of a Winograd transform; outputs of a tail or of planes; the side of a depthwise kernel (0: any).
  package let rows: Int
  /// Columns of the register tile in vectors; the stride of a depthwise kernel (0: any).
  package let vectors: Int
  fileprivate let function: @convention(c) () -> Void

  fileprivate init?(_ row: sw_kernel) {
    guard let instructionSet = InstructionSet.allCases.first(where: { $0.tag == row.isa }),
      let family = Family.allCases.first(where: { $0.tag == row.family }),
      let left = DataType(row.left), let stored = DataType(row.stored)
    else { return nil }
    nameBytes = row.name
    self.instructionSet = instructionSet
    self.family = family
    elements = Elements(left: left, right: DataType(row.right), sum: DataType(row.sum), stored: stored)
    rows = Int(row.rows)
    vectors = Int(row.vectors)
    function = row.function
    precondition(
      !family.hasTiles
        || rows <= Self.mostRows && columns <= Self.mostColumns
          && (family == .multiply ? Self.tileMultiple : PointwiseProduct.pixels) % rows == 0,
      "a register tile of \(rows)x\(columns) is none that steps have scratch memory for")
  }

  package var name: String { String(cString: nameBytes) }

  /// Columns of the register tile in floats.
  package var columns: Int { vectors * instructionSet.lanes }

  /// Whether it multiplies two values of the depth at once; weights then lie in pairs.
  package var takesPairs: Bool { family.hasTiles && elements.right == .bfloat16 }

  /// Values of the depth that it multiplies at once; their weights lie together in 4 bytes a column.
  package var group: Int {
    switch elements.right {
    case .bfloat16 where family.hasTiles: 2
    case .int8 where family.hasTiles: Int(SW_CODE_GROUP)
    default: 1
    }
  }

  /// Whether it is of the family, and reads and stores such elements.
  func takes(_ family: Family, _ left: DataType, _ stored: DataType) -> Bool {
    self.family == family && elements.left == left && elements.stored == stored
  }

  package var unit: Work.Unit { elements.right == .int8 ? .integers : takesPairs ? .bfloat16Pairs : .float32 }

  /// What the weights of all its columns for so many products take.
  package func weightByteCount(depth: Int) -> Int { (depth + group - 1) / group * columns * 4 }

  /// The depth of a product in runs so short that what is packed of one for all columns stays in the level-1 cache: a weight lies a whole row
  /// of the tile behind the one before it.
  @inline(__always)
  static func forEachRun(of depth: Int, _ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: depth, by: 16) { body(first..<min(first + 16, depth)) }
  }

  /// Puts the weight of product `k` of one column where the kernel reads it. `base` is where the tile's weights begin.
  @inline(__always)
  package func pack(_ weight: Float, at k: Int, column: Int, into base: UnsafeMutableRawPointer) {
    if takesPairs {
      base.storeBytes(of: BFloat16(weight), toByteOffset: (k / 2 * columns + column) * 4 + k % 2 * 2, as: BFloat16.self)
    } else {
      base.floats[k * columns + column] = weight
    }
  }

  /// The same of a kernel that multiplies codes.
  @inline(__always)
  package func pack(_ weight: Int8, at k: Int, column: Int, into base: UnsafeMutableRawPointer) {
    base.storeBytes(of: weight, toByteOffset: (k / 4 * columns + column) * 4 + k % 4, as: Int8.self)
  }
}

/// The kernels of one instruction set, as a machine runs them best, and the caches that they work in.
package struct KernelTable: Sendable {
  package let instructionSet: InstructionSet
  package let caches: CacheSizes
  /// One row for each family, elements read and stored, `rows` and `vectors`: the most special there is.
  package let rows: [Kernel]

  /// Every row of every instruction set that this build has.
  package static let all: [Kernel] = (0..<sw_kernel_count()).compactMap { Kernel(sw_kernel_at($0).pointee) }

  package init(_ instructionSet: InstructionSet, on machine: MachineDescription = .generic) {
    self.init(
      instructionSet, instructionSet.levels, caches: machine.caches, takesPairs: machine[instructionSet].multipliesPairs)
  }

  /// The same without products by tiles of registers (AMX), which give the same sums: see `KernelRates.tileSums`.
  package var withoutTiles: KernelTable {
    guard instructionSet.hasTiles else { return self }
    return KernelTable(
      instructionSet, Array(instructionSet.levels.dropFirst()), caches: caches, takesPairs: rows.contains(where: \.takesPairs))
  }

  private init(_ instructionSet: InstructionSet, _ levels: [InstructionSet], caches: CacheSizes, takesPairs: Bool) {
    self.instructionSet = instructionSet
    self.caches = caches
    var rows: [Kernel] = []
    for level in levels {
      let found = Self.all.filter { $0.instructionSet == level && (takesPairs || !$0.takesPairs) }
      rows += found.filter { kernel in
        !rows.contains { $0.takes(kernel.family, kernel.elements.left, kernel.elements.stored) }
      }
    }
    self.rows = rows
  }

  /// The register tiles of a family that read and store such elements, widest first.
  package func tiles(_ family: Kernel.Family, _ left: DataType, _ stored: DataType) -> [Kernel] {
    rows.filter { $0.takes(family, left, stored) }.sorted { $0.vectors > $1.vectors }
  }

  /// The register tile of another family that takes the same columns and the same packed weights. Traps where there is none: both
  /// families have the same tiles.
  package func counterpart(of kernel: Kernel, _ family: Kernel.Family) -> Kernel {
    guard
      let other = rows.first(where: {
        $0.family == family && $0.columns == kernel.columns && $0.elements.left == kernel.elements.left
          && $0.elements.right == kernel.elements.right
      })
    else { preconditionFailure("the kernel table of \(instructionSet) has no \(family) like \(kernel.name)") }
    return other
  }

  /// The kernel of a family that reads and stores such elements and whose `rows` are these. Traps when the table has none: lowering
  /// gives steps values that they have kernels for.
  package func kernel(_ family: Kernel.Family, _ left: DataType, _ stored: DataType, rows count: Int = 1) -> Kernel {
    guard let kernel = rows.first(where: { $0.takes(family, left, stored) && $0.rows == count }) else {
      preconditionFailure("the kernel table of \(instructionSet) has no \(family) of \(count) from \(left) to \(stored)")
    }
    return kernel
  }

  /// The depthwise kernel made for a square kernel and stride, or the one that takes any.
  package func depthwise(
    _ left: DataType, _ stored: DataType, kernel size: Pair, stride: Pair, dilation: Pair
  ) -> Kernel {
    special(.depthwise, left, stored, kernel: size, stride: stride, dilation: dilation)
  }

  /// The same of kernels for the gradient of a depthwise weight, whose values are float32.
  package func depthwiseGradient(kernel size: Pair, stride: Pair, dilation: Pair) -> Kernel {
    special(.depthwiseGradient, .float32, .float32, kernel: size, stride: stride, dilation: dilation)
  }

  private func special(
    _ family: Kernel.Family, _ left: DataType, _ stored: DataType, kernel size: Pair, stride: Pair, dilation: Pair
  ) -> Kernel {
    let special = rows.first {
      $0.takes(family, left, stored) && size == Pair($0.rows) && stride == Pair($0.vectors) && dilation == Pair(1)
    }
    return special ?? kernel(family, left, stored, rows: 0)
  }
}

extension DataType {
  /// What C calls by that name; nil for none.
  fileprivate init?(_ element: sw_element) {
    switch element {
    case SW_ELEMENT_FLOAT32: self = .float32
    case SW_ELEMENT_BFLOAT16: self = .bfloat16
    case SW_ELEMENT_UINT8: self = .uint8
    case SW_ELEMENT_INT8: self = .int8
    case SW_ELEMENT_INT32: self = .int32
    default: return nil
    }
  }
}

extension Kernel: Hashable {
  /// Each row has a name of its own.
  package static func == (a: Kernel, b: Kernel) -> Bool { a.nameBytes == b.nameBytes }
  package func hash(into hasher: inout Hasher) { hasher.combine(nameBytes) }
}

// The table holds functions of many types under one; the family says which. A row under the wrong family cannot exist: the same
// macro row writes the declaration and the table entry.
extension Kernel {
  package var multiply: sw_multiply_function { cast(.multiply) }
  package var gather: sw_gather_function { cast(.gather) }
  package var head: sw_head_function { cast(.head) }
  package var tail: sw_tail_function { cast(.tail) }
  package var depthwise: sw_depthwise_function { cast(.depthwise) }
  package var depthwiseTransposed: sw_depthwise_transposed_function { cast(.depthwiseTransposed) }
  package var pointwise: sw_pointwise_function { cast(.pointwise) }
  package var winogradInput: sw_winograd_input_function { cast(.winogradInput) }
  package var winogradOutput: sw_winograd_output_function { cast(.winogradOutput) }
  package var store: sw_store_function { cast(.store) }
  package var elementwise: sw_elementwise_function { cast(.elementwise) }
  package var maximumPool: sw_pool_function { cast(.maximumPool) }
  package var averagePool: sw_pool_function { cast(.averagePool) }
  package var sum: sw_sum_function { cast(.sum) }
  package var binary: sw_binary_function { cast(.binary) }
  package var reduceAlong: sw_reduce_along_function { cast(.reduceAlong) }
  package var reduceAcross: sw_reduce_across_function { cast(.reduceAcross) }
  package var mix: sw_mix_function { cast(.mix) }
  package var softmaxAlong: sw_softmax_along_function { cast(.softmaxAlong) }
  package var softmaxAcross: sw_softmax_across_function { cast(.softmaxAcross) }
  package var interleave: sw_interleave_function { cast(.interleave) }
  package var deinterleave: sw_deinterleave_function { cast(.deinterleave) }
  package var pixelShuffle: sw_pixel_shuffle_function { cast(.pixelShuffle) }
  package var planes: sw_planes_function { cast(.planes) }
  package var spread: sw_spread_function { cast(.spread) }
  package var mixPixels: sw_mix_pixels_function { cast(.mixPixels) }
  package var pick: sw_pick_function { cast(.pick) }
  package var outer: sw_outer_function { cast(.outer) }
  package var activationGradient: sw_activation_gradient_function { cast(.activationGradient) }
  package var channelProducts: sw_channel_products_function { cast(.channelProducts) }
  package var channelCombination: sw_channel_combination_function { cast(.channelCombination) }
  package var maximumPoolGradient: sw_pool_gradient_function { cast(.maximumPoolGradient) }
  package var depthwiseGradient: sw_depthwise_gradient_function { cast(.depthwiseGradient) }
  package var winogradGradient: sw_winograd_gradient_function { cast(.winogradGradient) }
  package var movingAverage: sw_moving_average_function { cast(.movingAverage) }
  package var parameterStep: sw_parameter_step_function { cast(.parameterStep) }
  package var winogradWeights: sw_winograd_weights_function { cast(.winogradWeights) }
  package var quantize: sw_quantize_function { cast(.quantize) }
  package var dequantize: sw_dequantize_function { cast(.dequantize) }
  package var lookup: sw_lookup_function { cast(.lookup) }
  package var codeSum: sw_code_sum_function { cast(.codeSum) }
  package var winogradWeightGradient: sw_winograd_weight_gradient_function { cast(.winogradWeightGradient) }

  private func cast<F>(_ expected: Family) -> F {
    precondition(family == expected, "\(name) is no \(expected) kernel")
    return unsafeBitCast(function, to: F.self)
  }
}
