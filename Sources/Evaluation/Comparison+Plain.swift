import Execution
import Networks
import Tensors
import Transforms

extension Comparison {
  /// An output of the run that users get, held against the run whose every value leaves the network.
  ///
  /// The two are scheduled differently: where values need not be kept, layers go in bands, and values in rings and in place. On the CPU both
  /// must give the same bits; a device then has kernels that do several layers at once, and may round otherwise between them.
  public struct PlainOutput: Hashable, Codable, Sendable {
    /// How it ran: `cpu:avx2:float32, 3 threads, tiles of 64`.
    public var run: String
    public var output: String
    public var elements: Int
    /// The elements whose bits differ.
    public var differing: Int
    /// The largest difference among them.
    public var maximum: Double
    /// The place of the first of them: image, channel, row, column.
    public var firstPlace: [Int]?
    /// The length of the difference by that of the output, and what it may be; nil where the bits must be the same.
    public var relativeError: Double?
    public var allowedError: Double?

    /// Whether it is what was compared.
    var isSame: Bool {
      guard let relativeError, let allowedError else { return differing == 0 }
      return relativeError <= allowedError
    }
  }

  /// Runs an optimised network as users run it, and holds its outputs against `values`.
  static func plainOutputs(
    of network: Network, on engine: Engine, _ input: Tensor, tile: TilePolicy, against values: [String: Tensor]
  ) throws(EvaluationError) -> [PlainOutput] {
    let name: String
    var allowed: Double?
    switch engine {
    // It runs every network in one way.
    case .reference: return []
    case .cpu(let options):
      name = "\(engine.name), \(options.threadCount) \(options.threadCount == 1 ? "thread" : "threads")"
    case .cuda(let options):
      name = "\(engine.name)"
      allowed = options.allowedError
    }
    let backend = try engine.makeBackend()
    let whole: [Tensor]
    do throws(ExecutionError) {
      whole = try backend.prepare(network, inputs: [input.shape]).run([input])
    } catch {
      throw .execution(network: network.name, error)
    }
    var result: [PlainOutput] = []
    for (output, tensor) in zip(network.outputs, whole) {
      if let checked = values[output] { result.append(PlainOutput(name, output, tensor, checked, allowed: allowed)) }
    }
    guard tile != .none, let output = network.outputs.first, let checked = values[output] else { return result }
    let tiled = try tiled(network, backend, input, tile)
    return result + [PlainOutput("\(name), tiles \(tile)", output, tiled, checked, allowed: allowed)]
  }

  private static func tiled(
    _ network: Network, _ backend: any Backend, _ input: Tensor, _ tile: TilePolicy
  ) throws(EvaluationError) -> Tensor {
    let runner = try ModelRunner(network, backend: backend, tile: tile)
    let shape = input.shape
    guard shape.batch == 1 else {
      throw .contract(network: network.name, reason: "tiles are cut from one image, and the input has \(shape.batch)")
    }
    let plan = try runner.plan(height: shape.height, width: shape.width)
    var result = Tensor(
      zeros: Shape(channels: runner.channels, height: shape.height * plan.scale, width: shape.width * plan.scale))
    let width = result.shape.width, area = result.shape.height * width
    try runner.run(
      plan,
      fill: { rows, columns, to in
        var to = to
        input.withUnsafeFloats { elements in
          for channel in 0..<shape.channels {
            for y in rows {
              for x in columns {
                to.pointee = elements[(channel * shape.height + y) * shape.width + x]
                to += 1
              }
            }
          }
        }
      },
      deliver: { region in
        result.withUnsafeMutableFloats { elements in
          for channel in 0..<runner.channels {
            for (index, y) in region.rows.enumerated() {
              let row = region.base + channel * region.planeStride + index * region.rowStride
              for (column, x) in region.columns.enumerated() { elements[channel * area + y * width + x] = row[column] }
            }
          }
        }
      })
    return result
  }
}

extension Comparison.PlainOutput {
  init(_ run: String, _ output: String, _ tensor: Tensor, _ checked: Tensor, allowed: Double?) {
    self.init(run: run, output: output, elements: tensor.shape.count, differing: 0, maximum: 0, firstPlace: nil)
    guard tensor.shape == checked.shape else {
      differing = elements
      maximum = .infinity
      return
    }
    if let allowed {
      var distance = 0.0, length = 0.0
      for (x, y) in zip(tensor.numbers, checked.numbers) {
        distance += (x - y) * (x - y)
        length += y * y
      }
      // Of nothing nothing may differ; a NaN is no error that is allowed.
      relativeError = distance == 0 ? 0 : (distance / length).squareRoot()
      allowedError = allowed
    }
    var first: Int?
    for (index, (x, y)) in zip(tensor.numbers, checked.numbers).enumerated() where x.bitPattern != y.bitPattern {
      if first == nil { first = index }
      differing += 1
      let difference = abs(x - y)
      // Written so that a NaN stays.
      if !(difference <= maximum) { maximum = difference }
    }
    guard var rest = first else { return }
    var place: [Int] = []
    for extent in tensor.shape.extents.reversed() {
      place.insert(rest % extent, at: 0)
      rest /= extent
    }
    firstPlace = place
  }
}

extension Comparison {
  /// A line for each run that differs, and one for those that do not.
  var plainText: String {
    var text = ""
    for plain in plainOutputs where !plain.isSame {
      text += "Run as it is for users (\(plain.run)), the output '\(plain.output)' differs from the run that is compared in "
      text += "\(plain.differing) of \(plain.elements) elements, by up to \(TextFormat.scientific(plain.maximum))"
      text += plain.firstPlace.map { ", first at \($0)" } ?? ""
      text += ": the engine's schedule is at fault.\n"
    }
    let same = plainOutputs.filter(\.isSame)
    if !same.isEmpty {
      var runs: [String] = []
      for plain in same where !runs.contains(plain.run) { runs.append(plain.run) }
      text += "Run as it is for users (\(runs.joined(separator: "; "))), \(Self.sameText(same)).\n"
    }
    return text
  }

  private static func sameText(_ same: [PlainOutput]) -> String {
    guard let worst = same.compactMap(\.relativeError).max(), worst > 0, let allowed = same.compactMap(\.allowedError).max()
    else {
      return "the outputs have the bits of those compared above"
    }
    return "the outputs are those compared above but for \(TextFormat.scientific(worst)) of their length, where "
      + "\(TextFormat.scientific(allowed)) may come of kernels that do several layers at once"
  }
}

extension CUDAOptions {
  /// How far two orders of rounding may be apart at the end of a whole network.
  fileprivate var allowedError: Double { precision == .float16 ? 4e-3 : 1e-4 }
}
