import Execution
import Networks
import Tensors

/// An image and the same in tiles: both must give the same bits.
package struct TileCheck {
  package let geometry: TileGeometry
  private let model: any Model
  private let image: Tensor
  private let truth: Tensor

  /// Nil where the network cannot be tiled.
  ///
  /// - Parameter truth: what the backend makes of the whole image, where that is known.
  package init?(
    _ network: Network, on backend: any Backend, image: Tensor, truth: Tensor? = nil
  ) throws(ExecutionError) {
    let whole = image.shape
    guard whole.isImage, whole.batch == 1, let shapes = try? network.inferredShapes(inputs: [whole]),
      let geometry = TileGeometry(
        of: network, shapes: shapes, grid: { backend.outputGrid(of: $0, in: network, shapes: shapes) })
    else { return nil }
    self.geometry = geometry
    self.image = image
    // Sessions of all tiles share what is packed.
    model = try backend.prepare(network)
    if let truth { self.truth = truth } else { self.truth = try model.session(inputs: [whole]).run([image])[0] }
  }

  /// The side of tiles nearest to a wanted one: a multiple of the alignment.
  package func side(_ wanted: Int) -> Int {
    max((wanted + geometry.alignment - 1) / geometry.alignment, 1) * geometry.alignment
  }

  /// The least width of an image of which one tile sees neither end.
  package var leastWidth: Int { 2 * geometry.halo + 3 * geometry.alignment }

  /// What is wrong with one of the tiles that the image is cut into; nil where all have the bits of the whole.
  ///
  /// - Parameter isRun: whether the tile that begins there is looked at.
  package func fault(
    height: Int, width: Int, where isRun: (_ y: Int, _ x: Int) -> Bool = { _, _ in true }
  ) throws(ExecutionError) -> String? {
    for y in stride(from: 0, to: image.shape.height, by: height) {
      for x in stride(from: 0, to: image.shape.width, by: width) where isRun(y, x) {
        let own = (
          rows: y..<min(y + height, image.shape.height), columns: x..<min(x + width, image.shape.width)
        )
        if let fault = try fault(own.rows, own.columns) {
          return "the tile at \(x), \(y) of \(width)x\(height), \(geometry): \(fault)"
        }
      }
    }
    return nil
  }

  private func fault(_ rows: Range<Int>, _ columns: Range<Int>) throws(ExecutionError) -> String? {
    let halo = geometry.halo, scale = geometry.scale
    let readRows = max(0, rows.lowerBound - halo)..<min(image.shape.height, rows.upperBound + halo)
    let readColumns = max(0, columns.lowerBound - halo)..<min(image.shape.width, columns.upperBound + halo)
    let tile = image.cropped(rows: readRows, columns: readColumns)
    let result: Tensor
    do throws(ExecutionError) {
      result = try model.session(inputs: [tile.shape], kernelsFor: [image.shape]).run([tile])[0]
    } catch {
      return "cannot be run: \(error)"
    }
    guard result.shape.height == readRows.count * scale, result.shape.width == readColumns.count * scale else {
      return "\(tile.shape) gives \(result.shape)"
    }
    func scaled(_ range: Range<Int>, from first: Int) -> Range<Int> {
      (range.lowerBound - first) * scale..<(range.upperBound - first) * scale
    }
    let part = result.cropped(
      rows: scaled(rows, from: readRows.lowerBound), columns: scaled(columns, from: readColumns.lowerBound))
    let whole = truth.cropped(rows: scaled(rows, from: 0), columns: scaled(columns, from: 0))
    return NetworkPromises.sameBits(part, whole) ? nil : "other bits"
  }
}

extension Tensor {
  /// Some rows and columns of one image.
  fileprivate func cropped(rows: Range<Int>, columns: Range<Int>) -> Tensor {
    var result: [Float] = []
    withUnsafeFloats { elements in
      for channel in 0..<shape.channels {
        for y in rows {
          let row = (channel * shape.height + y) * shape.width
          result += elements[row + columns.lowerBound..<row + columns.upperBound]
        }
      }
    }
    return Tensor(Shape(channels: shape.channels, height: rows.count, width: columns.count), result)
  }
}
