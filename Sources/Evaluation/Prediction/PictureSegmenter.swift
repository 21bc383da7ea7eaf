import Execution
import Imaging
import Networks
import Tensors
import Training

/// A segmenter on an engine: says of each pixel which class it is of. Not safe to use from two threads at once.
///
/// Pictures run whole or in tiles, as enlarged ones do. Where the network takes sides that are multiples of a number only, they are
/// continued, mirrored, to the right and below, and what is made of that is cut off.
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
    let plan = try plan(width: width, height: height)
    var output = (0..<contract.classes.count).map { _ in Plane<Float>(width: width, height: height, repeating: 0) }
    try runner.run(
      plan,
      fill: { rows, columns, target in
        var next = target
        for (channel, plane) in planes.enumerated() {
          let (scale, offset) = (form.scale(channel), form.offset(channel))
          let places = columns.map { Self.mirrored($0, width) }
          for row in rows {
            let start = Self.mirrored(row, height) * width
            for place in places {
              next.pointee = plane.elements[start + place] * scale - offset
              next += 1
            }
          }
        }
      },
      deliver: { (region) throws(EvaluationError) in
        let rows = region.rows.clamped(to: 0..<height), columns = region.columns.clamped(to: 0..<width)
        for channel in output.indices {
          for row in rows {
            let source = region.base + channel * region.planeStride + (row - region.rows.lowerBound) * region.rowStride
            for column in columns {
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

  /// The tiles for a picture, or for the least one that holds it and that the network takes.
  private func plan(width: Int, height: Int) throws(EvaluationError) -> ModelRunner.Plan {
    var first: EvaluationError?
    for unit in [1, 2, 4, 8, 16, 32, 64, 128] {
      do throws(EvaluationError) {
        return try runner.plan(height: (height + unit - 1) / unit * unit, width: (width + unit - 1) / unit * unit)
      } catch {
        switch error {
        case .network, .contract: first = first ?? error
        default: throw error
        }
      }
    }
    throw first ?? .contract(network: network.name, reason: "it takes no picture of \(width)x\(height)")
  }

  /// The place that stands for one beyond the end: the last is repeated, then the others backwards.
  static func mirrored(_ place: Int, _ count: Int) -> Int {
    let turn = place % (2 * count)
    return turn < count ? turn : 2 * count - 1 - turn
  }
}
