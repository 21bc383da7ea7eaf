import ArgumentParser
import Swiftlet

extension CheckpointConversion.Kind: ExpressibleByArgument {}
extension UNet.SkipPosition: ExpressibleByArgument {}

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Makes a model file of a PyTorch checkpoint.",
    discussion: """
      Reads .pth and .pt files of both PyTorch formats, and .safetensors. Nothing inside them is executed. Each tensor that is \
      left over is named; one that is missing is an error.
      """)

  @Argument(help: "The checkpoint.")
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "The architecture: \(CheckpointConversion.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
      discussion: """
        Known are the names of twtygqyy/pytorch-vdsr, sanghyun-son/EDSR-PyTorch, milesial/Pytorch-UNet, torchvision's ResNet-18 \
        and of plain modules; a U-Net's may be any. Sizes, kind of convolution and variant are read off the tensors.
        """))
  var architecture: CheckpointConversion.Kind

  @Option(name: .shortAndLong, help: "The model file to write (.safetensors).")
  var output: String

  @Option(help: "edsr: factor of each block's residual. (default: 0.1, or 1 in the original layout)")
  var residualScale: Float?

  @Option(
    help: "unet: whether concatenations have the skip first or last. (default: as the names tell, else last)")
  var skip: UNet.SkipPosition?

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func run() throws {
    let conversion = CheckpointConversion(architecture: architecture, residualScale: residualScale, skip: skip)
    let report = try ModelConversion(checkpoint: checkpoint, conversion: conversion, output: output)
    print(json ? try report.json + "\n" : report.text, terminator: "")
  }
}
