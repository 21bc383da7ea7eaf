import Execution
import Files
import Networks
import Tensors

extension Network {
  /// Throws where the values of a run alone need more memory than there is, before anything is run.
  package func checkMemory(input: Shape, limit: Int = MemoryLimit.current.byteCount) throws(EvaluationError) {
    let ledger = try wrapping { () throws(NetworkError) in try self.ledger(inputs: [input]) }
    guard ledger.peakActivationByteCount <= limit else {
      throw .execution(network: name, .memory(needed: ledger.peakActivationByteCount, available: limit))
    }
  }
}
