import Imaging
import Tensors
import Testing

@testable import Training

@Suite struct DegradationTests {
  private func plane(_ image: Image) -> [Plane<Float>] { image.colourPlanes }

  @Test(arguments: ["blur:0.2-1.5", "noise:0-5", "jpeg:40-95", "blur:1", "noise:2.5", "jpeg:75"]) func textAndBack(text: String)
  {
    #expect(Degradation(text)?.description == text)
  }

  @Test(arguments: [
    "", "blur", "blur:", "blur:-1", "blur:2-1", "blur:nan", "blur:11", "noise:0-256", "noise:inf", "jpeg:0-10", "jpeg:50-101",
    "jpeg:1.5", "jpeg:1-2-3", "fog:1",
  ])
  func textThatIsNone(text: String) { #expect(Degradation(text) == nil) }

  @Test func blurIsAGaussianOfUnitSum() throws {
    var generator = SplitMix64(seed: 1)
    var point = Plane<Float>(width: 15, height: 15, repeating: 0)
    point[7, 7] = 100
    let blurred = try Degradation.blur(1.5...1.5).apply(to: [point], using: &generator)[0]
    #expect(abs(blurred.elements.reduce(0, +) - 100) < 1e-3)
    // Values of exp(-r^2 / (2 s^2)), relative to the middle.
    for (x, y, square) in [(8, 7, 1.0), (7, 9, 4), (9, 9, 8), (5, 8, 5)] {
      let expected = expGaussian(square, sigma: 1.5)
      #expect(abs(Double(blurred[x, y] / blurred[7, 7]) - expected) < 1e-5)
    }
    // Borders are mirrored: one colour stays one.
    let flat = try Degradation.blur(2...2).apply(to: [Plane(width: 3, height: 2, repeating: 77)], using: &generator)[0]
    #expect(flat.elements.allSatisfy { abs($0 - 77) < 1e-4 })
    #expect(try Degradation.blur(0...0).apply(to: [point], using: &generator) == [point])
  }

  /// exp(-square / (2 sigma^2)) by its series.
  private func expGaussian(_ square: Double, sigma: Double) -> Double {
    let x = -square / (2 * sigma * sigma)
    var (term, sum) = (1.0, 1.0)
    for n in 1..<40 {
      term *= x / Double(n)
      sum += term
    }
    return sum
  }

  @Test func noiseHasItsDeviationAndNoMean() throws {
    var generator = SplitMix64(seed: 2)
    let grey = Plane<Float>(width: 100, height: 100, repeating: 100)
    let noisy = try Degradation.noise(5...5).apply(to: [grey, grey], using: &generator)
    #expect(noisy[0] != noisy[1])
    for plane in noisy {
      let differences = plane.elements.map { Double($0) - 100 }
      #expect(abs(differences.reduce(0, +) / 10_000) < 5 * 0.05)
      #expect(abs(differences.reduce(0) { $0 + $1 * $1 } / 10_000 - 25) < 5 * 0.36)
    }
  }

  @Test func jpegIsWhatAFileMakesOfIt() throws {
    let image = DataFolder.picture(width: 40, height: 24, seed: 3)
    var generator = SplitMix64(seed: 2)
    let got = try Degradation.jpeg(30...30).apply(to: plane(image), using: &generator)
    let file = try ImageCodec.decode(image.encoded(as: .jpeg(quality: 30)))
    #expect(got == plane(file) && got != plane(image))
    var qualities: Set<[Float]> = []
    for _ in 0..<40 { qualities.insert(try Degradation.jpeg(50...52).apply(to: plane(image), using: &generator)[0].elements) }
    #expect(qualities.count == 3)
  }
}
