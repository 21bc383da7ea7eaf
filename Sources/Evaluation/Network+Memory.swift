import Execution
import Files
import Formats
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

  /// The shape of an .npy file's array, which is taken as the network's one input. Throws, and names the file, where the network takes no such
  /// array, or where a run of it needs more memory than there is; no element is read.
  func inputShape(ofArray path: String) throws(EvaluationError) -> Shape {
    let shape = try wrapping { () throws(FormatError) in
      try NPYFile.shape(of: path, expecting: inputs[0].isAnyImage ? inputs[0].axes : nil)
    }
    do throws(EvaluationError) {
      try checkMemory(input: shape)
    } catch {
      throw .inputArray(path: path, reason: error.description)
    }
    return shape
  }
}
