import CUDAKernels
import Networks
import Tensors

/// What a session does, in order: kernels over values and constants. Pure: it knows no addresses.
struct DeviceProgram {
  /// Where a value lies.
  enum Place: Hashable {
    case arena
    /// In what is copied to the device at the beginning of a run.
    case input
    /// In what is copied from the device at the end.
    case output
    /// In another value, so many bytes from its first.
    case part(of: Int, byteOffset: Int)
    /// A constant.
    case constant(Int)
    /// A parameter of the model, as its tensor lies.
    case parameter(String)
    /// Memory that nothing else takes: what is packed in the run.
    case own
  }

  struct Value {
    var layout: DeviceLayout
    var place: Place
  }

  /// What the kernels read of the parameters, or of tables. Equal keys of one network have equal bytes.
  struct Constant {
    var key: String
    /// The parameters that it follows from.
    var parameters: [String]
    var bytes: (Network) -> [UInt8]
    /// How its numbers are stored: of float32 some may be two for one.
    var precision = CUDAPrecision.float32
    /// The value that holds it, where the run itself makes it: then there are no bytes.
    var value: Int?
  }

  /// A parameter that a run changes at its end.
  struct Update {
    var parameter: String
    /// The notes of the kernel that changes it: whether its numbers are finite.
    var notes: Range<Int>
  }

  /// Addresses of values and constants while arguments are made.
  struct Addresses {
    let values: [UInt64]
    let constants: [UInt64]

    func pointer(_ value: Int) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(values[value])) }
    func floats(_ constant: Int?) -> UnsafePointer<Float>? {
      constant.flatMap { UnsafePointer(bitPattern: UInt(constants[$0])) }
    }
    func integers(_ constant: Int?) -> UnsafePointer<Int32>? {
      constant.flatMap { UnsafePointer(bitPattern: UInt(constants[$0])) }
    }
  }

  struct Step {
    var node: String
    var kernel: CUDAKernel
    var grid: LaunchGrid
    var reads: [Int]
    var writes: Int
    /// Whether the kernel may add a second value, which lies as the output; and which it adds.
    var takesSecond = false
    /// Whether it only brings an input into the layout of the kernels, or an output out of it.
    var isCopy = false
    var second: Int?
    /// Whether its blocks may begin before the step ahead is done.
    var overlaps = true
    /// The bytes of the kernel's arguments. Of the step itself it asks for `writes` and `second` alone, which may change after it is made.
    var arguments: (Addresses, Step) -> [UInt8]
  }

  var values: [Value] = []
  var constants: [Constant] = []
  var steps: [Step] = []
  /// In the order of the network's inputs and outputs.
  var inputs: [Int] = []
  var outputs: [Int] = []
  var updates: [Update] = []
  /// The value of their notes, which leaves the device behind the outputs.
  var notes: Int?
  /// The values of what conversions of samples note, which leave behind the outputs likewise.
  var conversionNotes: [Int] = []

  /// Whether some of its values are parameters.
  var readsParameters: Bool {
    values.contains { value in
      if case .parameter = value.place { true } else { false }
    }
  }

  /// The value that a value is a part of, or itself.
  func root(_ value: Int) -> Int {
    if case .part(let whole, _) = values[value].place { return root(whole) }
    return value
  }

  mutating func add(_ layout: DeviceLayout, _ place: Place = .arena) -> Int {
    values.append(Value(layout: layout, place: place))
    return values.count - 1
  }

  mutating func add(_ constant: Constant) -> Int {
    if let known = constants.firstIndex(where: { $0.key == constant.key }) { return known }
    constants.append(constant)
    return constants.count - 1
  }
}

/// The bytes of a structure that a kernel takes.
func argumentBytes<T>(_ arguments: T) -> [UInt8] { withUnsafeBytes(of: arguments) { Array($0) } }

extension Sequence<Float> {
  /// As they lie in memory.
  var bytes: [UInt8] { flatMap { withUnsafeBytes(of: $0) { Array($0) } } }
}

extension Sequence<Int32> {
  /// As they lie in memory.
  var bytes: [UInt8] { flatMap { withUnsafeBytes(of: $0) { Array($0) } } }
}
