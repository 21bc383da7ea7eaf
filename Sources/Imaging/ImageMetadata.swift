/// What travels beside the pixels, byte for byte as a file held it.
///
/// On decoding the orientation of EXIF has been applied to the pixels, and the tag in `exif` and `xmp` says 1 (upright).
public struct ImageMetadata: Hashable, Sendable {
  /// An ICC colour profile.
  public var iccProfile: [UInt8]?
  /// EXIF as a TIFF structure, from its byte order mark (`II` or `MM`) on.
  public var exif: [UInt8]?
  /// An XMP packet, UTF-8 XML.
  public var xmp: [UInt8]?

  public init(iccProfile: [UInt8]? = nil, exif: [UInt8]? = nil, xmp: [UInt8]? = nil) {
    self.iccProfile = iccProfile
    self.exif = exif
    self.xmp = xmp
  }
}
