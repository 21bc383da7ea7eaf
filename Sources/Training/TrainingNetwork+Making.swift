import Networks
import Tensors
import Transforms

/// Why a network cannot be trained.
public enum TrainingError: Error, Hashable, Sendable {
  case network(NetworkError)
  case differentiation(DifferentiationError)
  /// No parameter of the network is trained, or the loss follows from none.
  case nothingToTrain
}

extension TrainingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .network(let error): "\(error)"
    case .differentiation(let error): "\(error)"
    case .nothingToTrain: "the network has no parameter that training would change"
    }
  }
}

extension TrainingNetwork {
  /// The network that takes a step of training in each run, of a network as it was built.
  ///
  /// - Parameters:
  ///   - momentum: of the running statistics of batch norms.
  ///   - shapes: of some inputs that the network takes, which tell the axes of values.
  public init(
    _ network: Network, loss: WeightedLoss, optimizer: Optimizer, clipping: GradientClipping? = nil, momentum: Float = 0.1,
    inputs shapes: [Shape]
  ) throws(TrainingError) {
    let withLoss: NetworkWithLoss, output: Shape
    do throws(NetworkError) {
      let form = network.inTrainingForm(momentum: momentum)
      withLoss = try form.adding(loss, inputs: shapes)
      output = try form.inferredShapes(inputs: shapes)[form.outputs[0]] ?? [1]
    } catch {
      throw .network(error)
    }
    let differentiated: DifferentiatedNetwork
    do throws(DifferentiationError) {
      differentiated = try withLoss.network.differentiated(withLoss.loss, inputs: shapes + [output])
    } catch {
      throw .differentiation(error)
    }
    do throws(NetworkError) {
      self = try differentiated.trained(by: optimizer, clipping: clipping, loss: withLoss.loss)
    } catch {
      throw .network(error)
    }
    if trained.isEmpty { throw .nothingToTrain }
  }
}
