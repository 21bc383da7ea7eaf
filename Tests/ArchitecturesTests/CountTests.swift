import Architectures
import Networks
import Tensors
import Testing

/// The published counts of parameters, exactly.
@Suite struct CountTests {
  static let published: [(name: String, options: [String: String], count: Int)] = [
    ("edsr", [:], 1_332_931),
    ("edsr", ["convolution": "separable"], 304_835),
    ("vdsr", [:], 664_704),
    ("unet", [:], 31_043_521),
    ("unet", ["convolution": "separable"], 6_033_601),
    ("unet", ["upsampling": "bilinear"], 17_267_393),
    ("see-in-the-dark", [:], 7_760_748),
    ("see-in-the-dark", ["convolution": "light"], 4_285_676),
    ("see-in-the-dark", ["convolution": "lighter"], 1_513_812),
    ("see-in-the-dark", ["convolution": "separable"], 1_513_812),
    ("small-resnet", [:], 174_787),
    ("small-resnet", ["convolution": "selection"], 27_363),
    ("resnet18", [:], 11_689_512),
    ("resnet18", ["convolution": "selection"], 1_958_824),
  ]

  @Test(arguments: published)
  func isPublished(name: String, options: [String: String], count: Int) throws {
    let network = try Architecture(named: name, options: options).network(.zeros)
    #expect(network.parameterCount == count)
    #expect(network.name == name)
    try network.verify()
  }

  /// From PyTorch with the same classes where no count is published.
  @Test(
    arguments: [
      ("edsr", "selection", 300_739), ("unet", "selection", 6_022_081), ("small-resnet", "separable", 26_883),
      ("resnet18", "separable", 1_946_555), ("vdsr", "separable", 85_248), ("vdsr", "selection", 85_248),
      ("see-in-the-dark", "selection", 1_508_204),
    ])
  func others(name: String, convolution: String, count: Int) throws {
    let network = try Architecture(named: name, options: ["convolution": convolution]).network(.zeros)
    #expect(network.parameterCount == count)
  }
}
