import Files
import Networks
import ONNXProto
import SwiftProtobuf

/// ONNX models: what other programs exchange networks in.
///
/// Reading takes opset 9 to 24 and the operators that image networks are made of; writing makes opset 17. ONNX has no words for what a network does
/// to pictures: a network's `contract` is an entry of the model's metadata, `swiftlet.contract`, and one without it has none.
/// Source: https://onnx.ai/onnx/repo-docs/IR.html
public enum ONNXFile {
  /// The largest file that is read, in bytes.
  public static let fileLimit = 1 << 32
  /// The entry of the metadata that holds the contract.
  static let contractKey = "swiftlet.contract"

  /// Whether a path is that of an ONNX model, by its extension.
  public static func isNamed(_ path: String) -> Bool { path.lowercased().hasSuffix(".onnx") }

  /// Reads a model. Weights may lie in files of their own in the same folder or below it. Inputs and outputs are called as in the file.
  /// Throws where a weight is NaN or infinite.
  public static func read(_ path: String, sizes: ONNXSizes = .declared) throws(FormatError) -> Network {
    do throws(FormatProblem) {
      return try network(bytes: FileReader.model(at: path, limit: fileLimit), path: path, sizes: sizes)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// Reads the bytes of a model whose weights all lie inside.
  public static func read(bytes: [UInt8], sizes: ONNXSizes = .declared) throws(FormatProblem) -> Network {
    try network(bytes: bytes, path: nil, sizes: sizes)
  }

  /// Writes the network, its batch, height and width open, whole or not at all; the same network gives the same bytes.
  ///
  /// The values have the names of the nodes and the tensors those of the parameters, so that a model that is read again has the
  /// same names where each node is one operator.
  public static func write(_ network: Network, to path: String) throws(FormatError) {
    do throws(FormatProblem) {
      let bytes = try bytes(of: network)
      do throws(FileError) { try AtomicFile.write(bytes, to: path) } catch { throw FormatProblem.file(error) }
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// The bytes of the file. Throws where the network has no form in ONNX, or is larger than the 2 GiB that ONNX files can be.
  public static func bytes(of network: Network) throws(FormatProblem) -> [UInt8] {
    guard network.parameters.values.reduce(0, { $0 + $1.byteCount }) < ONNXExporter.byteLimit - (1 << 24) else {
      throw .limit(.onnx, part: "its parameters", limit: ONNXExporter.byteLimit)
    }
    let model = try ONNXExporter.model(of: network)
    do { return try model.serializedBytes() } catch { throw .limit(.onnx, part: "its size", limit: ONNXExporter.byteLimit) }
  }

  private static func network(bytes: [UInt8], path: String?, sizes: ONNXSizes) throws(FormatProblem) -> Network {
    let model: ONNXModelProto
    do {
      model = try ONNXModelProto(serializedBytes: bytes)
    } catch BinaryDecodingError.truncated {
      throw .truncated(.onnx, part: "a message")
    } catch {
      throw .notOfFormat(.onnx)
    }
    if let path { try claimExternalData(of: model, path) }
    var network = try ONNXImporter.network(model, path: path, sizes: sizes, byteCount: bytes.count)
    if let entry = model.metadataProps.last(where: { $0.key == contractKey }),
      let contract = PictureContract(json: entry.value)
    {
      // Who changed the file may have left it as it was.
      let plain = network
      network.contract = contract
      do throws(NetworkError) { try network.verify() } catch { network = plain }
    }
    if let name = network.firstNonFiniteParameter { throw .notFinite(tensor: name) }
    return network
  }

  /// Claims the files beside the model that hold its data, of tensors that nothing needs, too.
  private static func claimExternalData(of model: ONNXModelProto, _ path: String) throws(FormatProblem) {
    let tensors = model.graph.initializer + model.graph.node.flatMap { $0.attribute.map(\.t) }
    let locations = Set(tensors.lazy.flatMap(\.externalData).filter { $0.key == "location" }.map(\.value))
    do throws(FileError) {
      for location in locations {
        if let sibling = SiblingFile.path(of: location, beside: path) { try FileClaims.reads(sibling) }
      }
    } catch {
      throw .file(error)
    }
  }
}
