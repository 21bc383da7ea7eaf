import Imaging

/// Which rows stand in memory while a picture goes through a network: a pure plan, from sizes.
///
/// A step is a row of tiles. It needs rows of the picture, for the network and for what bicubic interpolation makes beside it,
/// and finishes rows of the result. Rows go down the picture and none comes back.
struct StreamPlan: Hashable {
  struct Step: Hashable {
    /// Of the picture: what must be there.
    var source: Range<Int>
    /// Of the network's output: what must be there after the step; empty where each step's output is used at once.
    var output: Range<Int>
    /// Of the result: what the step finishes.
    var result: Range<Int>
  }

  var steps: [Step]
  /// Whether a step is finished after the rows of the next one have been read.
  let isAhead: Bool

  /// - Parameters:
  ///   - rows: the network's rows of tiles, on its input, which may be continued; nil where all steps are one, which wants everything.
  ///   - enlarging: from the picture to the network's input.
  ///   - beside: from the picture to the result, for what does not go through the network.
  ///   - finishing: from the network's output to the result.
  ///   - isAhead: whether the rows of a step are read before the one ahead of it is finished.
  init(
    sourceHeight: Int, rows: [TileSpan]?, scale: Int, enlarging: BicubicResize?, beside: BicubicResize?,
    finishing: BicubicResize?, outputHeight: Int, resultHeight: Int, isAhead: Bool = false
  ) {
    self.isAhead = isAhead
    guard let rows else {
      steps = [Step(source: 0..<sourceHeight, output: 0..<outputHeight, result: 0..<resultHeight)]
      return
    }
    steps = []
    var done = 0
    for (index, span) in rows.enumerated() {
      let isLast = index == rows.count - 1
      let made = min(span.keep.upperBound * scale, outputHeight)
      var end = isLast ? resultHeight : made
      var output = 0..<0
      if let finishing {
        if !isLast {
          end = done
          while end < resultHeight, finishing.inputRows(of: end..<end + 1).upperBound <= made { end += 1 }
        }
        let first = done < end ? finishing.inputRows(of: done..<end).lowerBound : made
        output = min(first, span.keep.lowerBound * scale, made)..<made
      }
      let read = ImageContinuation.places(span.read, of: outputHeight / scale)
      var source = enlarging?.inputRows(of: read) ?? read
      let result = done..<end
      if let beside, !result.isEmpty {
        let rows = beside.inputRows(of: result)
        source = min(source.lowerBound, rows.lowerBound)..<max(source.upperBound, rows.upperBound)
      }
      steps.append(Step(source: source, output: output, result: result))
      done = end
    }
    // What a later step needs again is kept until then, and what is there stays for what follows.
    for index in steps.indices.dropLast().reversed() {
      let next = steps[index + 1].source
      steps[index].source = min(steps[index].source.lowerBound, next.lowerBound)..<steps[index].source.upperBound
      let output = steps[index].output, after = steps[index + 1].output
      steps[index].output = min(output.lowerBound, after.lowerBound)..<output.upperBound
    }
    for index in steps.indices.dropFirst() {
      let before = steps[index - 1].source
      steps[index].source = steps[index].source.lowerBound..<max(steps[index].source.upperBound, before.upperBound)
    }
    // What finishes a step is there until it is done.
    if isAhead {
      for index in steps.indices.dropFirst().reversed() {
        steps[index].source = steps[index - 1].source.lowerBound..<steps[index].source.upperBound
      }
    }
    // The last row is read in any case: only then is the picture known to be whole.
    if let last = steps.indices.last { steps[last].source = steps[last].source.lowerBound..<sourceHeight }
  }

  /// The rows that are read while a step is finished.
  func rowsAhead(of index: Int) -> Range<Int>? {
    let last = isAhead ? index + 1 : index
    guard last + 1 < steps.count else { return nil }
    return steps[last].source.upperBound..<steps[last + 1].source.upperBound
  }

  /// The most rows of the picture that stand at once.
  var sourceRows: Int { steps.reduce(0) { max($0, $1.source.count) } }
  /// The most rows of the network's output that stand at once, beside those of the step itself.
  var outputRows: Int { steps.reduce(0) { max($0, $1.output.count) } }
  /// The most rows of the result that a step finishes.
  var resultRows: Int { steps.reduce(0) { max($0, $1.result.count) } }
  /// The most rows of the picture that are read for a step while the one before it is at work.
  var rowsAhead: Int {
    zip(steps, steps.dropFirst()).reduce(0) { max($0, $1.1.source.upperBound - $1.0.source.upperBound) }
  }
}
