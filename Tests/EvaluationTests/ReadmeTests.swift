import Files
import Swiftlet
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct ReadmeTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

  private func lines(_ path: String) throws -> [String] {
    let bytes = try FileReader.bytes(of: Self.root + "/" + path, limit: 1 << 20)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test func `the library example of the README is the one that is compiled`() throws {
    let source = try lines("Tests/EvaluationTests/ReadmeExample.swift")
    let start = try #require(source.firstIndex { $0.contains("BEGIN README") })
    let end = try #require(source.firstIndex { $0.contains("END README") })
    let code = source[(start + 1)..<end].map { $0.hasPrefix("    ") ? String($0.dropFirst(4)) : $0 }
    let readme = try lines("README.md")
    let fence = try #require(readme.firstIndex(of: "import Swiftlet"))
    let shown = readme[(fence + 1)...].prefix { $0 != "```" }.drop { $0.isEmpty }
    #expect(Array(shown) == code)
  }

  @Test func `the library example runs`() throws {
    let input = "/tmp/swiftlet-readme-\(UInt32.random(in: 0 ... .max)).png", output = input + ".out.png"
    defer { for path in [input, output] { unlink(path) } }
    try AtomicFile.write(TestChart.image(width: 20, height: 14).encoded(as: .png), to: input)
    try ReadmeExample.run(photoPath: input, outputPath: output)
    let image = try ImageCodec.decode(FileReader.bytes(of: output, limit: 1 << 20))
    #expect(image.width == 40 && image.height == 28)
  }
}
