import Execution
import Networks
import Tensors
import Transforms

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A classifier on an engine: takes pictures of equal size in batches. Not safe to use from two threads at once.
///
/// What comes out for a picture depends on it and its size alone: kernels are chosen as for a whole batch, however many there are.
final class PictureClassifier {
  let network: Network
  let contract: ClassifierContract
  private let backend: any Backend
  /// What runs: the network optimised for inference.
  private let fused: Network
  private let makesProbabilities: Bool
  private var model: (any Model)?
  private var sessions: [Shape: any Session] = [:]

  /// The most pictures of a batch.
  static let mostPictures = 64
  /// What the values of a batch may take; one picture may take more.
  private static let batchBudget = 256 << 20
  /// Sessions that are kept, for pictures of several sizes.
  private static let mostSessions = 4

  /// The contract must have been checked.
  init(_ network: Network, _ contract: ClassifierContract, backend: any Backend) {
    self.network = network
    self.contract = contract
    self.backend = backend
    fused = network.optimizedForInference()
    makesProbabilities = network.makesProbabilities
  }

  /// How many pictures of a size run at once.
  private func batchCount(_ picture: Shape) throws(EvaluationError) -> Int {
    if let fixed = network.inputs[0].axes[0] { return fixed }
    let ledger = try wrapping { () throws(NetworkError) in try fused.ledger(inputs: [picture]) }
    return min(max(Self.batchBudget / max(ledger.peakActivationByteCount, 1), 1), Self.mostPictures)
  }

  /// The probabilities of the classes for pictures `[channels, height, width]` of one size, each by itself: one whose numbers are not finite
  /// is an error of its own. Throws what is wrong with all of them.
  func probabilities(_ pictures: [Tensor]) throws(EvaluationError) -> [Result<[Double], EvaluationError>] {
    guard let first = pictures.first else { return [] }
    let single = Shape([1] + first.shape.extents)
    let most = try batchCount(single)
    var results: [Result<[Double], EvaluationError>] = []
    for start in stride(from: 0, to: pictures.count, by: most) {
      let part = pictures[start..<min(start + most, pictures.count)]
      // Where the network fixes the number, what is missing is black.
      let isFixed = network.inputs[0].axes[0] != nil
      var batch = single, whole = single
      batch[0] = isFixed ? most : part.count
      whole[0] = most
      let count = first.shape.count
      // Before memory is taken: a network may fix any number of pictures.
      let session: any Session
      do throws(ExecutionError) {
        session = try self.session(batch, whole: whole)
      } catch {
        throw .execution(network: network.name, error)
      }
      let input = Tensor(unsafeUninitialized: batch) { bytes in
        let target = bytes.bindMemory(to: Float.self)
        target.update(repeating: 0)
        for (index, picture) in part.enumerated() {
          picture.withUnsafeFloats { source in
            for i in 0..<count { target[index &* count &+ i] = source[i] }
          }
        }
      }
      let output: Tensor
      do throws(ExecutionError) {
        output = try session.run([input])[0]
      } catch {
        throw .execution(network: network.name, error)
      }
      results += part.indices.map { self.probabilities(of: output, $0 - part.startIndex) }
    }
    return results
  }

  private func session(_ batch: Shape, whole: Shape) throws(ExecutionError) -> any Session {
    if let session = sessions[batch] { return session }
    let model: any Model = if let made = self.model { made } else { try backend.prepare(fused) }
    self.model = model
    if sessions.count >= Self.mostSessions { sessions = [:] }
    let session = try model.session(inputs: [batch], kernelsFor: [whole])
    sessions[batch] = session
    return session
  }

  private func probabilities(of output: Tensor, _ picture: Int) -> Result<[Double], EvaluationError> {
    let count = contract.classes.count
    let numbers = output.withUnsafeFloats { $0[picture * count..<(picture + 1) * count].map { Double($0) } }
    guard numbers.allSatisfy(\.isFinite) else { return .failure(.notFinite(network: network.name, what: "the output")) }
    return .success(makesProbabilities ? numbers : Softmax.probabilities(numbers))
  }
}

extension Softmax {
  /// `exp(x_i - max x) / Σ exp(x_j - max x)`
  fileprivate static func probabilities(_ numbers: [Double]) -> [Double] {
    let most = numbers.max() ?? 0
    let powers = numbers.map { exp($0 - most) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
