import CZlib

/// How many bytes a file would have when it is packed.
package enum CompressedSize {
  /// By deflate, as in gzip and zip files, at its usual level.
  package static func deflated(_ bytes: [UInt8]) -> Int {
    let bound = Int(compressBound(uLong(bytes.count)))
    var length = uLong(bound)
    // What is packed is thrown away.
    let status = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bound) { buffer in
      bytes.withUnsafeBufferPointer {
        compress2(buffer.baseAddress, &length, $0.baseAddress, uLong(bytes.count), Z_DEFAULT_COMPRESSION)
      }
    }
    return status == Z_OK ? Int(length) : bytes.count
  }
}
