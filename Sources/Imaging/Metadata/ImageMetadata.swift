/// What travels beside the pixels.
///
/// On decoding the orientation of EXIF has been applied to the pixels, and the tag in `exif` and `xmp` says 1 (upright).
public struct ImageMetadata: Hashable, Sendable {
  /// An ICC colour profile.
  public var iccProfile: [UInt8]?
  /// EXIF as a TIFF structure, from its byte order mark (`II` or `MM`) on. Of a TIFF file: its tags of that kind, gathered.
  public var exif: [UInt8]?
  /// An XMP packet, UTF-8 XML.
  public var xmp: [UInt8]?
  /// The records of IPTC's Information Interchange Model.
  public var iptc: [UInt8]?
  /// How large the picture is in print.
  public var resolution: ImageResolution?
  /// Chunks of a PNG file that say how its colours are meant (`gAMA`, `cHRM`, `sRGB`, `cICP`) and its texts (`tEXt`, `zTXt`, `iTXt`, XMP
  /// not among them), in their order. Comments of a JPEG file are texts of the keyword `Comment`.
  public var chunks: [PNGChunk]

  public init(
    iccProfile: [UInt8]? = nil, exif: [UInt8]? = nil, xmp: [UInt8]? = nil, iptc: [UInt8]? = nil,
    resolution: ImageResolution? = nil, chunks: [PNGChunk] = []
  ) {
    self.iccProfile = iccProfile
    self.exif = exif
    self.xmp = xmp
    self.iptc = iptc
    self.resolution = resolution
    self.chunks = chunks
  }

  /// What says how the colours are meant, without which they would look otherwise; all else is dropped.
  public var coloursAlone: ImageMetadata { ImageMetadata(iccProfile: iccProfile, chunks: chunks.filter(\.isOfColour)) }
}

/// Pixels a length, across and down.
public struct ImageResolution: Hashable, Sendable {
  public enum Unit: Hashable, Sendable {
    /// The numbers say how wide a pixel is for its height, and nothing of lengths.
    case ratio
    case inch
    case centimetre
  }

  /// Above 0.
  public var horizontal: Double
  public var vertical: Double
  public var unit: Unit

  public init(horizontal: Double, vertical: Double, unit: Unit) {
    self.horizontal = horizontal
    self.vertical = vertical
    self.unit = unit
  }

  /// Pixels a metre; the numbers themselves where there is no unit.
  var perMetre: (horizontal: Double, vertical: Double) {
    let factor =
      switch unit {
      case .ratio: 1.0
      case .inch: 1 / 0.0254
      case .centimetre: 100.0
      }
    return (horizontal * factor, vertical * factor)
  }

  /// From whole pixels a metre, as PNG and BMP have them; pixels an inch where they are whole but for that rounding. Nil for 0.
  init?(perMetre horizontal: Int, _ vertical: Int) {
    guard horizontal > 0, vertical > 0 else { return nil }
    let inches = (Double(horizontal) * 0.0254, Double(vertical) * 0.0254)
    func isWhole(_ value: Double, _ count: Int) -> Bool {
      value.rounded() >= 1 && Int((value.rounded() / 0.0254).rounded()) == count
    }
    if isWhole(inches.0, horizontal), isWhole(inches.1, vertical) {
      self.init(horizontal: inches.0.rounded(), vertical: inches.1.rounded(), unit: .inch)
    } else {
      self.init(horizontal: Double(horizontal) / 100, vertical: Double(vertical) / 100, unit: .centimetre)
    }
  }

  /// From the tags of TIFF and EXIF: two fractions, and a unit (1 none, 2 inch, 3 centimetre). Nil where they say nothing.
  init?(_ structure: TIFFStructure) {
    guard let horizontal = structure.entries[0x011A]?.fraction, let vertical = structure.entries[0x011B]?.fraction,
      horizontal > 0, vertical > 0, horizontal < 1e9, vertical < 1e9
    else { return nil }
    switch structure.entries[0x0128]?.number ?? 2 {
    case 1: self.init(horizontal: horizontal, vertical: vertical, unit: .ratio)
    case 2: self.init(horizontal: horizontal, vertical: vertical, unit: .inch)
    case 3: self.init(horizontal: horizontal, vertical: vertical, unit: .centimetre)
    default: return nil
    }
  }

  /// The tags of TIFF.
  var entries: [UInt16: TIFFStructure.Entry] {
    func fraction(_ value: Double) -> TIFFStructure.Entry {
      // Whole numbers as they are, others to six digits.
      let scale: Double = value == value.rounded() || value >= 4000 ? 1 : 1_000_000
      let numbers = [Int((value * scale).rounded()), Int(scale)]
      return TIFFStructure.Entry(type: 5, count: 1, bytes: numbers.flatMap { TIFFStructure.Entry.little($0, 4) })
    }
    let unit = unit == .ratio ? 1 : unit == .inch ? 2 : 3
    return [0x011A: fraction(horizontal), 0x011B: fraction(vertical), 0x0128: .short(unit)]
  }
}
