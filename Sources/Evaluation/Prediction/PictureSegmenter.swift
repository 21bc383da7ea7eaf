import Execution
import Imaging
import Networks
import Tensors
import Training

/// A segmenter on an engine: says of each pixel which class it is of. Not safe to use from two threads at once.
///
/// Pictures run whole or in tiles, as enlarged ones do, and are continued as they are where the network does not take their sides.
final class PictureSegmenter {
  let network: Network
  let contract: SegmenterContract
  private let runner: ModelRunner
  private let size: PictureForm.Size?
  /// What a mask is above.
  let threshold: Float

  /// The contract must have been checked.
  init(_ network: Network, _ contract: SegmenterContract, backend: any Backend, tile: TilePolicy) {
    self.network = network
    self.contract = contract
    size = network.pictureSize(contract.form)
    threshold = network.makesProbabilities ? 0.5 : 0
    runner = ModelRunner(
      network, backend: backend, tile: tile, channels: contract.form.channels, outputChannels: contract.classes.count, scale: 1)
  }

  /// The class of each pixel, row after row; of a mask 1 or 0.
  func labels(_ image: Image) throws(EvaluationError) -> [UInt8] {
    let form = contract.form
    let planes = size.map { form.planes(image, resizedTo: $0) } ?? form.planes(image)
    let (width, height) = (planes[0].width, planes[0].height)
    let plan = try runner.plan(height: height, width: width)
    var output = (0..<contract.classes.count).map { _ in Plane<Float>(width: width, height: height, repeating: 0) }
    try runner.run(
      plan,
      fill: { rows, columns, target in
        var next = target
        for (channel, plane) in planes.enumerated() {
          let (scale, offset) = (form.scale(channel), form.offset(channel))
          for row in rows {
            for column in columns {
              next.pointee = plane.elements[row * width + column] * scale - offset
              next += 1
            }
          }
        }
      },
      deliver: { (region) throws(EvaluationError) in
        for channel in output.indices {
          for row in region.rows {
            let source = region.base + channel * region.planeStride + (row - region.rows.lowerBound) * region.rowStride
            for column in region.columns {
              let value = source[column - region.columns.lowerBound]
              guard value.isFinite else { throw .notFinite(network: network.name, what: "the output") }
              output[channel].elements[row * width + column] = value
            }
          }
        }
      })
    if image.width != width || image.height != height {
      let resize = BicubicResize(width: width, height: height, toWidth: image.width, toHeight: image.height)
      output = output.map { resize($0) }
    }
    return SegmentationMetrics.labels(of: Tensor(output), threshold: threshold)
  }
}
