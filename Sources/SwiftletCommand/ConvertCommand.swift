import ArgumentParser
import Swiftlet

extension CheckpointConversion.Kind: ExpressibleByArgument {}

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Makes a model file of a PyTorch checkpoint.",
    discussion: """
      Reads .pth and .pt files of both PyTorch formats, and .safetensors. Nothing inside them is executed. Each tensor that is \
      left over is named; one that is missing is an error.
      """)

  @Argument(help: "The checkpoint.")
  var checkpoint: String

  @Option(help: "The architecture: vdsr (twtygqyy/pytorch-vdsr) or edsr (sanghyun-son/EDSR-PyTorch).")
  var architecture: CheckpointConversion.Kind

  @Option(name: .shortAndLong, help: "The model file to write (.safetensors).")
  var output: String

  @Option(help: "edsr: factor of each block's residual. (default: 0.1, or 1 in the original layout)")
  var residualScale: Float?

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func run() throws {
    let conversion = CheckpointConversion(architecture: architecture, residualScale: residualScale)
    let report = try ModelConversion(checkpoint: checkpoint, conversion: conversion, output: output)
    print(json ? try report.json + "\n" : report.text, terminator: "")
  }
}
