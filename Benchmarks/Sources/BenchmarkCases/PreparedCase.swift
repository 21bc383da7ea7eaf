import Swiftlet

/// A case with its session and an input of random numbers.
public final class PreparedCase {
  private let session: any TimingSession
  private let input: Tensor

  public enum Failure: Error { case engineTimesNoSteps }

  public init(_ subject: BenchmarkCase, _ instructionSet: InstructionSet, threadCount: Int) throws {
    let engine = CPUEngine(instructionSet: instructionSet, threadCount: threadCount)
    guard let session = try engine.prepare(subject.network, inputs: [subject.input]) as? any TimingSession else {
      throw Failure.engineTimesNoSteps
    }
    self.session = session
    var generator = SplitMix64(seed: 2)
    input = Tensor(subject.input, (0..<subject.input.count).map { _ in generator.nextUnit() })
  }

  /// One run; the outputs, so that the caller can keep them from being optimised away.
  public func run() throws -> [Tensor] { try session.run([input]) }

  /// One run of a network of one layer: the nanoseconds of its kernels alone, and their names.
  ///
  /// Inside a network neighbouring layers agree on a layout; a network of one layer must copy its input from planes and its
  /// output back to them, and those copies are left out.
  public func runLayer() throws -> (nanoseconds: Int, kernels: [String]) {
    let timeline = try session.timedRun([input]).timeline
    let steps = zip(timeline.steps, timeline.timings).filter { !$0.0.isCopy }.map(\.1)
    return (steps.reduce(0) { $0 + $1.nanoseconds }, steps.flatMap(\.kernels))
  }
}
