import Tensors

extension Tensor {
  /// Planes of one size as a float32 tensor `[1, planes, height, width]`, each element times `scale` (1/255 for a network that
  /// wants 0...1). Traps where there is no plane or the sizes differ.
  public init(_ planes: [Plane<Float>], scale: Float = 1) {
    precondition(!planes.isEmpty, "a tensor of no planes has no size")
    let (width, height) = (planes[0].width, planes[0].height)
    precondition(planes.allSatisfy { $0.width == width && $0.height == height }, "the planes differ in size")
    let count = width * height
    self.init(unsafeUninitialized: Shape(channels: planes.count, height: height, width: width)) { bytes in
      let target = bytes.bindMemory(to: Float.self)
      for (index, plane) in planes.enumerated() {
        plane.elements.withUnsafeBufferPointer { source in
          for i in 0..<count { target[index &* count &+ i] = source[i] * scale }
        }
      }
    }
  }

  /// The channels of image `batch` of a float32 tensor `[N, C, H, W]`, each element times `scale`. Traps on any other tensor.
  public func planes(batch: Int = 0, scale: Float = 1) -> [Plane<Float>] {
    precondition(shape.isImage && batch >= 0 && batch < shape.batch, "a tensor of \(shape) holds no image \(batch)")
    let count = shape.height * shape.width
    return withUnsafeFloats { source in
      (0..<shape.channels).map { channel in
        let start = (batch * shape.channels + channel) * count
        let elements = [Float](unsafeUninitializedCapacity: count) { target, initialized in
          for i in 0..<count { target[i] = source[start &+ i] * scale }
          initialized = count
        }
        return Plane(width: shape.width, height: shape.height, elements: elements)
      }
    }
  }
}
