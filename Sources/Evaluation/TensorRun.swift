import Execution
import Files
import Formats
import Networks
import Tensors
import Transforms

/// One run of a network on tensors from files.
public struct TensorRun: Hashable, Codable, Sendable {
  /// An input or an output of the network, and where it lies.
  public struct File: Hashable, Codable, Sendable {
    public var name: String
    public var path: String
    public var shape: Shape
  }

  public var model: String
  public var inputs: [File]
  public var outputs: [File]
  /// Of the run, preparation not counted.
  public var seconds: Double

  /// Reads an .npy file for each input of the network of any number type, or of the input's where that is of integers, runs the network in float32, and writes
  /// an .npy file for each output.
  ///
  /// - Parameters:
  ///   - model: what the report calls the network: the name or the path that it came from. The file there is never written.
  ///   - inputs: in the order of the network's inputs; `-` is standard input.
  ///   - outputs: in the order of the network's outputs, `-` being standard output; or one folder, which need not exist, for a
  ///     file of each output's name. Where the network has one output, a path is a folder when it ends in `/` or is one.
  public init(
    _ network: Network, model: String, inputs: [String], outputs: [String], engine: Engine
  ) throws(EvaluationError) {
    self = try FileClaims.together { () throws(EvaluationError) in
      try Self(claiming: network, model: model, inputs: inputs, outputs: outputs, engine: engine)
    }
  }

  private init(
    claiming network: Network, model: String, inputs inputPaths: [String], outputs: [String], engine: Engine
  ) throws(EvaluationError) {
    guard network.inputs.count == inputPaths.count else {
      throw .inputFiles(network: network.name, names: network.inputs.map(\.name), given: inputPaths.count)
    }
    let (folder, outputPaths) = try Self.outputPaths(outputs, of: network)
    try wrapping { () throws(FileError) in
      for path in [model] + inputPaths { try FileClaims.reads(path) }
      for (index, path) in outputPaths.enumerated() {
        try FileClaims.writes(path, for: Self.purpose(index))
        if folder == nil || folder.map(Folder.exists) == true, path != "-" { try Folder.checkWritable(path) }
      }
    }
    for path in outputPaths where folder == nil { try Folder.checkExtension(path, in: [".npy"]) }
    // Before any of them is read: else the network would be blamed for what is wrong with a file.
    if inputPaths.count == 1, inputPaths[0] != "-" { _ = try network.inputShape(ofArray: inputPaths[0]) }
    var tensors: [Tensor] = []
    for (path, input) in zip(inputPaths, network.inputs) {
      tensors.append(
        try wrapping { () throws(FormatError) in
          // Integers stay what they are: what a number stands for is the network's to say.
          if input.element != .float32 { return try NPYFile.read(path, element: input.element) }
          return try NPYFile.readFloats(path, shape: input.isAnyImage ? input.axes : nil)
        })
      // Else the model would be blamed for what comes of them.
      if let tensor = tensors.last, !tensor.largestMagnitude.isFinite { throw .inputNotFinite(path: path) }
    }
    let backend = try engine.makeBackend()
    let results: [Tensor]
    do throws(ExecutionError) {
      let session = try backend.prepare(network.optimizedForInference(), inputs: tensors.map(\.shape))
      let start = Machine.seconds
      results = try session.run(tensors)
      seconds = Machine.seconds - start
    } catch {
      throw .execution(network: network.name, error)
    }
    for (name, result) in zip(network.outputs, results) where !result.largestMagnitude.isFinite {
      let largest = tensors.indices.max { tensors[$0].largestMagnitude < tensors[$1].largestMagnitude } ?? 0
      throw .notFinite(
        of: tensors[largest], path: inputPaths[largest], network: network.name,
        what: results.count == 1 ? "the output" : "the output '\(name.onOneLine)'")
    }
    if let folder { try wrapping { () throws(FileError) in try Folder.create(folder) } }
    for (path, result) in zip(outputPaths, results) {
      try wrapping { () throws(FormatError) in try NPYFile.write(result, to: path) }
    }
    self.model = model
    self.inputs = zip(network.inputs, zip(inputPaths, tensors)).map { File(name: $0.name, path: $1.0, shape: $1.1.shape) }
    self.outputs = zip(network.outputs, zip(outputPaths, results)).map { File(name: $0, path: $1.0, shape: $1.1.shape) }
  }

  /// Under which an output is claimed.
  package static func purpose(_ index: Int) -> String { "output \(index + 1)" }

  /// A file for each output of the network, and the folder that they lie in where one was named.
  private static func outputPaths(
    _ paths: [String], of network: Network
  ) throws(EvaluationError) -> (folder: String?, files: [String]) {
    if paths.count == 1, let path = paths.first, path != "-" {
      // A name that ends as a file does is none of a folder.
      let isMeant = network.outputs.count > 1 && !path.lowercased().hasSuffix(".npy") && !Folder.fileExists(path)
      if path.hasSuffix("/") || Folder.exists(path) || isMeant {
        return (path, fileNames(of: network.outputs).map { Folder.joined(path, "\($0).npy") })
      }
    }
    guard paths.count == network.outputs.count else {
      throw .outputFiles(network: network.name, names: network.outputs, given: paths.count)
    }
    return (nil, paths)
  }

  /// Values' names as names of files: what no file system takes, or reads as more than a name, becomes `_`; no two are one where
  /// capitals do not count.
  static func fileNames(of values: [String]) -> [String] {
    var taken: Set<String> = []
    return values.map { value in
      var stem = String(
        String.UnicodeScalarView(
          value.unicodeScalars.prefix(60).map { scalar -> Unicode.Scalar in
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            return isPlain || "-_.".unicodeScalars.contains(scalar) ? scalar : "_"
          }))
      if stem.isEmpty || stem.hasPrefix(".") || stem.hasPrefix("-") { stem = "_" + stem }
      var name = stem, number = 2
      while !taken.insert(name.lowercased()).inserted {
        name = "\(stem)-\(number)"
        number += 1
      }
      return name
    }
  }
}
