import Imaging

/// Pictures of one size and depth of 8 bits beside one another, each under its name.
struct ComparisonSheet {
  /// White pixels between pictures.
  static let gap = 4

  private(set) var panels: [(label: String, image: Image)] = []

  mutating func add(_ image: Image, _ label: String) { panels.append((label, image)) }

  /// How often a dot of a letter is repeated: letters grow with the pictures.
  private var dotSize: Int { max(1, (panels.first?.image.width ?? 0) / 250) }

  /// The rows above the pictures.
  var labelHeight: Int { DotMatrixFont.height * dotSize + 1 }

  /// All in one picture. A name that is wider than its picture is cut.
  var image: Image {
    guard let first = panels.first?.image else { return Image(width: 1, height: 1, colourModel: .grey, samples: .uint8([255])) }
    let channels = first.channels, top = labelHeight
    let width = panels.count * (first.width + Self.gap) - Self.gap
    var samples = [UInt8](repeating: 255, count: width * (top + first.height) * channels)
    for (place, panel) in panels.enumerated() {
      let left = place * (first.width + Self.gap)
      let label = String(panel.label.prefix(first.width / (DotMatrixFont.width * dotSize)))
      for (row, dots) in DotMatrixFont.dots(label).enumerated() {
        for (column, isSet) in dots.enumerated() where isSet {
          for y in row * dotSize..<(row + 1) * dotSize {
            let start = (y * width + left + column * dotSize) * channels
            for sample in start..<start + dotSize * channels { samples[sample] = 0 }
          }
        }
      }
      guard case .uint8(let values) = panel.image.samples else { continue }
      let rowLength = first.width * channels
      for row in 0..<first.height {
        let start = ((top + row) * width + left) * channels
        samples.replaceSubrange(start..<start + rowLength, with: values[row * rowLength..<(row + 1) * rowLength])
      }
    }
    return Image(width: width, height: top + first.height, colourModel: first.colourModel, samples: .uint8(samples))
  }
}
