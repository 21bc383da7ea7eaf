/// Bicubic interpolation equal to MATLAB's `imresize(image, scale)` or `imresize(image, [height width])`.
///
/// Keys' kernel with a = -0.5, widened by 1/scale where the image shrinks (antialiasing), borders mirrored, weights normalised
/// to sum 1. MATLAB resizes the dimension with the smaller scale first. The two passes commute but for rounding (some 1e-13 of
/// 255), so here the vertical one always comes first: any band of output rows can then be had without the others and without a
/// middle image.
/// Nothing is clipped or rounded. `Float` planes are computed in single precision (about 1e-5 of 255), `Double` in double.
///
/// Building the value computes the weights, which depend on the sizes alone; use one value for all planes of an image.
public struct BicubicResize: Sendable {
  /// The weights of the rows.
  let vertical: Axis
  /// The weights of the columns.
  let horizontal: Axis

  /// Scales both sides by `scale`; the output measures `ceil(scale * side)`. Traps unless `scale` is positive and finite.
  public init(width: Int, height: Int, scale: Double) {
    precondition(scale > 0 && scale.isFinite, "an image cannot be scaled by \(scale)")
    vertical = Axis(count: height, outputCount: Int((scale * Double(height)).rounded(.up)), scale: scale)
    horizontal = Axis(count: width, outputCount: Int((scale * Double(width)).rounded(.up)), scale: scale)
  }

  /// Scales to the given size; each side has a scale of its own. Traps unless all sides are positive.
  public init(width: Int, height: Int, toWidth outputWidth: Int, toHeight outputHeight: Int) {
    precondition(width > 0 && height > 0 && outputWidth > 0 && outputHeight > 0, "an image has at least one pixel a side")
    vertical = Axis(count: height, outputCount: outputHeight, scale: Double(outputHeight) / Double(height))
    horizontal = Axis(count: width, outputCount: outputWidth, scale: Double(outputWidth) / Double(width))
  }

  public var inputWidth: Int { horizontal.count }
  public var inputHeight: Int { vertical.count }
  public var outputWidth: Int { horizontal.outputCount }
  public var outputHeight: Int { vertical.outputCount }

  /// The resized plane, in double precision. Traps where the plane has another size than the value was made for.
  public func callAsFunction(_ plane: Plane<Double>) -> Plane<Double> { rows(0..<outputHeight, of: plane) }

  /// The resized plane, in single precision. Traps where the plane has another size than the value was made for.
  public func callAsFunction(_ plane: Plane<Float>) -> Plane<Float> { rows(0..<outputHeight, of: plane) }

  /// The given rows of the resized plane: the same bits as in the whole.
  public func rows(_ rows: Range<Int>, of plane: Plane<Double>) -> Plane<Double> {
    precondition(plane.width == inputWidth && plane.height == inputHeight, "the resize was made for another size of plane")
    let elements = [Double](unsafeUninitializedCapacity: rows.count * outputWidth) { output, count in
      plane.elements.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress, let target = output.baseAddress else { return }
        band(rows, PlaneRows(base: base, rows: 0..<plane.height), target, SIMD4<Double>.self)
      }
      count = rows.count * outputWidth
    }
    return Plane(width: outputWidth, height: rows.count, elements: elements)
  }

  /// The given rows of the resized plane: the same bits as in the whole.
  public func rows(_ rows: Range<Int>, of plane: Plane<Float>) -> Plane<Float> {
    precondition(plane.width == inputWidth && plane.height == inputHeight, "the resize was made for another size of plane")
    let elements = [Float](unsafeUninitializedCapacity: rows.count * outputWidth) { output, count in
      plane.elements.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress, let target = output.baseAddress else { return }
        self.rows(rows, of: PlaneRows(base: base, rows: 0..<plane.height), into: target)
      }
      count = rows.count * outputWidth
    }
    return Plane(width: outputWidth, height: rows.count, elements: elements)
  }

  /// Writes the given rows of the resized plane, without padding. Of the plane the rows that `inputRows` names must be there.
  package func rows(_ rows: Range<Int>, of plane: PlaneRows<Float>, into output: UnsafeMutablePointer<Float>) {
    band(rows, plane, output, SIMD8<Float>.self)
  }

  /// The rows of the input that rows of the output are made of.
  package func inputRows(of rows: Range<Int>) -> Range<Int> {
    guard let first = rows.first else { return 0..<0 }
    var low = vertical.mirrored(vertical.starts[first]), high = low
    // Where rows are mirrored the order turns: all are looked at.
    for row in rows {
      for tap in [0, vertical.taps - 1] {
        let start = vertical.starts[row] + tap
        let input = vertical.mirrored(start)
        (low, high) = (min(low, input), max(high, input))
      }
      if vertical.starts[row] < 0 { low = 0 }
      if vertical.starts[row] + vertical.taps > vertical.count { high = vertical.count - 1 }
    }
    return low..<high + 1
  }

  /// As many rows as `Lanes` has lanes are resized together: each vertically into `row`, which is then spread, mirrored
  /// beyond both ends, over its lane of `extended`, where the horizontal pass finds the same column of all rows side by side.
  @inline(__always)
  private func band<T: BinaryFloatingPoint & Sendable, Lanes: SIMD>(
    _ rows: Range<Int>, _ plane: PlaneRows<T>, _ output: UnsafeMutablePointer<T>, _: Lanes.Type
  ) where Lanes.Scalar == T {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight, "the image has no rows \(rows)")
    let lanes = Lanes.scalarCount
    let horizontalWeights = horizontal.weights.map { T($0) }
    let columns = horizontal.extendedInputs
    let firstColumn = horizontal.firstInput
    var row = [T](repeating: 0, count: inputWidth)
    var extended = [Lanes](repeating: .zero, count: columns.count)
    let outputWidth = outputWidth
    for group in stride(from: rows.lowerBound, to: rows.upperBound, by: lanes) {
      let height = min(lanes, rows.upperBound - group)
      for lane in 0..<height {
        combineRows(of: plane, for: group + lane, into: &row)
        extended.withUnsafeMutableBytes { bytes in
          let scalars = bytes.assumingMemoryBound(to: T.self)
          for (i, column) in columns.enumerated() { scalars[i &* lanes &+ lane] = row[column] }
        }
      }
      let taps = horizontal.taps
      horizontalWeights.withUnsafeBufferPointer { weights in
        extended.withUnsafeBufferPointer { extended in
          for x in 0..<outputWidth {
            let start = horizontal.starts[x] - firstColumn
            var sum = extended[start] * weights[x &* taps]
            for tap in 1..<max(taps, 1) { sum += extended[start &+ tap] * weights[x &* taps &+ tap] }
            for lane in 0..<height { output[(group - rows.lowerBound + lane) &* outputWidth &+ x] = sum[lane] }
          }
        }
      }
    }
  }

  /// Output row `y` of the vertical pass.
  @inline(__always)
  private func combineRows<T: BinaryFloatingPoint>(of plane: PlaneRows<T>, for y: Int, into row: inout [T]) {
    let width = inputWidth
    row.withUnsafeMutableBufferPointer { row in
      for tap in 0..<vertical.taps {
        let weight = T(vertical.weights[y * vertical.taps + tap])
        let input = vertical.mirrored(vertical.starts[y] + tap)
        precondition(plane.rows.contains(input), "row \(input) of the plane is not there")
        let line = UnsafeBufferPointer(start: plane.base + (input - plane.rows.lowerBound) * width, count: width)
        if tap == 0 {
          for x in 0..<width { row[x] = weight * line[x] }
        } else {
          for x in 0..<width { row[x] += weight * line[x] }
        }
      }
    }
  }
}

/// Some rows of a plane, one after the other in memory.
package struct PlaneRows<Element: Sendable> {
  package var base: UnsafePointer<Element>
  /// Which they are.
  package var rows: Range<Int>

  package init(base: UnsafePointer<Element>, rows: Range<Int>) {
    self.base = base
    self.rows = rows
  }
}

extension BicubicResize {
  /// Which inputs make each output along one side, and their weights.
  struct Axis: Sendable {
    let count: Int
    let outputCount: Int
    /// Inputs of one output.
    let taps: Int
    /// The first input of each output; it may lie before the first or, with the taps, beyond the last: see `mirrored`.
    let starts: [Int]
    /// `outputCount * taps` weights.
    let weights: [Double]
    /// The least start, and the input at each position that any output reads, from there on.
    let firstInput: Int
    let extendedInputs: [Int]

    /// MATLAB's `contributions`, with positions counted from 1 as there so that the same roundings happen.
    init(count: Int, outputCount: Int, scale: Double) {
      self.count = count
      self.outputCount = outputCount
      let support = scale < 1 ? 4 / scale : 4
      let candidates = Int(support.rounded(.up)) + 2
      var firsts: [Int] = []
      firsts.reserveCapacity(outputCount)
      // As many places for each output as it can have inputs; in one array, for a side may have millions of pixels.
      var weights = [Double](repeating: 0, count: outputCount * candidates)
      var row = [Double](repeating: 0, count: candidates)
      var taps = 1
      for position in 1...outputCount {
        let centre = Double(position) / scale + 0.5 * (1 - 1 / scale)
        let left = (centre - support / 2).rounded(.down)
        for candidate in 0..<candidates {
          let distance = centre - (left + Double(candidate))
          row[candidate] = scale < 1 ? scale * Self.kernel(scale * distance) : Self.kernel(distance)
        }
        let sum = row.reduce(0, +)
        for candidate in 0..<candidates { row[candidate] /= sum }
        // Zeros before and behind are no inputs.
        let first = row.firstIndex { $0 != 0 } ?? 0, last = row.lastIndex { $0 != 0 } ?? 0
        for candidate in first...last { weights[(position - 1) * candidates + candidate - first] = row[candidate] }
        firsts.append(Int(left) - 1 + first)
        taps = max(taps, last - first + 1)
      }
      for output in 0..<outputCount where taps < candidates {
        for tap in 0..<taps { weights[output * taps + tap] = weights[output * candidates + tap] }
      }
      weights.removeLast(outputCount * (candidates - taps))
      self.taps = taps
      self.weights = weights
      starts = firsts
      let first = firsts.min() ?? 0
      firstInput = first
      extendedInputs = (first..<(firsts.max() ?? 0) + taps).map { Self.mirrored($0, count: count) }
    }

    /// Keys' cubic convolution kernel with a = -0.5.
    static func kernel(_ position: Double) -> Double {
      let x = abs(position)
      if x <= 1 { return (1.5 * x - 2.5) * x * x + 1 }
      if x <= 2 { return ((-0.5 * x + 2.5) * x - 4) * x + 2 }
      return 0
    }

    /// The input that position `index` of the sequence mirrored at both ends repeats.
    func mirrored(_ index: Int) -> Int { Self.mirrored(index, count: count) }

    private static func mirrored(_ index: Int, count: Int) -> Int {
      let period = 2 * count
      let position = ((index % period) + period) % period
      return position < count ? position : period - 1 - position
    }
  }
}

extension Plane where Element == Double {
  /// The plane scaled as MATLAB's `imresize(plane, scale)` does; see `BicubicResize`.
  public func resized(scale: Double) -> Plane { BicubicResize(width: width, height: height, scale: scale)(self) }

  /// The plane scaled as MATLAB's `imresize(plane, [height width])` does; see `BicubicResize`.
  public func resized(width newWidth: Int, height newHeight: Int) -> Plane {
    BicubicResize(width: width, height: height, toWidth: newWidth, toHeight: newHeight)(self)
  }
}

extension Plane where Element == Float {
  /// The plane scaled as MATLAB's `imresize(plane, scale)` does, in single precision; see `BicubicResize`.
  public func resized(scale: Double) -> Plane { BicubicResize(width: width, height: height, scale: scale)(self) }

  /// The plane scaled as MATLAB's `imresize(plane, [height width])` does, in single precision; see `BicubicResize`.
  public func resized(width newWidth: Int, height newHeight: Int) -> Plane {
    BicubicResize(width: width, height: height, toWidth: newWidth, toHeight: newHeight)(self)
  }
}
