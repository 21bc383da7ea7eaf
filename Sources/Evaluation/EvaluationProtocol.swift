import Files
import Imaging
import Training

/// How pictures are made smaller, enlarged again and compared: a PSNR means nothing without it.
public struct EvaluationProtocol: Hashable, Sendable {
  /// What is compared.
  public enum Colour: Hashable, Sendable {
    /// As `LumaChroma` has it, of numbers that are not rounded; of grey pictures the samples as they are.
    case luma
    /// `Y = 16 + (65.738 R + 129.057 G + 25.064 B) / 256` of rounded red, green and blue.
    case lumaOfSamples
    /// Red, green and blue, the mean squared error taken over all three.
    case rgb
  }

  /// What is cut off so that sizes divide by the scale.
  public enum Crop: Hashable, Sendable {
    /// To a multiple of 2, then of 3, then of 4, up to the scale, each on the result of the one before.
    case progressive
    /// To a multiple of the scale.
    case multipleOfScale
  }

  public var name: String
  public var colour: Colour
  public var crop: Crop
  /// Whether pictures are rounded to 8 bits: the small one, and those that are compared.
  public var isRounded: Bool
  /// What is done to the small picture, in order, before both enlarge it: the same numbers are drawn for every picture. One that holds JPEG
  /// rounds the small picture.
  public var degradations: [Degradation] = []

  /// As the authors of VDSR and twtygqyy/pytorch-vdsr measure.
  public static let vdsr = EvaluationProtocol(name: "vdsr", colour: .luma, crop: .progressive, isRounded: false)
  /// As sanghyun-son/EDSR-PyTorch measures benchmark sets.
  public static let edsr = EvaluationProtocol(name: "edsr", colour: .lumaOfSamples, crop: .multipleOfScale, isRounded: true)
  /// On red, green and blue.
  public static let rgb = EvaluationProtocol(name: "rgb", colour: .rgb, crop: .multipleOfScale, isRounded: true)

  /// How the line begins that says what is done to the small picture.
  static let smallPicture = "small picture: "

  public static let all = [vdsr, edsr, rgb]

  /// Everything that has a say in the figures, one line each.
  public var lines: [String] {
    let colourLine =
      switch colour {
      case .luma: "colour: luma, \(Self.formula(LumaChroma.forward[0], 255)) (BT.601)"
      case .lumaOfSamples: "colour: luma of rounded RGB, \(Self.formula(LumaChroma.forwardTimes256, 256)) (BT.601)"
      case .rgb: "colour: RGB, the mean squared error over the three channels; SSIM their mean"
      }
    let greyLine = colour == .luma ? ["grey pictures: their samples, 0 to 255, are luma as they are"] : []
    let range =
      colour == .rgb ? "range: 0 to 255, peak 255" : "range: Y 16 to 235 on the scale 0 to 255, peak 255"
    let cropLine =
      switch crop {
      case .progressive: "crop: at right and bottom to a multiple of 2, then 3, then 4 up to the scale, each on the one before"
      case .multipleOfScale: "crop: at right and bottom to a multiple of the scale"
      }
    let resizeLine = "resize: MATLAB imresize bicubic (a = -0.5, antialiased) in double, down by the scale and up again"
    let degradationLine = "\(Self.smallPicture)\(degradations.map(\.description).joined(separator: ", then "))"
    return [colourLine] + greyLine + [range, cropLine, resizeLine] + (degradations.isEmpty ? [] : [degradationLine]) + [
      isRounded
        ? "rounding: small picture, bicubic and output clipped to 0 to 255 and rounded to 8 bits"
        : "rounding: none; the output is clipped to 0 to 255",
      "border: as many pixels as the scale left out on each side",
      "SSIM: Gaussian window 11x11, sigma 1.5, K1 0.01, K2 0.03, windows inside the picture",
    ]
  }

  private static func formula(_ weights: [Double], _ divisor: Int) -> String {
    "Y = \(Int(LumaChroma.black)) + (\(weights[0]) R + \(weights[1]) G + \(weights[2]) B) / \(divisor)"
  }

  /// Eight digits that stand for `lines`: equal where the figures may be compared.
  public var hash: String {
    var fingerprint = Fingerprint()
    fingerprint.add(lines.joined(separator: "\n").utf8)
    return String(fingerprint.hexadecimal.prefix(8))
  }

  /// The multiples that a picture is cropped to for a scale, in order.
  func cropFactors(scale: Int) -> [Int] {
    switch crop {
    case .progressive: [2, 3, 4].filter { $0 < scale } + [scale]
    case .multipleOfScale: [scale]
    }
  }
}
