import Networks
import Tensors

extension NetworkGenerator {
  /// Gradients and other parts of training, as a training network has them: of a value and of what an operation makes of it.
  mutating func addTraining() {
    guard let x = image() else { return }
    let channels = x.shape.channels
    func made(_ operation: TrainingOperation, _ inputs: [Value]) { add(.training(operation), inputs) }
    switch choices.below(9) {
    case 0:
      let functions: [ActivationFunction] = [
        .relu, .relu, .leakyReLU(slope: 0.1), .clip(minimum: -0.5, maximum: 1), .sigmoid, .tanh, .hardSwish, .gelu, .silu,
        .softplus,
        .elu(alpha: 1.5), .softsign, .sine,
      ]
      let g = partner(where: { $0 == x.shape }) ?? x
      made(.activationGradient(ActivationGradient(choices.pick(functions))), [g, x])
    case 1:
      let epsilon: Float = 0.1
      guard
        let moments = add(
          .training(.batchNormalization(BatchNormalization(.moments, channels: channels, epsilon: epsilon))), [x])
      else { return }
      made(.batchNormalization(BatchNormalization(.output, channels: channels, epsilon: epsilon)), [x, moments])
    case 2:
      let pool = pool()
      guard let y = add(.maximumPool(pool), [x]) else { return }
      if choices.oneIn(2) {
        made(.maximumPoolGradient(MaximumPoolGradient(pool)), [y, x])
      } else {
        let other = partner(where: { $0 == x.shape }) ?? x
        made(.maximumPoolGradient(MaximumPoolGradient(pool, epilogue: Epilogue([.add]))), [y, x, other])
      }
    case 3:
      let pool = pool()
      if let y = add(.averagePool(pool), [x]) { made(.adjoint(Adjoint(.averagePool(pool))), [y, x]) }
    case 4:
      let reduction = Reduction(choices.pick([.mean, .sum]), axes: [choices.within(1...3)], keepsAxes: choices.oneIn(2))
      if let y = add(.reduction(reduction), [x]) { made(.adjoint(Adjoint(.reduction(reduction))), [y, x]) }
    case 5: if let sum = add(.training(.channelSum), [x]) { made(.channelProduct, [x, sum]) }
    case 6:
      let depthwise = choices.oneIn(3)
      let convolution = Convolution(
        inChannels: channels, outChannels: depthwise ? channels : choices.pick([3, 8, 16, 20]),
        kernel: Pair(choices.pick([1, 3, 3, 5])), stride: Pair(choices.within(1...2)), padding: Padding(choices.within(0...2)),
        groups: depthwise ? channels : 1, hasBias: false)
      if let y = add(.convolution(convolution), [x]) {
        made(.convolutionProduct(ConvolutionProduct(.weightGradient, of: convolution)), [x, y])
      }
    case 7:
      if let y = add(.scale(Scale(factor: choices.pick([1, 8, 100]))), [x]) {
        made(.fakeQuantize(FakeQuantize(minimum: -choices.below(200), maximum: choices.below(200))), [y])
      }
    default:
      let pad = Pad(Padding(choices.within(0...2)), mode: choices.pick([.constant, .edge, .reflect]))
      if let y = add(.pad(pad), [x]) { made(.adjoint(Adjoint(.pad(pad))), [y, x]) }
    }
  }
}
