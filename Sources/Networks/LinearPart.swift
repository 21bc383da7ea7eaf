/// A part of an operation that sums products with weights: what a factor and a shift a channel, before or behind it, fold into, and
/// whose rows and columns go where channels go.
///
/// The weights are seen as `[rows, columns, taps]`: each row belongs to one channel of one side, each column to one of the other
/// side within the row's group.
package struct LinearPart: Hashable, Sendable {
  package var weightRole: ParameterRole
  package var biasRole: ParameterRole
  package var hasBias: Bool
  package var inChannels: Int
  package var outChannels: Int
  package var groups: Int
  /// The weights of one pair of channels.
  package var taps: Int
  /// Rows are input channels, as in a transposed convolution.
  package var rowsAreInputs: Bool
  /// Whether a constant added to the input is a constant added to the output: every output sums all of its taps.
  package var carriesConstants: Bool

  package init(
    weightRole: ParameterRole = .weight, biasRole: ParameterRole = .bias, hasBias: Bool, inChannels: Int, outChannels: Int,
    groups: Int = 1, taps: Int, rowsAreInputs: Bool = false, carriesConstants: Bool
  ) {
    self.weightRole = weightRole
    self.biasRole = biasRole
    self.hasBias = hasBias
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.groups = groups
    self.taps = taps
    self.rowsAreInputs = rowsAreInputs
    self.carriesConstants = carriesConstants
  }

  package var rows: Int { rowsAreInputs ? inChannels : outChannels }
  package var columns: Int { (rowsAreInputs ? outChannels : inChannels) / groups }

  /// The channels of the pair in that row and column.
  package func channels(_ row: Int, _ column: Int) -> (input: Int, output: Int) {
    let other = row / (rows / groups) * columns + column
    return rowsAreInputs ? (row, other) : (other, row)
  }

  /// The channel that goes out of each weight, in order.
  package var outputChannels: [Int] {
    (0..<rows).flatMap { row in
      (0..<columns).flatMap { column in Array(repeating: channels(row, column).output, count: taps) }
    }
  }

  /// The factors of the part's sums, where it sums integers.
  package var multiplierRole: ParameterRole {
    switch weightRole {
    case .depthwiseWeight: .depthwiseMultiplier
    case .pointwiseWeight: .pointwiseMultiplier
    default: .multiplier
    }
  }
}
