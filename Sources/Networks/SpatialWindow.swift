/// Which rows and columns of its first operand an image operation looks at for those of its output: its receptive field.
///
/// Operands behind the first lie along the output pixel by pixel, before any pixel shuffle.
package struct SpatialWindow: Hashable, Sendable {
  /// Along the height, or the width. Output `i`, before any shuffle, looks at no more than the inputs from
  /// `⌊(i · down + before) / up⌋` to `⌊(i · down + behind) / up⌋`, some of which may lie beyond the image.
  package struct Axis: Hashable, Sendable {
    /// `up / down` output rows for an input row.
    package var up = 1
    package var down = 1
    package var before = 0
    package var behind = 0

    /// The inputs that these outputs look at.
    package func inputs(of outputs: Range<Int>) -> Range<Int> {
      let first = (outputs.lowerBound * down + before).floorDivided(by: up)
      return first..<((outputs.upperBound - 1) * down + behind).floorDivided(by: up) + 1
    }
  }

  package var vertical: Axis
  package var horizontal: Axis
  /// The factor of a pixel shuffle that follows, 1 without one.
  package var shuffle: Int
  /// Of operations that have one.
  package var kernel: Pair?

  package init(vertical: Axis, horizontal: Axis, shuffle: Int = 1, kernel: Pair? = nil) {
    self.vertical = vertical
    self.horizontal = horizontal
    self.shuffle = shuffle
    self.kernel = kernel
  }

  /// Every pixel by itself.
  package static let pixel = SpatialWindow(vertical: Axis(), horizontal: Axis())

  /// The kernel on every `stride`-th pixel.
  package init(kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = Pair(1), shuffle: Int = 1) {
    func axis(_ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int) -> Axis {
      Axis(down: stride, before: -padding, behind: dilation * (kernel - 1) - padding)
    }
    self.init(
      vertical: axis(kernel.height, stride.height, padding.top, dilation.height),
      horizontal: axis(kernel.width, stride.width, padding.left, dilation.width), shuffle: shuffle, kernel: kernel)
  }

  /// The same for the height and the width.
  package init(up: Int = 1, down: Int = 1, before: Int = 0, behind: Int = 0) {
    let axis = Axis(up: up, down: down, before: before, behind: behind)
    self.init(vertical: axis, horizontal: axis)
  }

  /// Output rows for an input row, shuffle included, where columns are as many; nil where they are not.
  package var scale: (up: Int, down: Int)? {
    guard vertical.up == horizontal.up, vertical.down == horizontal.down else { return nil }
    return (vertical.up * shuffle, vertical.down)
  }
}

extension Int {
  package func floorDivided(by divisor: Int) -> Int {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }

  package func ceilingDivided(by divisor: Int) -> Int { -(-self).floorDivided(by: divisor) }
}
