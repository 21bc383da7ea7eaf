import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite struct DistillationTests {
  /// `a`, a ReLU, and `b`.
  private func network(_ name: String, hidden: Int, outputs: Int = 3, hasBatchNorm: Bool = false, seed: UInt64) throws
    -> Network
  {
    var builder = NetworkBuilder(name)
    var x = builder.convolution("a", builder.input("x", channels: 2), outChannels: hidden, kernel: 3, padding: 1)
    if hasBatchNorm { x = builder.batchNorm("norm", x) }
    x = builder.activation("relu", x, .relu)
    builder.output(builder.convolution("b", x, outChannels: outputs, kernel: 3, padding: 1))
    return try builder.build(.random(seed: seed))
  }

  private static let input = Shape([2, 2, 5, 4])
  private let optimizer = Optimizer.sgd(momentum: 0, nesterov: false, weightDecay: 0)

  private func noise(_ shape: Shape, seed: UInt64) -> Tensor {
    var generator = SplitMix64(seed: seed)
    return Tensor(shape, (0..<shape.count).map { _ in generator.nextUnit() })
  }

  private func values(_ network: Network, _ names: [String], _ x: Tensor) throws -> [[Double]] {
    var network = network
    network.outputs = names
    return try ReferenceEngine().prepare(network).session(inputs: [x.shape]).run([x]).map { $0.floats.map(Double.init) }
  }

  /// The loss of a step.
  private func loss(_ training: TrainingNetwork, on backend: any Backend, _ x: Tensor, _ t: Tensor) throws -> Double {
    let session = try backend.prepare(training.network.fusing()).session(inputs: [x.shape, t.shape, [4]])
    return try Double(session.run([x, t, Tensor([4], training.scheduleValues(step: 0, learningRate: 0))])[0].floats[0])
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  @Test(arguments: [false, true]) func `the loss is that of the target, of the teacher and of features`(hasBatchNorm: Bool)
    throws
  {
    let student = try network("student", hidden: 4, seed: 1)
    // Its names are the student's: they are told apart.
    let teacher = try network("teacher", hidden: 4, hasBatchNorm: hasBatchNorm, seed: 2)
    let x = noise(Self.input, seed: 3), t = noise([2, 3, 5, 4], seed: 4)
    let distillation = Distillation(
      teacher: teacher, imitation: .loss(.absoluteError), weight: 0.5, targetWeight: 2,
      features: [Distillation.Feature(student: "relu", teacher: "relu")], featureWeight: 3)
    let training = try TrainingNetwork(
      student, loss: WeightedLoss(.squaredError), optimizer: optimizer, distillation: distillation, inputs: [Self.input])
    #expect(training.trained == student.parameters.keys.sorted())
    let own = try values(student, ["b", "relu"], x), other = try values(teacher, ["b", "relu"], x)
    func squares(_ a: [Double], _ b: [Double]) -> Double { mean(zip(a, b).map { ($0 - $1) * ($0 - $1) }) }
    let expected =
      2 * squares(own[0], t.floats.map(Double.init)) + 0.5 * mean(zip(own[0], other[0]).map { abs($0 - $1) })
      + 3 * squares(own[1], other[1])
    for backend in [ReferenceEngine(), CPUEngine(threadCount: 2)] as [any Backend] {
      #expect(abs(try loss(training, on: backend, x, t) - expected) < 1e-5 * expected)
    }
  }

  @Test func `classes are softened`() throws {
    let student = try network("student", hidden: 4, seed: 5), teacher = try network("teacher", hidden: 6, seed: 6)
    let x = noise(Self.input, seed: 7), temperature = 3.0
    let distillation = Distillation(
      teacher: teacher, imitation: .softenedClasses(temperature: Float(temperature)), targetWeight: 0)
    let training = try TrainingNetwork(
      student, loss: WeightedLoss(.crossEntropy), optimizer: optimizer, distillation: distillation, inputs: [Self.input])
    let own = try values(student, ["b"], x)[0], other = try values(teacher, ["b"], x)[0]
    var terms: [Double] = []
    for image in 0..<2 {
      for pixel in 0..<20 {
        func softened(_ values: [Double]) -> [Double] {
          let powers = (0..<3).map { Reference.exponential(values[(image * 3 + $0) * 20 + pixel] / temperature) }
          return powers.map { $0 / powers.reduce(0, +) }
        }
        terms.append(-zip(softened(other), softened(own)).reduce(0) { $0 + $1.0 * Reference.logarithm($1.1) })
      }
    }
    let expected = temperature * temperature * mean(terms)
    for backend in [ReferenceEngine(), CPUEngine(threadCount: 2)] as [any Backend] {
      #expect(abs(try loss(training, on: backend, x, noise([2, 3, 5, 4], seed: 8)) - expected) < 1e-5 * expected)
    }
  }

  /// By the teacher alone.
  @Test func `a student becomes like its teacher, which stays as it is`() throws {
    let student = try network("student", hidden: 6, seed: 9), teacher = try network("teacher", hidden: 6, seed: 10)
    let training = try TrainingNetwork(
      student, loss: WeightedLoss(.squaredError), optimizer: .adam,
      distillation: Distillation(teacher: teacher, imitation: .loss(.squaredError), targetWeight: 0), inputs: [Self.input])
    let model = try CPUEngine(threadCount: 1).prepare(training.network.fusing())
    let x = noise(Self.input, seed: 11), t = noise([2, 3, 5, 4], seed: 12)
    let session = try model.session(inputs: [x.shape, t.shape, [4]])
    var losses: [Float] = []
    for step in 0..<300 {
      losses.append(
        try session.run([x, t, Tensor([4], training.scheduleValues(step: step, learningRate: 0.01))])[0].floats[0])
    }
    #expect(losses[299] < losses[0] / 50)
    for (name, tensor) in teacher.parameters { #expect(model.network.parameters["teacher.\(name)"] == tensor) }
  }

  @Test func `what cannot be imitated is refused`() throws {
    let student = try network("student", hidden: 4, seed: 1), wide = try network("wide", hidden: 5, outputs: 4, seed: 2)
    func failure(_ teacher: Network, _ features: [Distillation.Feature] = [], weight: Float = 1) -> TrainingError? {
      do throws(TrainingError) {
        _ = try TrainingNetwork(
          student, loss: WeightedLoss(.squaredError), optimizer: optimizer,
          distillation: Distillation(teacher: teacher, weight: weight, features: features), inputs: [Self.input])
        return nil
      } catch {
        return error
      }
    }
    #expect(failure(wide) == .distillation(.shapes(student: "b", [2, 3, 5, 4], teacher: "b", [2, 4, 5, 4])))
    func feature(_ student: String, _ teacher: String) -> [Distillation.Feature] { [.init(student: student, teacher: teacher)] }
    #expect(
      failure(wide, feature("relu", "relu"), weight: 0)
        == .distillation(.shapes(student: "relu", [2, 4, 5, 4], teacher: "relu", [2, 5, 5, 4])))
    #expect(failure(wide, feature("c", "a"), weight: 0) == .distillation(.unknownValue(network: "student", name: "c")))
    #expect(failure(wide, feature("a", "c"), weight: 0) == .distillation(.unknownValue(network: "wide", name: "c")))
    var builder = NetworkBuilder("grey")
    builder.output(builder.convolution("a", builder.input("x", channels: 1), outChannels: 3, kernel: 3, padding: 1))
    let grey = try builder.build(.random(seed: 1))
    guard case .distillation(.input(teacher: "grey", Self.input, _))? = failure(grey) else {
      Issue.record("a teacher of other inputs")
      return
    }
    var two = grey
    two.outputs = ["a", "a"]
    #expect(failure(two) == .distillation(.notOneValue(teacher: "grey")))
  }
}
