import Files
import Tensors

/// Why a network is no network, or does not fit its inputs.
public enum NetworkError: Error, Hashable, Sendable {
  case noInputs
  case noOutputs
  case emptyName
  case duplicateName(String)
  /// The axes of an input are not those of a value.
  case inputAxes(input: String, reason: String)
  /// The node reads a value that no input and no node before it makes.
  case unknownValue(String, node: String)
  case unknownOutput(String)
  case operandCount(node: String, operation: String, expected: ClosedRange<Int>, got: Int)
  case attribute(node: String, operation: String, reason: String)
  case missingParameter(String, type: ValueType)
  case parameterShape(String, expected: Shape, got: Shape)
  case parameterType(String, expected: DataType, got: DataType)
  /// An integer that is not within those that the node takes.
  case parameterValue(String, Int, ClosedRange<Int>)
  /// A number that is neither 0 nor within those that the node takes.
  case parameterNumber(String, Float, ClosedRange<Float>)
  /// No node owns it. `node` is the one it is named after, where there is one, `owned` what that owns.
  case unknownParameter(String, node: String?, owned: [String])
  /// An update of what is no parameter.
  case unknownUpdate(String)
  case updatedTwice(String)
  case unknownUpdateValue(String, parameter: String)
  case updateType(parameter: String, expected: ValueType, value: String, got: ValueType)
  /// The shapes given do not match the inputs in number.
  case inputCount(expected: Int, got: Int)
  case inputShape(NetworkInput, got: Shape)
  /// Two axes of one name differ.
  case inputExtents(axis: String, NetworkInput, Shape, NetworkInput, Shape)
  case shape(node: String, operation: String, reason: String)
  /// The same, where inputs a little smaller or larger would fit: `fitting` holds the shapes of the inputs for one or both.
  case inputSize(node: String, operation: String, reason: String, fitting: [[Shape]])
  /// What the network says that it does to pictures is not possible.
  case contract(String)
  case unknownOperation(String)
  /// A description has a field that this version does not know; `of` is whose, for people.
  case unknownField(String, of: String)
  /// The JSON form does not describe a network.
  case invalidDescription(String)
}

extension NetworkError: CustomStringConvertible {
  /// One line; names come from files.
  public var description: String { text.escapingControls }

  private var text: String {
    switch self {
    case .noInputs: "the network has no inputs"
    case .noOutputs: "the network has no outputs"
    case .emptyName: "an input or node of the network has no name"
    case .duplicateName(let name): "two values of the network are called '\(name)'; names must be unique"
    case .inputAxes(let input, let reason): "the input '\(input)' \(reason)"
    case .unknownValue(let value, let node):
      "the node '\(node)' reads '\(value)', which is no input of the network, no parameter and no node before it"
    case .unknownOutput(let name): "the output '\(name)' is no value of the network"
    case .operandCount(let node, let operation, let expected, let got):
      "the node '\(node)' (\(operation)) takes \(expected.text) inputs and gets \(got)"
    case .attribute(let node, let operation, let reason): "the node '\(node)' (\(operation)) is invalid: \(reason)"
    case .missingParameter(let name, let type): "the parameter '\(name)' (\(type)) is missing"
    case .parameterShape(let name, let expected, let got): "the parameter '\(name)' is \(got) and must be \(expected)"
    case .parameterType(let name, let expected, let got):
      "the parameter '\(name)' holds \(got.rawValue) and must hold \(expected.rawValue)"
    case .parameterValue(let name, let value, let values):
      "the parameter '\(name)' holds \(value), which is not in \(values.lowerBound)...\(values.upperBound)"
    case .parameterNumber(let name, let number, let numbers):
      "the parameter '\(name)' holds \(number), which is neither 0 nor within \(numbers.lowerBound) and \(numbers.upperBound)"
    case .unknownParameter(let name, nil, _): "the parameter '\(name)' belongs to no node of the network"
    case .unknownParameter(let name, let node?, let owned):
      "the parameter '\(name)' is none of the node '\(node)', which has "
        + (owned.isEmpty ? "none" : owned.map { "'\($0)'" }.joined(separator: ", "))
    case .unknownUpdate(let name): "an update changes '\(name)', which is no parameter of a node"
    case .updatedTwice(let name): "two updates change the parameter '\(name)'; one may"
    case .unknownUpdateValue(let value, let parameter):
      "the update of '\(parameter)' takes '\(value)', which is no value of the network"
    case .updateType(let parameter, let expected, let value, let got):
      "the update of '\(parameter)' (\(expected)) takes '\(value)', which is \(got)"
    case .inputCount(let expected, let got): "the network has \(expected) inputs and gets \(got) shapes"
    case .inputShape(let input, let got):
      // Axes that fit are no fault of the model's: then the shape is none that any value may have.
      if input.accepts(got), let fault = got.valueFault {
        "the input '\(input.name)' is \(got) and \(fault), whatever the model; give one "
          + (got.extents.contains(0) ? "whose extents are 1 or more" : "that is smaller")
      } else {
        "the input '\(input.name)' is \(got) and must be \(input.axesText)" + (input.mend(for: got).map { "; \($0)" } ?? "")
      }
    case .inputExtents(let axis, let first, let shape, let second, let other):
      "the inputs '\(first.name)' \(shape) and '\(second.name)' \(other) differ in their '\(axis)', which must be one extent"
    case .shape(let node, let operation, let reason): "the node '\(node)' (\(operation)) does not fit its inputs: \(reason)"
    case .inputSize(let node, let operation, let reason, let fitting):
      "the node '\(node)' (\(operation)) does not fit its inputs: \(reason); the nearest inputs of the network that fit: "
        + fitting.map { $0.map(\.description).joined(separator: ", ") }.joined(separator: " or ")
    case .contract(let reason): "the contract of the network is invalid: \(reason)"
    case .unknownOperation(let type): "the operation '\(type)' is not known to this version; update swiftlet"
    case .unknownField(let name, let owner):
      "\(owner) has a field '\(name)', which is not known to this version; update swiftlet"
    case .invalidDescription(let reason): "the network description is invalid: \(reason)"
    }
  }
}

extension NetworkInput {
  /// What opens the model to the shape, where only its size, or the number of images, is another one.
  fileprivate func mend(for shape: Shape) -> String? {
    guard axes.count == 4, shape.isImage, valueIsTaken(shape) else { return nil }
    return
      "the model is made for this size; 'swiftlet convert --any-size' opens an ONNX model to others where its nodes allow it"
  }

  private func valueIsTaken(_ shape: Shape) -> Bool { channels == nil || channels == shape.channels }
}
