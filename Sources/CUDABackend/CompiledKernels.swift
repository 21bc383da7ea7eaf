import CUDAKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file of PTX, from which each kernel is taken as a module of its own: the driver compiles all that it gets, and a network needs few
/// kernels of the two dozen.
struct CompiledKernels: @unchecked Sendable {
  /// It ends in a zero and is there for as long as the process.
  private let text: UnsafeBufferPointer<CChar>
  /// What all kernels of the file need.
  private let head: Range<Int>
  /// By name.
  private let entries: [String: Range<Int>]

  static let forAll = CompiledKernels(cuda_kernels_80())
  static let forHopper = CompiledKernels(cuda_kernels_90a())

  /// Every kernel begins so, in the first column.
  private static let mark = "\n.visible .entry "

  private init(_ text: UnsafePointer<CChar>) {
    self.text = UnsafeBufferPointer(start: text, count: strlen(text))
    var starts: [Int] = []
    var at = text
    while let found = strstr(at, Self.mark) {
      starts.append(UnsafePointer(found) - text + 1)
      at = UnsafePointer(found) + 1
    }
    head = 0..<(starts.first ?? self.text.count)
    var entries: [String: Range<Int>] = [:]
    for (index, start) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1] : self.text.count
      let name = self.text[(start + Self.mark.utf8.count - 1)..<end].prefix { $0 != CChar(UInt8(ascii: "(")) }
      entries[String(decoding: name.map(UInt8.init(bitPattern:)), as: UTF8.self)] = start..<end
    }
    self.entries = entries
  }

  var names: Set<String> { Set(entries.keys) }

  /// The kernel as a module, which ends in a zero; nil where there is none of the name.
  func module(_ name: String) -> [CChar]? { entries[name].map { Array(text[head]) + Array(text[$0]) + [0] } }
}
