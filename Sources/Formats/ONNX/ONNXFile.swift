import Files
import Networks
import ONNXProto
import SwiftProtobuf

/// ONNX models: what other programs exchange networks in.
///
/// Reading takes opset 9 to 21 and the operators that image networks are made of; writing makes opset 17. An ONNX model says nothing
/// about images, so that a network read from one has no `imageContract`.
/// Source: https://onnx.ai/onnx/repo-docs/IR.html
public enum ONNXFile {
  /// The largest file that is read, in bytes.
  public static let fileLimit = 1 << 32

  /// Whether a path is that of an ONNX model, by its extension.
  public static func isNamed(_ path: String) -> Bool { path.lowercased().hasSuffix(".onnx") }

  /// Reads a model. Weights may lie in files of their own in the same folder or below it. Throws where a weight is NaN or infinite.
  public static func read(_ path: String) throws(FormatError) -> Network {
    do throws(FormatProblem) {
      return try network(bytes: readFile(path, limit: fileLimit), path: path)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// Reads the bytes of a model whose weights all lie inside.
  public static func read(bytes: [UInt8]) throws(FormatProblem) -> Network { try network(bytes: bytes, path: nil) }

  private static func network(bytes: [UInt8], path: String?) throws(FormatProblem) -> Network {
    let model: ONNXModelProto
    do {
      model = try ONNXModelProto(serializedBytes: bytes)
    } catch BinaryDecodingError.truncated {
      throw .truncated(.onnx, part: "a message")
    } catch {
      throw .notOfFormat(.onnx)
    }
    let network = try ONNXImporter.network(model, path: path, byteCount: bytes.count)
    if let name = network.firstNonFiniteParameter { throw .notFinite(tensor: name) }
    return network
  }
}
