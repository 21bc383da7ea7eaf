@testable import CPUBackend
import CKernels
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Transposed convolutions to a few planes: against the reference and against the other methods, over kernels, strides, paddings and
/// odd sizes; and the same bits from every cut.
@Suite struct TransposedPlanesTests {
  struct Example: Sendable, CustomStringConvertible {
    var payload: TransposedConvolution
    var input: Shape
    var description: String {
      "\(payload.kernel.height)x\(payload.kernel.width) stride \(payload.stride.height)x\(payload.stride.width) of \(input) to \(payload.outChannels)"
    }

    func network() throws -> Network {
      var builder = NetworkBuilder("up")
      let x = builder.input("x", channels: input.channels)
      builder.output(builder.node("y", .transposedConvolution(payload), [x], channels: payload.outChannels))
      return try builder.build(.random(seed: 21))
    }
  }

  /// Seeded examples of all attributes that the method takes.
  static let examples: [Example] = {
    var random = SplitMix64(seed: 2)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    var result: [Example] = []
    while result.count < 60 {
      let stride = Pair(height: pick(1...5), width: pick(1...5)), kernel = Pair(height: pick(1...9), width: pick(1...9))
      let payload = TransposedConvolution(
        inChannels: pick(1...40), outChannels: pick(1...4), kernel: kernel, stride: stride,
        padding: Padding(
          top: pick(0...kernel.height - 1), left: pick(0...kernel.width - 1), bottom: pick(0...kernel.height - 1),
          right: pick(0...kernel.width - 1)),
        outputPadding: Pair(height: pick(0...stride.height - 1), width: pick(0...stride.width - 1)), hasBias: pick(0...1) == 1)
      let input = Shape(batch: pick(1...2), channels: payload.inChannels, height: pick(1...23), width: pick(1...90))
      if (try? payload.shapeBeforeShuffle(input)) != nil { result.append(Example(payload: payload, input: input)) }
    }
    return result
  }()

  @Test(arguments: instructionSets) func agreesWithTheReference(_ instructionSet: InstructionSet) throws {
    for (index, example) in Self.examples.enumerated() {
      let network = try example.network()
      var random = SplitMix64(seed: UInt64(index))
      let input = Tensor(uniform: example.input, bound: 1, using: &random)
      let expected = try ReferenceEngine().prepare(network, inputs: [example.input]).run([input])[0]
      let tolerance = try Tolerance.outputs(of: network, inputs: [input])
      var engine = CPUEngine(instructionSet: instructionSet, threadCount: 1)
      engine.preferredTransposedMethod = .planes
      let result = try engine.prepare(network, inputs: [example.input]).run([input])[0]
      expectClose(result, expected, tolerance: tolerance[0].error, seed: UInt64(index), "\(example) on \(instructionSet)")
      for threads in 2...5 {
        var engine = CPUEngine(instructionSet: instructionSet, threadCount: threads)
        engine.preferredTransposedMethod = .planes
        expectSameBits(
          try engine.prepare(network, inputs: [example.input]).run([input])[0], result, "\(example), \(threads) threads")
      }
    }
  }

  /// The shared cases, with every epilogue there is, by every method that takes them.
  @Test(arguments: TransposedMethod.allCases, instructionSets)
  func everyMethodAgreesWithTheReference(_ method: TransposedMethod, _ instructionSet: InstructionSet) throws {
    var count = 0
    for example in supportedCases {
      guard example.network.nodes.count == 1, case .transposedConvolution(let payload) = example.network.nodes[0].operation,
        let geometry = TransposedGeometry(
          example.network.nodes[0], payload, shapes: try example.network.inferredShapes(inputs: example.inputShapes)),
        geometry.refusal(of: method) == nil
      else { continue }
      count += 1
      let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(example.inputs)
      var engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      engine.preferredTransposedMethod = method
      let result = try engine.prepare(example.network, inputs: example.inputShapes).run(example.inputs)
      let tolerance = try Tolerance.outputs(of: example.network, inputs: example.inputs)
      expectClose(
        result[0], expected[0], tolerance: tolerance[0].error, seed: example.seed,
        "\(example.name) by \(method) on \(instructionSet)")
    }
    #expect(count >= 3, "\(method) was tried on \(count) only")
  }

  /// Each tap of each phase is in just one place of its group, and in groups that are joined nothing is lost.
  @Test func joinedGroupsHaveEveryTapOnce() {
    for example in Self.examples {
      let output = try? example.payload.shapeBeforeShuffle(example.input)
      let plan = TransposedPlanes(example.payload, height: output?.height ?? 0, width: output?.width ?? 0)
      let apart = PhaseGroup.all(of: example.payload, height: output?.height ?? 0, width: output?.width ?? 0)
      func taps(_ groups: [PhaseGroup]) -> Set<[Int]> {
        var result: Set<[Int]> = []
        for group in groups {
          for phase in group.phases {
            for case (let tap, let position?) in zip(group.taps, phase.kernelPositions).map({ ($0, $1) }) {
              #expect(result.insert([phase.row, phase.column, tap.row, tap.column, position]).inserted)
            }
          }
        }
        return result
      }
      #expect(taps(plan.groups) == taps(apart), "\(example)")
      #expect(plan.groups.reduce(0) { $0 + $1.phases.count } == apart.reduce(0) { $0 + $1.phases.count })
    }
    // 9x9 with stride 3: four phases read 3x3 pixels, the others one row or column further.
    let wide = TransposedPlanes(
      TransposedConvolution(inChannels: 56, outChannels: 1, kernel: 9, stride: 3, padding: 4, outputPadding: 2), height: 96,
      width: 96)
    #expect(wide.groups.map(\.phases.count).max() == 4)
    #expect(wide.rows == -1..<3 && wide.columns == -1..<3)
  }

  @Test func theSelectorTakesPlanesForFewChannels() throws {
    func choice(_ payload: TransposedConvolution) throws -> TransposedMethod {
      let node = Node(name: "up", operation: .transposedConvolution(payload), inputs: ["x"])
      let input = Shape(channels: payload.inChannels, height: 64, width: 64)
      let shapes = ["x": input, "up": try payload.shapeBeforeShuffle(input)]
      return KernelSelector.choose(
        for: try #require(TransposedGeometry(node, payload, shapes: shapes)), KernelRates(.zen5, .avx512))
    }
    let last = TransposedConvolution(inChannels: 56, outChannels: 1, kernel: 9, stride: 3, padding: 4, outputPadding: 2)
    #expect(try choice(last) == .planes)
    #expect(try choice(TransposedConvolution(inChannels: 256, outChannels: 3, kernel: 4, stride: 2, padding: 1)) == .planes)
    #expect(try choice(TransposedConvolution(inChannels: 64, outChannels: 32, kernel: 4, stride: 2, padding: 1)) == .phases)
    #expect(try choice(TransposedConvolution(inChannels: 64, outChannels: 32, kernel: 2, stride: 2)) == .pointwise)
  }

  // MARK: Kernels

  /// Sums over taps and planes, for every count of pixels around the widths of register tiles; the same bits at every place.
  @Test(arguments: instructionSets, 1...4) func sumsOfPlanes(_ instructionSet: InstructionSet, _ outputs: Int) {
    let kernel = KernelTable(instructionSet).kernel(.planes, .float32, .float32, rows: outputs)
    let lanes = instructionSet.lanes, taps = 3, depth = 5
    let plane = 8 * lanes + 40
    var random = SplitMix64(seed: 9)
    let values = (0..<(depth * plane)).map { _ in Float.random(in: -1...1, using: &random) }
    let weights = (0..<(taps * depth * outputs)).map { _ in Float.random(in: -1...1, using: &random) }
    var whole: [[Float]] = []
    for count in (1...(8 * lanes)).reversed() {
      var sums = [Float](repeating: 777, count: outputs * plane)
      values.withUnsafeBufferPointer { values in
        sums.withUnsafeMutableBufferPointer { sums in
          guard let from = values.baseAddress, let to = sums.baseAddress else { return }
          // The second tap lies outside the image.
          let left: [UnsafePointer<Float>?] = [from + 2, nil, from]
          let out: [UnsafeMutablePointer<Float>?] = (0..<outputs).map { to + $0 * plane }
          left.withUnsafeBufferPointer { left in
            out.withUnsafeBufferPointer { out in
              weights.withUnsafeBufferPointer { weights in
                var arguments = sw_planes_arguments(
                  left: left.baseAddress, taps: taps, depth: depth, plane: plane, right: weights.baseAddress, count: count,
                  out: out.baseAddress)
                kernel.planes(&arguments)
              }
            }
          }
        }
      }
      for output in 0..<outputs {
        let row = Array(sums[output * plane..<output * plane + count])
        if count == 8 * lanes {
          whole.append(row)
          for x in 0..<count {
            var exact = 0.0
            for (tap, offset) in [(0, 2), (2, 0)] {
              for k in 0..<depth {
                exact += Double(values[k * plane + x + offset]) * Double(weights[(tap * depth + k) * outputs + output])
              }
            }
            #expect(abs(Double(row[x]) - exact) <= 1e-5)
          }
        } else {
          #expect(row == Array(whole[output].prefix(count)), "\(count) pixels")
        }
        // Up to 2 vectors past the last pixel, and no more.
        let end = (count + lanes - 1) / lanes * lanes + 2 * lanes
        if end < plane { #expect(sums[output * plane + end..<(output + 1) * plane].allSatisfy { $0 == 777 }) }
      }
    }
  }

  /// Rows side by side, with bias, activation, scale and residual; nothing past the last pixel.
  @Test(arguments: instructionSets) func spreadRows(_ instructionSet: InstructionSet) {
    let kernel = KernelTable(instructionSet).kernel(.spread, .float32, .float32), lanes = instructionSet.lanes
    for factor in [1, 2, 3, 4, 5, 8] {
      for count in [1, 2, lanes - 1, lanes, 3 * lanes + 1, 5 * lanes * factor - 2] {
        for hasResidual in [false, true] {
          let rows = (0..<factor).map { d in (0..<(6 * lanes)).map { Float($0 * 10 + d) - 200 } }
          let residual = (0..<count).map { Float($0) }, bias: [Float] = [0, 3]
          var out = [Float](repeating: 777, count: count + lanes)
          var epilogue = sw_epilogue()
          epilogue.scale = 0.5
          epilogue.before.kind = SW_ACTIVATION_RELU
          let storage = rows.flatMap { $0 }
          storage.withUnsafeBufferPointer { storage in
            bias.withUnsafeBufferPointer { bias in
              residual.withUnsafeBufferPointer { residual in
                epilogue.bias = bias.baseAddress
                let pointers: [UnsafePointer<Float>?] = (0..<factor).map { row in
                  storage.baseAddress.map { $0 + row * 6 * lanes }
                }
                out.withUnsafeMutableBufferPointer { out in
                  pointers.withUnsafeBufferPointer { pointers in
                    withUnsafePointer(to: epilogue) { epilogue in
                      var arguments = sw_spread_arguments(
                        in: pointers.baseAddress, factor: factor, count: count, out: out.baseAddress,
                        residual: hasResidual ? residual.baseAddress : nil, channel: 1, epilogue: epilogue)
                      kernel.spread(&arguments)
                    }
                  }
                }
              }
            }
          }
          for x in 0..<count {
            let value = max(rows[x % factor][x / factor] + 3, 0) * 0.5 + (hasResidual ? Float(x) : 0)
            #expect(out[x] == value, "factor \(factor), pixel \(x) of \(count)")
          }
          #expect(out[count...].allSatisfy { $0 == 777 })
        }
      }
    }
  }
}
