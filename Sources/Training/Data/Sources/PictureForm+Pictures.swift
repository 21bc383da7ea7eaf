import Imaging
import Networks
import Tensors

extension PictureForm {
  /// The channels of a picture that the network sees, on the scale 0...255 and in the picture's own size; alpha is left out.
  package func planes(_ image: Image) -> [Plane<Float>] {
    let colours = image.colourPlanes
    guard channels == 1 else { return colours.count == 3 ? colours : Array(repeating: colours[0], count: 3) }
    guard colours.count == 3 else { return colours }
    var mean = colours[0]
    for i in mean.elements.indices {
      mean.elements[i] = (colours[0].elements[i] + colours[1].elements[i] + colours[2].elements[i]) / 3
    }
    return [mean]
  }

  /// The same in a size, by bicubic interpolation where it is another one.
  package func planes(_ image: Image, resizedTo size: Size) -> [Plane<Float>] {
    let planes = planes(image)
    guard image.width != size.width || image.height != size.height else { return planes }
    let resize = BicubicResize(width: image.width, height: image.height, toWidth: size.width, toHeight: size.height)
    return planes.map { resize($0) }
  }

  /// `[channels, height, width]` of such planes: what enters the network.
  package func tensor(_ planes: [Plane<Float>]) -> Tensor {
    planes.enumerated().map { channel, plane in
      let (scale, offset) = (scale(channel), offset(channel))
      return Plane(width: plane.width, height: plane.height, elements: plane.elements.map { $0 * scale - offset })
    }.tensor(scale: 1)
  }

  /// As the size of the form asks for: throws for a picture of another size than the others where there is none.
  func planes(_ image: Image, path: String, expected: Size) throws(DataError) -> [Plane<Float>] {
    guard size != nil || (image.width == expected.width && image.height == expected.height) else {
      throw .pictureSize(path: path, width: image.width, height: image.height, expected: "\(expected)")
    }
    return planes(image, resizedTo: expected)
  }

  /// The size that is given, or that of the first picture that can be read.
  func commonSize(of store: PictureStore) throws(DataError) -> Size {
    if let fault { throw .form(fault) }
    if let size { return size }
    var first: DataError?
    for index in store.files.indices {
      do throws(DataError) {
        let image = try store.image(index)
        return Size(width: image.width, height: image.height)
      } catch {
        guard error.isOfOneFile else { throw error }
        first = first ?? error
      }
    }
    throw .allDamaged(count: store.files.count, first: first?.description ?? "")
  }
}
