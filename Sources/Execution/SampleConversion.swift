import Tensors

/// What a device does itself at either end of a network that makes an image of an image: pictures then are copied as samples of 8 or 16 bits,
/// in place of planes of float32.
///
/// The inputs of a session that converts are, one behind the other, those that there are of the picture and `kept`; its outputs the picture, and notes
/// of the blocks that have seen what came and what was made. All are tensors of bytes (`uint8`), but for planes and notes.
package struct SampleConversion: Hashable, Sendable {
  /// From samples to the planes of the network; nil where planes come.
  package var input: SampleInput?
  /// From the network's planes to samples; nil where planes leave.
  package var output: SampleOutput?

  package init(input: SampleInput? = nil, output: SampleOutput? = nil) {
    self.input = input
    self.output = output
  }

  /// Whether there is nothing to do.
  package var isEmpty: Bool { input == nil && output == nil }
}

/// Samples as files hold them: row by row, those of a pixel together.
package struct SampleFormat: Hashable, Sendable {
  /// 8 or 16.
  package var bitDepth: Int
  /// Samples of a pixel.
  package var channels: Int

  package init(bitDepth: Int, channels: Int) {
    self.bitDepth = bitDepth
    self.channels = channels
  }

  package var pixelByteCount: Int { channels * bitDepth / 8 }

  /// The tensor of bytes of a picture.
  package func shape(height: Int, width: Int) -> Shape {
    Shape(batch: 1, channels: 1, height: height, width: width * pixelByteCount)
  }
}

/// How samples become the planes of a network.
package struct SampleInput: Hashable, Sendable {
  /// A plane on the scale 0...255: `weights[0] * sample[first] + weights[1] * sample[first + 1] + ... + offset`, each operation rounded.
  package struct Mix: Hashable, Sendable {
    /// One, or three.
    package var weights: [Float]
    package var first: Int
    package var offset: Float

    package init(weights: [Float], first: Int, offset: Float) {
      self.weights = weights
      self.first = first
      self.offset = offset
    }
  }

  package var format: SampleFormat
  /// One for each channel of the network, which has three at most.
  package var mixes: [Mix]
  /// What a level is inside the network.
  package var unit: Float

  package init(format: SampleFormat, mixes: [Mix], unit: Float) {
    self.format = format
    self.mixes = mixes
    self.unit = unit
  }

  package static let mostPlanes = 3
}

/// How a network's planes become samples: `gain * v + offset` on the scale 0...255, clipped, halves to even.
package struct SampleOutput: Hashable, Sendable {
  /// As many channels as the network makes, three at most; or one, which is mixed.
  package var format: SampleFormat
  /// What the one sample has of each plane; empty where each plane is a sample.
  package var mix: [Float]
  package var gain: Float
  package var offset: Float

  package init(format: SampleFormat, mix: [Float] = [], gain: Float, offset: Float = 0) {
    self.format = format
    self.mix = mix
    self.gain = gain
    self.offset = offset
  }

  /// What enters beside the picture: which rows and columns of the output count for the notes.
  package struct Kept: Hashable, Sendable {
    package var rows: Range<Int>
    package var columns: Range<Int>

    package init(rows: Range<Int>, columns: Range<Int>) {
      self.rows = rows
      self.columns = columns
    }

    package static let shape = Shape(batch: 1, channels: 1, height: 1, width: 4 * 4)

    /// Writes it as the device reads it.
    package func write(to target: UnsafeMutableRawPointer) {
      for (index, value) in [rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound].enumerated() {
        target.storeBytes(of: Int32(value), toByteOffset: index * 4, as: Int32.self)
      }
    }
  }
}

/// What the blocks of a device have seen of numbers.
package struct SampleNotes: Hashable, Sendable {
  package var low = Float.infinity
  package var high = -Float.infinity
  package var isFinite = true

  /// Three numbers a block: the least, the greatest, and whether one was not finite.
  package init(_ notes: UnsafeBufferPointer<Float>) {
    for block in stride(from: 0, to: notes.count, by: 3) {
      low = min(low, notes[block])
      high = max(high, notes[block + 1])
      if notes[block + 2] != 0 { isFinite = false }
    }
  }
}
