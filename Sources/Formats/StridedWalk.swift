/// The steps through the elements of a shape in row-major order to where each lies.
struct StridedWalk {
  let shape: [Int]
  /// In elements; they may be 0 or negative.
  let strides: [Int]
  /// Where the first element lies.
  let offset: Int
  /// Of the elements.
  let count: Int

  /// The strides of row-major elements; nil where their number overflows, extents of 0 counted as 1.
  static func rowMajorStrides(_ shape: [Int]) -> [Int]? {
    var strides = [Int](repeating: 1, count: shape.count)
    var product = 1
    for axis in shape.indices.reversed() {
      strides[axis] = product
      let (next, overflow) = product.multipliedReportingOverflow(by: max(shape[axis], 1))
      if overflow { return nil }
      product = next
    }
    return strides
  }

  /// Calls `body` with the row-major position of each element, ascending, and the index of where it lies.
  func visit(_ body: (_ position: Int, _ index: Int) -> Void) {
    guard let innerExtent = shape.last, let innerStride = strides.last else { return body(0, offset) }
    var counter = [Int](repeating: 0, count: shape.count)
    var start = offset
    var position = 0
    while position < count {
      for step in 0..<innerExtent { body(position + step, start + step * innerStride) }
      position += innerExtent
      var axis = shape.count - 2
      while axis >= 0 {
        counter[axis] += 1
        // An extent of 1 may have any stride: the step past its end is taken back, and nothing is read there.
        start &+= strides[axis]
        if counter[axis] < shape[axis] { break }
        start &-= counter[axis] &* strides[axis]
        counter[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
