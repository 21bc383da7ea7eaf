import Files
import Imaging
import Tensors

/// The pictures of a set, decoded when they are wanted and kept as long as there is room.
final class PictureStore: Sendable {
  let files: [DataFile]
  private let cache: BoundedCache<Int, Image>

  init(_ files: [DataFile], cacheByteCount: Int) {
    self.files = files
    cache = BoundedCache(byteCount: cacheByteCount)
  }

  func image(_ index: Int) throws(DataError) -> Image {
    try cache.value(index, size: { $0.properties.sampleByteCount }) { () throws(DataError) in
      try wrapping { () throws(ImageError) in try Image(path: files[index].path) }
    }
  }
}

extension Image {
  /// The colours without alpha: one plane or three.
  var colourPlanes: [Plane<Float>] { (0..<colourModel.channels).map { floatPlane($0) } }

  /// Red, green and blue: of a grey picture three times the same.
  var threePlanes: [Plane<Float>] { colourModel == .rgb ? colourPlanes : Array(repeating: floatPlane(0), count: 3) }
}

extension [Plane<Float>] {
  /// The rectangle, turned or mirrored.
  func cut(x: Int, y: Int, width: Int, height: Int, _ orientation: Orientation) -> [Plane<Float>] {
    map { $0.cropped(x: x, y: y, width: width, height: height).oriented(orientation) }
  }

  /// `[planes, height, width]`, each element times `scale`.
  func tensor(scale: Float) -> Tensor {
    let tensor = Tensor(self, scale: scale)
    return tensor.reshaped(Shape(Array<Int>(tensor.shape.extents.dropFirst())))
  }

  var byteCount: Int { reduce(0) { $0 + 4 * $1.elements.count } }
}
