import Files

extension ModelQuantization: TextReport {
  /// The table by layers, and what is lost in all.
  public var report: ReportText {
    let isMeasured = layers.contains { $0.loss != nil || $0.signalToError != nil }
    var table = TextTable(
      ["layer", "products", "stored", "scale", "zero"]
        + (isMeasured ? [float == nil ? "signal to error alone [dB]" : "lost alone [dB]"] : []))
    for layer in layers {
      var row = [
        layer.name, layer.products, layer.stored, layer.scale.map { TextFormat.significant(Double($0), 4) } ?? "",
        layer.zeroPoint.map(String.init) ?? "",
      ]
      if isMeasured {
        row.append(layer.loss.map { TextFormat.fixed($0, 4) } ?? layer.signalToError.map { TextFormat.fixed($0, 2) } ?? "")
      }
      table.append(row)
    }
    let count = layers.count { $0.products == "integers" }
    var text: ReportText =
      "\(model.onOneLine): \(network.onOneLine), ranges \(ranges) of \(sampleCount) samples, rounded \(rounding == .nearest ? "to the nearest" : "adaptively"), measured by \(engine)\n\n\(table)\n"
    text +=
      "\(count) of \(layers.count) layers sum integers; parameters \(TextFormat.bytes(parameterBytesBefore)) -> \(TextFormat.bytes(parameterBytesAfter))\n"
    if let float, let loss {
      text +=
        "\(measure): float32 \(TextFormat.fixed(float, 3)) dB, integers \(TextFormat.fixed(integers, 3)) dB, \(Self.change(loss, "lost", "gained"))\n"
      let at = scales.map { " at scale \($0.map(String.init).joined(separator: ", "))" } ?? ""
      text +=
        "the PSNR is of all that leaves the network for \(sampleCount) \(sampleCount == 1 ? "piece" : "pieces") of pictures\(at), edges included; by the protocols of papers 'swiftlet eval' measures\n"
    } else {
      text += "\(measure): \(TextFormat.fixed(integers, 2)) dB of what float32 makes\n"
    }
    if let gain = residualGain {
      text +=
        residual == .float32
        ? "sums of two values stay float32, which \(Self.change(gain, "gains", "loses")) over integers\n"
        : "sums of two values are integers; float32 ones (--residual float32) would \(Self.change(gain, "gain", "lose"))\n"
    }
    if let firstLoss {
      let isOfIntegers = firstLoss < (float == nil ? Options.mostFirstError : Options.mostFirstLoss)
      text +=
        isOfIntegers
        ? "the first layers sum integers, too, which \(Self.change(firstLoss, "loses", "gains")) of \(measure)\n"
        : "the first layers stay float32; integers (--first) would \(Self.change(firstLoss, "lose", "gain")) of \(measure)\n"
    }
    if floatPrecision == .bfloat16, layers.contains(where: { $0.products == "bfloat16" }) {
      text += "its other layers are faster in bfloat16, and it was measured so: run it with --precision bfloat16\n"
    }
    if let timing { text += "\(timing.text)" }
    if let notTimed { text += "not timed: \(notTimed)\n" }
    if let output { text += "written to \(output.onOneLine)\n" }
    return text
  }
  /// `loses 0.031 dB`: the verb of what is above 0, or the other of what is below; of what is told as 0 the former.
  private static func change(_ decibels: Double, _ verb: String, _ other: String) -> String {
    let amount = TextFormat.fixed(abs(decibels), 3)
    return "\(decibels < 0 && amount.contains { $0 != "0" && $0 != "." } ? other : verb) \(amount) dB"
  }
}
