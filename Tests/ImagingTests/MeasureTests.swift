import Tensors
import Testing

@testable import Imaging

@Suite struct MeasureTests {
  /// `value` of column and row, 32x24.
  static func plane(_ value: (_ x: Int, _ y: Int) -> Double) -> Plane<Double> {
    var plane = Plane<Double>(width: 32, height: 24, repeating: 0)
    for y in 0..<24 {
      for x in 0..<32 { plane[x, y] = value(x, y) }
    }
    return plane
  }

  static let first = plane { x, y in Double((x * 7 + y * 13) % 256) }
  static let second = plane { x, y in first[x, y] * 0.8 + Double(x * y % 41) }

  @Test func structuralSimilarity() {
    let value = ImageMetric.structuralSimilarity(Self.first, Self.second)
    #expect(abs(value - Fixtures.structuralSimilarity) < 1e-9)
    let inside = ImageMetric.structuralSimilarity(Self.first, Self.second, border: 2)
    #expect(abs(inside - Fixtures.structuralSimilarityInside2) < 1e-9)
    #expect(ImageMetric.structuralSimilarity(Self.first, Self.first) == 1)
    let mean = ImageMetric.structuralSimilarity([Self.first, Self.first], [Self.first, Self.second])
    #expect(abs(mean - (1 + value) / 2) < 1e-12)
  }

  @Test func peakSignalToNoiseRatio() {
    let value = ImageMetric.peakSignalToNoiseRatio(Self.first, Self.second)
    #expect(abs(value - Fixtures.peakSignalToNoiseRatio) < 1e-9)
    #expect(ImageMetric.peakSignalToNoiseRatio(Self.first, Self.first) == .infinity)
    // An error in one of two planes only is half the mean squared difference.
    let half = ImageMetric.peakSignalToNoiseRatio([Self.first, Self.first], [Self.first, Self.second])
    let gain: Double = half - value
    #expect(abs(gain - 3.010_299_956) < 1e-8)
    var edge = Self.first
    edge[0, 5] += 9
    edge[31, 23] -= 9
    #expect(ImageMetric.peakSignalToNoiseRatio(Self.first, edge).isFinite)
    #expect(ImageMetric.peakSignalToNoiseRatio(Self.first, edge, border: 1) == .infinity)
  }

  @Test func resizeAgainstDenseMatrices() {
    let tiny = Plane<Double>(width: 5, height: 4, elements: (0..<20).map { Double($0 * 37 % 101) })
    for expected in Fixtures.resizes {
      let resized =
        expected.scale == 0
        ? tiny.resized(width: expected.width, height: expected.height) : tiny.resized(scale: expected.scale)
      let golden = Plane<Double>(width: expected.width, height: expected.height, elements: expected.elements)
      #expect(largestDifference(resized, golden) < 1e-11, "\(expected.width)x\(expected.height)")
      let single = Plane<Float>(tiny).resized(width: resized.width, height: resized.height)
      if expected.scale == 0 { #expect(largestDifference(Plane<Double>(single), golden) < 1e-4) }
    }
    #expect(tiny.resized(scale: 1) == tiny)
  }

  @Test func bandsEqualTheWhole() {
    let plane = Plane<Float>(TestChart.image(width: 61, height: 47).doublePlane(1))
    let resize = BicubicResize(width: 61, height: 47, scale: 1.7)
    let whole = resize(plane)
    for height in [1, 3, 8, 20] {
      var elements: [Float] = []
      for start in stride(from: 0, to: resize.outputHeight, by: height) {
        elements += resize.rows(start..<min(start + height, resize.outputHeight), of: plane).elements
      }
      #expect(elements == whole.elements)
    }
  }

  @Test(arguments: TestPictures.kinds) func imagesResizeChannelByChannel(image: Image) {
    let resized = image.resized(width: 21, height: 70)
    #expect(resized.hasAlpha == image.hasAlpha && resized.bitDepth == image.bitDepth)
    #expect(resized.colourModel == image.colourModel && resized.width == 21 && resized.height == 70)
    let last = image.channels - 1
    let expected = image.doublePlane(last).resized(width: 21, height: 70)
    let step = image.bitDepth == 16 ? 1 / 257.0 : 1
    for (actual, exact) in zip(resized.doublePlane(last).elements, expected.elements) {
      #expect(abs(actual - min(max(exact, 0), 255)) <= step * 0.51)
    }
  }

  @Test func lumaIsThatOfMATLAB() {
    // rgb2ycbcr of white, black, red, green and blue.
    let planes = (0..<3).map { channel in
      Plane<Double>(width: 5, height: 1, elements: [255, 0] + (0..<3).map { $0 == channel ? 255.0 : 0 })
    }
    let image = PlanarImage<Double>(colour: planes)
    let expected = [
      [235, 16, 81.481, 144.553, 40.966], [128, 128, 90.203, 53.797, 240], [128, 128, 240, 34.214, 109.786],
    ]
    let converted = image.lumaChroma
    for (plane, values) in zip(converted.colour, expected) {
      #expect(zip(plane.elements, values).allSatisfy { abs($0 - $1) < 1e-9 })
    }
    for (plane, original) in zip(converted.rgbFromLumaChroma.colour, planes) {
      #expect(largestDifference(plane, original) < 1e-9)
    }
    let grey = PlanarImage<Double>(colour: [planes[0]])
    let equal = PlanarImage<Double>(colour: [planes[0], planes[0], planes[0]])
    #expect(grey.luma == equal.luma)
  }

  @Test(arguments: TestPictures.kinds) func planesRoundTrip(image: Image) {
    #expect(Image(PlanarImage<Float>(image), bitDepth: image.bitDepth) == image)
    #expect(Image(PlanarImage<Double>(image), bitDepth: image.bitDepth) == image)
    #expect(Image(PlanarImage<Float>(image), bitDepth: 8) == image.reducedTo8Bits)
    #expect(Image(PlanarImage<Float>(image.extendedTo16Bits), bitDepth: 8) == image.reducedTo8Bits)
  }

  @Test func tensorsHoldThePlanes() {
    let planes = (0..<3).map { channel in
      Plane<Float>(width: 3, height: 2, elements: (0..<6).map { Float(10 * channel + $0) })
    }
    let tensor = Tensor(planes, scale: 2)
    #expect(tensor.shape == [1, 3, 2, 3])
    let expected: [Float] = [0, 2, 4, 6, 8, 10, 20, 22, 24, 26, 28, 30, 40, 42, 44, 46, 48, 50]
    #expect(tensor.floats == expected)
    #expect(tensor.planes(scale: 0.5) == planes)
  }

  @Test func samplesAreClippedAndRoundedToEven() {
    let values: [Float] = [-1, -0.4, 0.5, 1.5, 2.5, 254.5, 255.4, 1e30, -.infinity, .infinity, .nan, 0.499_999_97]
    let expected: [UInt8] = [0, 0, 0, 2, 2, 254, 255, 255, 0, 255, 0, 0]
    let single = PlanarImage<Float>(colour: [Plane(width: values.count, height: 1, elements: values)])
    #expect(Image(single, bitDepth: 8).samples == .uint8(expected))
    let double = PlanarImage<Double>(colour: [Plane(width: values.count, height: 1, elements: values.map(Double.init))])
    #expect(Image(double, bitDepth: 8).samples == .uint8(expected))
    let deep: [UInt16] = [0, 0, 128, 386, 642, 65406, 65535, 65535, 0, 65535, 0, 128]
    #expect(Image(single, bitDepth: 16).samples == .uint16(deep))
    #expect(Image(double, bitDepth: 16).samples == .uint16(deep))
  }
}
