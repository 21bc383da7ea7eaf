extension Architecture {
  /// What a program that offers architectures by name shows.
  public struct Summary: Hashable, Sendable {
    /// One option, all of it as text.
    public struct Option: Hashable, Sendable {
      /// `residual-scale`
      public var name: String
      public var defaultValue: String
      public var help: String
    }

    public var name: String
    public var help: String
    public var options: [Option]
  }

  /// Every architecture with its options.
  public static let catalogue: [Summary] = [
    Summary(
      name: VDSR.name, help: "a chain of convolutions on an enlarged luma image; any scale",
      options: [
        .init(name: "depth", defaultValue: "20", help: "convolutions in all"), features(64, "channels inside"),
        convolution("all but the first and the last"),
      ]),
    Summary(
      name: EDSR.name, help: "residual blocks at low resolution, then pixel shuffles",
      options: [
        .init(name: "scale", defaultValue: "2", help: "2, 3 or 4"),
        colours, features(64, "channels inside"),
        .init(name: "blocks", defaultValue: "16", help: "residual blocks"),
        .init(
          name: "residual-scale", defaultValue: "0.1", help: "factor of each block's residual (1 in other layouts than plain)"),
        .init(
          name: "layout", defaultValue: "plain",
          help: "plain; original: body convolution and mean shift; direct: pixels at once, beside the input"),
        .init(name: "maximum", defaultValue: "1", help: "what 255 is inside the network (255 in the original layout)"),
        convolution("those of the residual blocks"),
      ]),
    Summary(
      name: UNet.name, help: "segmentation: five levels down and up again, with batch norm",
      options: [
        inputChannels, .init(name: "classes", defaultValue: "1", help: "channels of the output"),
        features(64, "channels at full size"), convolution("all of 3x3 but the first two"),
        .init(name: "upsampling", defaultValue: "transposed", help: "transposed, or bilinear: what enlarges on the way up"),
      ]),
    Summary(
      name: SeeInTheDark.name, help: "RGB of a packed Bayer mosaic taken in little light: a U-Net, then a pixel shuffle",
      options: [
        .init(
          name: "convolution", defaultValue: "standard",
          help:
            "standard; light or lighter, the second or both of each pair separable (also: separable); selection; light-selection"
        ),
        features(32, "channels at full size"),
      ]),
    Summary(
      name: SmallResNet.name, help: "classification of images of 32x32: six residual blocks",
      options: [
        inputChannels, .init(name: "classes", defaultValue: "3", help: "classes to tell apart"),
        features(16, "channels of the first blocks"), convolution("those of the blocks"),
      ]),
    Summary(
      name: ResNet18.name, help: "classification of images of 224x224: eight residual blocks",
      options: [
        inputChannels, .init(name: "classes", defaultValue: "1000", help: "classes to tell apart"),
        features(64, "channels of the first blocks"), convolution("all"),
      ]),
    Summary(
      name: SRVGG.name, help: "the compact network of Real-ESRGAN: a chain at low resolution, beside the input",
      options: [
        .init(name: "scale", defaultValue: "4", help: "1 to 4"), colours, features(64, "channels inside"),
        .init(name: "convolutions", defaultValue: "16", help: "between the first and the last"),
      ]),
    Summary(
      name: RRDB.name, help: "the network of ESRGAN: dense blocks at low resolution, then nearest neighbours",
      options: [
        .init(name: "scale", defaultValue: "4", help: "1, 2 or 4"), colours, features(64, "channels inside"),
        .init(name: "blocks", defaultValue: "23", help: "residual blocks of three dense ones"),
        .init(name: "growth", defaultValue: "32", help: "channels that each convolution of a dense block adds"),
      ]),
  ]

  private static let colours = Summary.Option(name: "channels", defaultValue: "3", help: "3 for RGB, 1 for luma")

  private static let inputChannels = Summary.Option(
    name: "channels", defaultValue: "3", help: "channels of the input, 3 for RGB")

  private static func features(_ count: Int, _ help: String) -> Summary.Option {
    .init(name: "features", defaultValue: "\(count)", help: help)
  }

  /// `which` convolutions the option is about.
  private static func convolution(_ which: String) -> Summary.Option {
    .init(name: "convolution", defaultValue: "standard", help: "standard, separable or selection: \(which)")
  }
}
