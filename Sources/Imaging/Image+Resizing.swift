extension Image {
  /// The image, alpha included, scaled by bicubic interpolation as MATLAB's `imresize` does; see `BicubicResize`.
  ///
  /// Computed in single precision in bands of rows, so that beside input and output only the input's planes and a band are
  /// held.
  public func resized(width newWidth: Int, height newHeight: Int) -> Image {
    resized(by: BicubicResize(width: width, height: height, toWidth: newWidth, toHeight: newHeight))
  }

  /// The image, alpha included, with both sides scaled by `scale` and rounded up.
  public func resized(scale: Double) -> Image { resized(by: BicubicResize(width: width, height: height, scale: scale)) }

  private func resized(by resize: BicubicResize) -> Image {
    let planes = (0..<channels).map { floatPlane($0) }
    let bandHeight = 64
    let count = resize.outputWidth * resize.outputHeight * channels
    var bytes: [UInt8] = []
    var words: [UInt16] = []
    if bitDepth == 16 { words.reserveCapacity(count) } else { bytes.reserveCapacity(count) }
    for start in stride(from: 0, to: resize.outputHeight, by: bandHeight) {
      let rows = start..<min(start + bandHeight, resize.outputHeight)
      let band = planes.map { resize.rows(rows, of: $0) }
      let alpha = hasAlpha ? band.last : nil
      let part = Image(PlanarImage(colour: Array(band.prefix(colourModel.channels)), alpha: alpha), bitDepth: bitDepth)
      switch part.samples {
      case .uint8(let values): bytes += values
      case .uint16(let values): words += values
      }
    }
    return Image(
      width: resize.outputWidth, height: resize.outputHeight, colourModel: colourModel, hasAlpha: hasAlpha,
      samples: bitDepth == 16 ? .uint16(words) : .uint8(bytes), metadata: metadata)
  }
}
