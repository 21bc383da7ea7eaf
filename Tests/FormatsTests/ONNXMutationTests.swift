import Networks
import ONNXProto
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

/// Well-formed models with wrong contents: every integer, name and operator may be any other. Nothing traps, whatever a file says.
@Suite struct ONNXMutationTests {
  static let seeds = [
    "unet-open", "channels-last", "shape-arithmetic", "unshuffle-dynamo", "squeeze-excite-open", "resize-18", "crop-open",
    "pads-dynamo",
    "slices-open", "split-dynamo", "concat-rows-open", "two-inputs", "transposed-open", "pools-dynamo", "attention-fixed",
    "gemm-forms",
    "automatic-padding", "shuffle-dcr-fixed", "slice-arithmetic", "means-open", "depth-to-space", "batch-norm-first-dynamo",
  ]

  private static let extremes: [Int64] = [
    0, 1, -1, 2, -2, 3, 5, 7, 8, 1 << 20, 1 << 31, 1 << 36, -(1 << 31), 1 << 53, 1 << 62, .max, .min, .max - 1,
  ]

  private struct Mutation {
    var generator: SplitMix64
    var types: [String]

    mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(bound, 1))) }
    mutating func pick<T>(_ list: [T]) -> T? { list.isEmpty ? nil : list[below(list.count)] }
    mutating func integer() -> Int64 { below(3) == 0 ? Int64(below(6)) : extremes[below(extremes.count)] }

    mutating func apply(to model: inout ONNXModelProto) {
      let nodes = model.graph.node.count
      guard nodes > 0 else { return }
      let place = below(nodes)
      switch below(14) {
      case 0, 1: changeAttribute(&model.graph.node[place])
      case 2: model.graph.node[place].opType = pick(types) ?? "Relu"
      case 3:
        // Another value, one fewer, or one more.
        let values =
          model.graph.node.flatMap(\.output) + model.graph.initializer.map(\.name) + model.graph.input.map(\.name) + [""]
        guard !model.graph.node[place].input.isEmpty else { return }
        let index = below(model.graph.node[place].input.count)
        model.graph.node[place].input[index] = pick(values) ?? ""
      case 4: if !model.graph.node[place].input.isEmpty { model.graph.node[place].input.removeLast() }
      case 5:
        let values = model.graph.node[..<place].flatMap(\.output) + model.graph.initializer.map(\.name)
        model.graph.node[place].input.append(pick(values) ?? "")
      case 6, 7, 8: changeTensor(&model)
      case 9, 10:
        guard let input = pick(Array(model.graph.input.indices)) else { return }
        let axes = model.graph.input[input].type.tensorType.shape.dim.count
        guard axes > 0 else { return }
        let axis = below(axes)
        switch below(4) {
        case 0: model.graph.input[input].type.tensorType.shape.dim[axis].dimParam = "s"
        case 1: model.graph.input[input].type.tensorType.shape.dim.remove(at: axis)
        default: model.graph.input[input].type.tensorType.shape.dim[axis].dimValue = integer()
        }
      case 11: model.graph.node.swapAt(place, below(nodes))
      case 12: model.opsetImport[0].version = Int64(7 + below(20))
      default: model.graph.output[0].name = model.graph.node[place].output.first ?? ""
      }
    }

    private mutating func changeAttribute(_ node: inout ONNXNodeProto) {
      guard !node.attribute.isEmpty, below(4) > 0 else {
        let names = [
          "axis", "axes", "perm", "pads", "strides", "dilations", "kernel_shape", "group", "keepdims", "ceil_mode", "split",
          "start", "end",
          "blocksize", "output_padding", "output_shape", "auto_pad", "mode", "alpha", "num_outputs", "allowzero", "to",
          "num_groups", "size",
        ]
        let name = names[below(names.count)]
        switch below(3) {
        case 0: node.attribute.append(.integer(name, Int(integer())))
        case 1: node.attribute.append(.integers(name, (0..<below(6)).map { _ in Int(integer()) }))
        default:
          node.attribute.append(
            .text(name, ["SAME_UPPER", "SAME_LOWER", "VALID", "linear", "cubic", "reflect", "CRD"][below(7)]))
        }
        return
      }
      let index = below(node.attribute.count)
      node.attribute[index].i = integer()
      if !node.attribute[index].ints.isEmpty {
        switch below(3) {
        case 0: node.attribute[index].ints.removeLast()
        case 1: node.attribute[index].ints.append(integer())
        default: node.attribute[index].ints[below(node.attribute[index].ints.count)] = integer()
        }
      }
      if below(3) == 0 { node.attribute.remove(at: index) }
    }

    /// Integers of a tensor of the graph, or of a Constant; or its shape.
    private mutating func changeTensor(_ model: inout ONNXModelProto) {
      func change(_ tensor: inout ONNXTensorProto, _ mutation: inout Mutation) {
        if tensor.dataType == 7, mutation.below(5) > 0 {
          let count = tensor.hasRawData ? tensor.rawData.count / 8 : tensor.int64Data.count
          tensor.int64Data = (0..<count).map { _ in mutation.integer() }
          tensor.clearRawData()
        } else if let axis = mutation.pick(Array(tensor.dims.indices)) {
          if mutation.below(2) == 0 { tensor.dims.swapAt(0, axis) } else { tensor.dims[axis] = mutation.integer() }
        } else if mutation.below(2) == 0 {
          tensor.dims = [1]
        }
      }
      let constants = model.graph.node.indices.filter {
        model.graph.node[$0].opType == "Constant" && !model.graph.node[$0].attribute.isEmpty
      }
      if let constant = pick(constants), below(3) > 0 {
        change(&model.graph.node[constant].attribute[0].t, &self)
      } else if let index = pick(Array(model.graph.initializer.indices)) {
        change(&model.graph.initializer[index], &self)
      }
    }
  }

  /// Reads, and where it is read, asks for shapes, sizes of one and of many, runs what is small, and writes it again.
  private static func tryAll(_ bytes: [UInt8], _ sizes: ONNXSizes) -> Bool {
    guard let network = try? ONNXFile.read(bytes: bytes, sizes: sizes) else { return false }
    _ = network.text
    for side in [8, 1, 13] {
      let shapes = network.inputs.map { input in Shape(input.axes.enumerated().map { $1 ?? ($0 == 0 ? 1 : side) }) }
      guard let ledger = try? network.ledger(inputs: shapes), ledger.multiplyAccumulates < 1 << 20,
        ledger.peakActivationByteCount < 1 << 20, ledger.bytesMoved < 1 << 22
      else { continue }
      _ = try? ReferenceEngine().prepare(network, inputs: shapes).run(shapes.map { Tensor(zeros: $0) })
    }
    if let again = try? ONNXFile.bytes(of: network) { _ = try? ONNXFile.read(bytes: again) }
    return true
  }

  @Test(arguments: seeds)
  func nothingTraps(name: String) throws {
    let model = try ONNXModelProto(serializedBytes: ONNXSafetyTests.bytes(name))
    let types = ONNXImporter.operators.sorted()
    var read = 0
    for round in 0..<400 {
      var mutation = Mutation(
        generator: SplitMix64(seed: UInt64(round) &* 7919 &+ name.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }),
        types: types)
      var damaged = model
      for _ in 0...mutation.below(4) { mutation.apply(to: &damaged) }
      if Self.tryAll(try damaged.serializedBytes(), round % 3 == 0 ? .any : .declared) { read += 1 }
    }
    // Some come through, or this would test the first check alone.
    #expect(read > 10, "only \(read) of 400 are read")
  }
}
