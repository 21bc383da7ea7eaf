import Execution
import Files
import Imaging
import Networks
import Tensors

/// Why a network could not be used on images. Rendered in `EvaluationError+Text.swift`.
public enum EvaluationError: Error, Hashable, Sendable {
  case noImageContract(network: String)
  case contract(network: String, reason: String)
  case scale(Double)
  /// The output would have more pixels than any format and memory can hold.
  case outputTooLarge(width: Int, height: Int, limit: Int)
  case notTileable(network: String)
  case memoryLimit(limit: Int, needed: Int)
  case instructionSet(name: String, available: [String])
  case execution(network: String, ExecutionError)
  case network(NetworkError)
  /// A parameter or an output holds a NaN or an infinity.
  case notFinite(network: String, what: String)
  /// The network made one colour of a picture that had more.
  case constantOutput(network: String, isBlack: Bool)
  case unknownModel(name: String, known: [String])
  case model(path: String, reason: String)
  case noPictures(folder: String)
  case pictureTooSmall(name: String, width: Int, height: Int, scale: Int)
  case scaleNotOffered(network: String, scale: Int, offered: Int)
  case image(ImageError)
  case file(FileError)
}
