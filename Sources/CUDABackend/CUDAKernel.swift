import CUDAKernels
import Execution

/// A row of the table of kernels, `kernels.def`: a name, what it does, and what it takes of a multiprocessor.
package struct CUDAKernel: KernelMethod {
  /// What a kernel does. Elements of 16 bits are named; those of other families are what their name says.
  package enum Family: Hashable, Sendable {
    case dense(DeviceElement, size: Int, stride: Int)
    case denseFloat(FloatProducts, size: Int, stride: Int)
    case denseHopper(DeviceElement)
    /// Makes so many groups of 64 output channels a block.
    case denseWide(DeviceElement, groups: Int)
    case denseWideFloat(FloatProducts, groups: Int)
    /// 1x1, and transposed 2x2; makes so many groups of 64 output channels a block, whose pixels are a run of all images'.
    case pointwiseHopper(DeviceElement, groups: Int)
    /// Adds what the splits of a layer left.
    case sumParts(DeviceElement)
    case separable(DeviceElement)
    case separableFloat(FloatProducts)
    case separableBlock(DeviceElement)
    case selection(DeviceElement)
    /// From up to four planes.
    case head(DeviceElement, size: Int, stride: Int)
    /// 3x3, in float32.
    case headFloat(planes: Int)
    case tail(DeviceElement)
    /// 1x1 to so many planes, or four for each that pixels are shuffled to.
    case pointwisePlanes(DeviceElement, most: Int)
    case depthwise(DeviceElement, size: Int, stride: Int)
    case linear(DeviceElement, result: DeviceElement)
    case meanOfPixels(DeviceElement)
    case maximumPool(DeviceElement, size: Int, stride: Int)
    /// Of pixels of integers.
    case denseIntegers(size: Int, stride: Int), depthwiseIntegers(size: Int, stride: Int)
    /// 3x3 with shared memory, any layout.
    case tiled
    /// One thread an element, any shape.
    case direct, elementByElement, move, resample, windows, reduce, normalize, multiplyMatrices
    /// From samples of pictures, and back.
    case samplesToPlanes, planesToSamples
    /// The same of integers.
    case integers, directIntegers, meanOfIntegers
    /// Of networks that are trained.
    case training(Training)
    /// Gradients of weights by tiles, of pixels of 16 bits.
    case weightGradientTiles(DeviceElement, size: Int, stride: Int)
  }

  /// What a product of two float32 numbers is on the tensor cores: three of TF32, or one of what they are rounded to.
  package enum FloatProducts: Hashable, Sendable { case three, one }

  /// The kernels that only training runs, by their names in the table.
  package enum Training: String, Hashable, Sendable, CaseIterable {
    case activationGradient = "ActivationGradient"
    case maximumPoolGradient = "MaximumPoolGradient"
    case adjoint = "Adjoint"
    case dropout = "Dropout"
    case fakeQuantize = "FakeQuantize"
    /// Of runs of pixels, and what these come to.
    case channelSums = "ChannelSums"
    case channelTotals = "ChannelTotals"
    case normalizeBatch = "NormalizeBatch"
    case batchGradient = "BatchGradient"
    /// Likewise.
    case weightGradient = "WeightGradient"
    case weightGradientOfGroups = "WeightGradientOfGroups"
    /// A kernel of 3x3 a channel.
    case weightGradientOfChannels = "WeightGradientOfChannels"
    case weightTotals = "WeightTotals"
    case movingAverage = "MovingAverage"
    case parameterStep = "ParameterStep"
    /// Packs what was made for the kernels that read it.
    case gather = "Gather"
    /// Puts new parameters into the places of the old ones.
    case commit = "Commit"
  }

  package let name: String
  package let family: Family
  /// Of a block.
  package let threadCount: Int
  /// Blocks that a multiprocessor's registers leave room for.
  package let blocksPerMultiprocessor: Int
  /// Outputs of a block; 0 where a thread makes one element.
  package let tileWidth: Int
  package let tileHeight: Int
  /// Of a block.
  package let sharedByteCount: Int
  /// Whether its instructions are those of compute capability 9.0 alone.
  package let isForHopper: Bool

  package var description: String { name }

  /// In the order of the table.
  package static let allCases: [CUDAKernel] = (0..<cuda_kernel_count()).map { CUDAKernel(cuda_kernel_at($0)) }

  /// Groups of 64 output channels that a block makes.
  var groupsPerBlock: Int {
    switch family {
    case .denseWide(_, let groups), .denseWideFloat(_, let groups), .pointwiseHopper(_, let groups): groups
    default: 1
    }
  }

  /// Input channels that it takes at a time where several blocks can share those of a layer; nil where they cannot.
  var channelsPerUnit: Int? {
    switch family {
    case .dense, .denseWide, .separable, .selection: 16
    case .pointwiseHopper: 32
    case .denseFloat, .denseWideFloat, .separableFloat: 8
    default: nil
    }
  }

  /// Whether several blocks can share the input channels of a tile.
  package var sharesChannels: Bool { channelsPerUnit != nil }

  /// The kernel of a family that takes any shape.
  static func any(_ family: Family) -> CUDAKernel {
    guard let kernel = allCases.first(where: { $0.family == family }) else {
      preconditionFailure("kernels.def has no row for \(family)")
    }
    return kernel
  }

  /// A row that this does not understand is a mistake in the table and traps.
  private init(_ row: cuda_kernel_row) {
    name = String(cString: row.name)
    threadCount = Int(row.threads)
    blocksPerMultiprocessor = Int(row.blocks)
    tileWidth = Int(row.tileWidth)
    tileHeight = Int(row.tileHeight)
    sharedByteCount = Int(row.sharedBytes)
    let text = String(cString: row.family)
    isForHopper = text.contains("Hopper")
    guard let family = Family(text) else { preconditionFailure("\(name) of kernels.def has the unknown family \(text)") }
    self.family = family
  }
}

extension CUDAKernel.Family {
  /// Whether it reads integers, and reckons with them.
  var takesIntegers: Bool {
    switch self {
    case .denseIntegers, .depthwiseIntegers, .directIntegers, .meanOfIntegers, .integers: true
    default: false
    }
  }

  /// What it makes of a product of two float32 numbers on the tensor cores; nil of others.
  var products: CUDAKernel.FloatProducts? {
    switch self {
    case .denseFloat(let products, _, _), .denseWideFloat(let products, _), .separableFloat(let products): products
    default: nil
    }
  }

  /// How the weights that are packed for it are stored, the pairs of float32's three products as float32.
  var packPrecision: CUDAPrecision {
    if products == .one { return .tensorFloat32 }
    let element: DeviceElement
    switch self {
    case .dense(let of, _, _), .denseHopper(let of), .denseWide(let of, _), .pointwiseHopper(let of, _), .separable(let of),
      .separableBlock(let of), .selection(let of), .head(let of, _, _), .tail(let of), .pointwisePlanes(let of, _),
      .depthwise(let of, _, _), .linear(let of, _):
      element = of
    case .denseFloat, .denseWideFloat, .separableFloat, .headFloat, .sumParts, .meanOfPixels, .maximumPool, .denseIntegers,
      .depthwiseIntegers, .tiled, .direct, .elementByElement, .move, .resample, .windows, .reduce, .normalize,
      .multiplyMatrices,
      .samplesToPlanes, .planesToSamples, .integers, .directIntegers, .meanOfIntegers, .training, .weightGradientTiles:
      return .float32
    }
    switch element {
    case .float16: return .float16
    case .bfloat16: return .bfloat16
    case .float32, .uint8, .int8: return .float32
    }
  }

  /// Whether it makes pixels of a few planes.
  var isHead: Bool {
    switch self {
    case .head, .headFloat: true
    default: false
    }
  }

  /// `Dense<Half , 4 , 3 , 3 , 2>`: the element, warps, stages, then size and stride, 3 and 1 unless given.
  fileprivate init?(_ text: String) {
    let parts = text.split(whereSeparator: { "<,> ".contains($0) }).map(String.init)
    let element: DeviceElement? =
      parts.count > 1 ? ["Half": .float16, "BFloat16": .bfloat16, "float": .float32][parts[1]] : nil
    let products: CUDAKernel.FloatProducts = parts.contains("OneProduct") ? .one : .three
    func number(_ index: Int, else usual: Int? = nil) -> Int? { parts.count > index ? Int(parts[index]) : usual }
    switch (parts.first, element) {
    case ("Dense", let element?):
      guard let size = number(4, else: 3), let stride = number(5, else: 1) else { return nil }
      self = .dense(element, size: size, stride: stride)
    case ("DenseFloat", nil):
      guard let size = number(3, else: 3), let stride = number(4, else: 1) else { return nil }
      self = .denseFloat(products, size: size, stride: stride)
    case ("DenseHopper", let element?): self = .denseHopper(element)
    case ("DenseWideHopper", let element?):
      guard let groups = number(2) else { return nil }
      self = .denseWide(element, groups: groups)
    case ("DenseWideFloatHopper", nil):
      guard let groups = number(1) else { return nil }
      self = .denseWideFloat(products, groups: groups)
    case ("PointwiseHopper", let element?):
      guard let groups = number(3) else { return nil }
      self = .pointwiseHopper(element, groups: groups)
    case ("SumParts", let element?): self = .sumParts(element)
    case ("Separable", .float32): self = .separableFloat(products)
    case ("Separable", let element?): self = .separable(element)
    case ("SeparableBlock", let element?): self = .separableBlock(element)
    case ("Selection", let element?): self = .selection(element)
    case ("HeadFloat", nil):
      guard let planes = number(1) else { return nil }
      self = .headFloat(planes: planes)
    case ("Head", let element?):
      guard let size = number(3), let stride = number(4) else { return nil }
      self = .head(element, size: size, stride: stride)
    case ("PointwisePlanes", let element?):
      guard let parts = number(2) else { return nil }
      self = .pointwisePlanes(element, most: parts * 8)
    case ("Depthwise", let element?):
      guard let size = number(2), let stride = number(3) else { return nil }
      self = .depthwise(element, size: size, stride: stride)
    case ("Linear", let element?): self = .linear(element, result: parts.last == "float" ? .float32 : element)
    case ("MeanOfPixels", let element?): self = .meanOfPixels(element)
    case ("Tail", let element?): self = .tail(element)
    case ("MaximumPool", let element?):
      guard let size = number(2), let stride = number(3) else { return nil }
      self = .maximumPool(element, size: size, stride: stride)
    case ("DenseIntegers", nil):
      guard let size = number(3, else: 3), let stride = number(4, else: 1) else { return nil }
      self = .denseIntegers(size: size, stride: stride)
    case ("DepthwiseIntegers", nil):
      guard let size = number(1), let stride = number(2) else { return nil }
      self = .depthwiseIntegers(size: size, stride: stride)
    case ("Integers", nil): self = .integers
    case ("DirectIntegers", nil): self = .directIntegers
    case ("MeanOfIntegers", nil): self = .meanOfIntegers
    case ("Direct", nil): self = .direct
    case ("Tiled", nil): self = .tiled
    case ("ElementByElement", nil): self = .elementByElement
    case ("Move", nil): self = .move
    case ("Resample", nil): self = .resample
    case ("Windows", nil): self = .windows
    case ("SamplesToPlanes", nil): self = .samplesToPlanes
    case ("PlanesToSamples", nil): self = .planesToSamples
    case ("Reduce", nil): self = .reduce
    case ("Normalize", nil): self = .normalize
    case ("MultiplyMatrices", nil): self = .multiplyMatrices
    case ("WeightGradientTiles", let element?):
      guard let size = number(2), let stride = number(3) else { return nil }
      self = .weightGradientTiles(element, size: size, stride: stride)
    case (let name?, nil):
      guard let kernel = CUDAKernel.Training(rawValue: name) else { return nil }
      self = .training(kernel)
    default: return nil
    }
  }
}
