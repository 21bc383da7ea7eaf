import Execution
import Files
import Networks
import Tensors
import Transforms

/// Networks timed in turn, so that what disturbs the machine disturbs all of them.
///
/// In each round every network has its turn, in an order that is drawn anew: a run that is not timed, which brings its weights back into the caches, and then
/// as many as take some milliseconds. All networks have the same input of random numbers, or integers, each as every run optimises it.
struct InterleavedTiming {
  /// One network and what runs it.
  struct Candidate {
    var network: Network
    var engine: Engine
  }

  /// What was measured of one network.
  struct Result: Hashable, Codable, Sendable {
    /// The median over the rounds, of a run.
    var seconds: Double
    /// Where that median lies in 95 of 100 such measurements.
    var leastSeconds: Double
    var mostSeconds: Double
    /// Of a run; nil where the machine does not tell.
    var joules: Double?
    /// What the session holds: values, packed weights, scratch, input and output.
    var sessionMemoryByteCount: Int
  }

  var shapes: [Shape]
  /// At least 1.
  var rounds = 9

  /// So long a turn takes at least, in seconds, where 16 runs are enough for it: clocks and counters of energy are no finer than they are.
  private static let turnSeconds = 0.005

  /// All at once, as they have their turns: throws where the machine does not hold them together, before any of them is run.
  private func sessions(_ candidates: [Candidate]) throws(EvaluationError) -> [any Session] {
    let available = MemoryLimit.current.byteCount
    var sessions: [any Session] = [], held = 0
    for candidate in candidates {
      let backend = try candidate.engine.makeBackend()
      do throws(ExecutionError) {
        let session = try backend.prepare(candidate.network.optimizedForInference(), inputs: shapes)
        held += session.peakMemoryByteCount
        guard held <= available else { throw .memory(needed: held, available: available) }
        sessions.append(session)
      } catch {
        throw .execution(network: candidate.network.name, error)
      }
    }
    return sessions
  }

  /// Throws where the machine would not hold so many forms of a network beside one another.
  func check(_ candidate: Candidate, count: Int) throws(EvaluationError) {
    let needed = try sessions([candidate])[0].peakMemoryByteCount * count, available = MemoryLimit.current.byteCount
    guard needed <= available else {
      throw .execution(network: candidate.network.name, .memory(needed: needed, available: available))
    }
  }

  func run(_ candidates: [Candidate]) throws(EvaluationError) -> [Result] {
    let sessions = try sessions(candidates)
    let inputs = candidates.map { Benchmark.randomInputs(shapes, of: $0.network) }
    var counts: [Int] = []
    for (index, candidate) in candidates.enumerated() {
      let session = sessions[index], inputs = inputs[index]
      do throws(ExecutionError) {
        let start = Machine.seconds
        let done = try WarmUp.run(2) { () throws(ExecutionError) in _ = try session.run(inputs) }
        let each = (Machine.seconds - start) / Double(max(done, 1))
        counts.append(min(max(Int((Self.turnSeconds / max(each, 1e-9)).rounded(.up)), 1), 16))
      } catch {
        throw .execution(network: candidate.network.name, error)
      }
    }
    var generator = SplitMix64(seed: 1)
    var times = candidates.map { _ in [Double]() }, joules = candidates.map { _ in 0.0 }
    let tells = Energy.joules != nil
    for _ in 0..<max(rounds, 1) {
      for index in candidates.indices.shuffled(using: &generator) {
        do throws(ExecutionError) {
          _ = try sessions[index].run(inputs[index])
          let energy = tells ? Energy.joules : nil, start = Machine.seconds
          for _ in 0..<counts[index] { _ = try sessions[index].run(inputs[index]) }
          times[index].append((Machine.seconds - start) / Double(counts[index]))
          // A counter that began anew tells nothing.
          if let energy, let now = Energy.joules { joules[index] += max(now - energy, 0) / Double(counts[index]) }
        } catch {
          throw .execution(network: candidates[index].network.name, error)
        }
      }
    }
    return candidates.indices.map { index in
      let sorted = times[index].sorted(), interval = Self.medianInterval(sorted)
      return Result(
        seconds: Benchmark.percentile(sorted, 0.5), leastSeconds: interval.lowerBound, mostSeconds: interval.upperBound,
        joules: tells ? joules[index] / Double(sorted.count) : nil,
        sessionMemoryByteCount: sessions[index].peakMemoryByteCount)
    }
  }

  /// An interval that holds the median of what sorted values are drawn from with a probability of at least 0.95, whatever their distribution is: from the
  /// k-th least to the k-th largest, k the largest with P(B < k) <= 0.025 for B of a binomial distribution of n tosses. Of fewer than 6 values, which have no
  /// such interval, all.
  ///
  /// - Source: Hahn and Meeker, Statistical Intervals, 1991, 5.2.
  static func medianInterval(_ sorted: [Double]) -> ClosedRange<Double> {
    let count = sorted.count
    var k = 0, below = 0.0, term = 1.0
    for _ in 0..<count { term /= 2 }
    // term is P(B = k).
    while 2 * (k + 1) <= count, below + term <= 0.025 {
      below += term
      term *= Double(count - k) / Double(k + 1)
      k += 1
    }
    let place = max(k - 1, 0)
    return sorted[place]...sorted[count - 1 - place]
  }
}
