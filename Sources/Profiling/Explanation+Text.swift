import Evaluation
import Tensors

extension Explanation {
  /// The sentences for people: one paragraph a layer, then the whole.
  public var text: String {
    var text = heading + "\n"
    for layer in layers { text += layer.text + "\n" }
    return text + "\n" + summary
  }

  private var summary: String {
    var text =
      "In all \(Self.ms(Double(nanoseconds))); kernels at their roofs would take \(Self.ms(Double(idealNanoseconds))). "
    text += "Between the layers the engine spends \(Self.ms(Double(engineNanoseconds))).\n"
    let gains = layers.enumerated().map { (gain: $1.nanoseconds - $1.idealNanoseconds, index: $0) }
      .filter { $0.gain * 50 > nanoseconds }.sorted { ($0.gain, $1.index) > ($1.gain, $0.index) }
    if gains.isEmpty { return text + "No single layer has much to gain.\n" }
    let best = gains.prefix(3).map { "\(layers[$0.index].name) (\(Self.ms(Double($0.gain))))" }
    return text + "Most is to be gained in \(best.joined(separator: ", ")).\n"
  }
}

extension Explanation.Layer {
  /// `body.0.a, convolution + relu: 2.31 ms, an ideal kernel 1.90 ms; bound by …. To change: ….`
  public var text: String {
    let times = "\(Explanation.ms(Double(nanoseconds))), an ideal kernel \(Explanation.ms(Double(idealNanoseconds)))"
    return "\(name), \(operation): \(times); \(reason).\(change.map { " To change: \($0)." } ?? "")"
  }
}

extension Shape {
  /// The channels of an image, else the last extent.
  var imageChannels: Int { isImage ? channels : extents.last ?? 1 }
}
