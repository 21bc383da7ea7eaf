import Imaging

/// Classes of pixels as colours over a picture.
enum SegmentOverlay {
  /// Of class 1 on; 0 is background and stays. Those of Okabe and Ito, which people of all kinds of sight tell apart, then hues that lie
  /// far from each other.
  static func colour(_ label: Int) -> SIMD3<Float> {
    let known: [SIMD3<Float>] = [
      [230, 97, 0], [0, 158, 115], [86, 180, 233], [240, 228, 66], [204, 121, 167], [0, 114, 178], [213, 20, 60],
      [153, 153, 255],
    ]
    if label <= known.count { return known[label - 1] }
    // Steps of the golden section never come back near where they were.
    let hue = (Float(label) * 0.618034).truncatingRemainder(dividingBy: 1) * 6
    func part(_ shift: Float) -> Float {
      let place = (shift + hue).truncatingRemainder(dividingBy: 6)
      return 255 * (1 - max(0, min(place, 4 - place, 1)))
    }
    return SIMD3(part(5), part(3), part(1))
  }

  /// The picture, its colours pale, with those of the classes over it and lines where they meet.
  ///
  /// - Parameter labels: the class of each pixel.
  static func image(_ image: Image, labels: [UInt8]) -> Image {
    let (width, height) = (image.width, image.height)
    let colours = (0..<image.colourModel.channels).map { image.floatPlane($0).elements }
    let (green, blue) = colours.count == 3 ? (1, 2) : (0, 0)
    // As wide as can be seen in a picture that is shown on a screen.
    let reach = max(1, max(width, height) / 1000)
    let table = (1...255).map { colour($0) }
    var samples = [UInt8](repeating: 0, count: 3 * width * height)
    for y in 0..<height {
      for x in 0..<width {
        let place = y * width + x, label = labels[place]
        var photo = SIMD3(colours[0][place], colours[green][place], colours[blue][place])
        if label > 0 {
          let isEdge =
            labels[y * width + max(x - reach, 0)] != label || labels[y * width + min(x + reach, width - 1)] != label
            || labels[max(y - reach, 0) * width + x] != label || labels[min(y + reach, height - 1) * width + x] != label
          let tint = table[Int(label) - 1], share: Float = isEdge ? 0.9 : 0.4
          // Colours of the picture beside those of classes would be taken for such.
          let grey = 0.299 * photo[0] + 0.587 * photo[1] + 0.114 * photo[2]
          photo = (1 - share) / 2 * (photo + grey) + share * tint
        }
        let rounded = SIMD3<UInt8>(
          truncatingIfNeeded: SIMD3<Int32>(
            photo.rounded(.toNearestOrEven).clamped(lowerBound: SIMD3(), upperBound: SIMD3(repeating: 255))))
        for c in 0..<3 { samples[3 * place + c] = rounded[c] }
      }
    }
    return Image(width: width, height: height, colourModel: .rgb, samples: .uint8(samples))
  }
}
