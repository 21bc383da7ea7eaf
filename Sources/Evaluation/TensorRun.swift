import Execution
import Formats
import Networks
import Tensors
import Transforms

/// One run of a network on a tensor from a file.
public struct TensorRun: Hashable, Codable, Sendable {
  public var model: String
  public var input: Shape
  public var output: Shape
  /// Of the run, preparation not counted.
  public var seconds: Double

  /// Reads an .npy file of any number type, runs the network in float32, and writes what comes out.
  public init(
    _ network: Network, model: String, input inputPath: String, output outputPath: String, engine: EngineOptions
  ) throws(EvaluationError) {
    guard network.inputs.count == 1, network.outputs.count == 1 else {
      throw .contract(
        network: network.name, reason: "it has \(network.inputs.count) inputs and \(network.outputs.count) outputs")
    }
    try ModelLibrary.checkOutput(outputPath, isNot: model)
    if let identity = Folder.identity(outputPath), identity == Folder.identity(inputPath) {
      throw .outputIsTensor(path: outputPath)
    }
    let tensor = try wrapping { () throws(FormatError) in
      try NPYFile.readFloats(inputPath, shape: network.inputs[0].isAnyImage ? network.inputs[0].axes : nil)
    }
    let backend = try makeEngine(engine)
    let result: Tensor
    do throws(ExecutionError) {
      let session = try backend.prepare(network.optimizedForInference(), inputs: [tensor.shape])
      let start = Machine.seconds
      result = try session.run([tensor])[0]
      seconds = Machine.seconds - start
    } catch {
      throw .execution(network: network.name, error)
    }
    guard result.withUnsafeFloats({ $0.allSatisfy(\.isFinite) }) else {
      throw .notFinite(network: network.name, what: "the output")
    }
    try wrapping { () throws(FormatError) in try NPYFile.write(result, to: outputPath) }
    self.model = model
    input = tensor.shape
    output = result.shape
  }
}
