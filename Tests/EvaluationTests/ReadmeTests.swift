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

  @Test(arguments: ["values", "enlarge"]) func `the library examples of the README are those that are compiled`(name: String)
    throws
  {
    let source = try lines("Tests/EvaluationTests/ReadmeExample.swift")
    let start = try #require(source.firstIndex { $0.hasSuffix("BEGIN README \(name)") })
    let end = try #require(source.firstIndex { $0.hasSuffix("END README \(name)") })
    let isIndented = source[start].hasPrefix(" ")
    let code = source[(start + 1)..<end].map { isIndented && $0.hasPrefix("    ") ? String($0.dropFirst(4)) : $0 }
    let readme = try lines("README.md")
    let fences = readme.indices.filter { readme[$0] == "import Swiftlet" }
    let shown = fences.map { fence in
      Array(readme[(fence + 1)...].prefix { $0 != "```" }.drop { $0.isEmpty }.prefix(code.count))
    }
    #expect(shown.contains(code))
  }

  @Test func `the library example runs`() throws {
    let input = "/tmp/swiftlet-readme-\(UInt32.random(in: 0 ... .max)).png", output = input + ".out.png"
    defer { for path in [input, output] { unlink(path) } }
    try AtomicFile.write(TestChart.image(width: 20, height: 14).encoded(as: .png), to: input)
    try ReadmeExample.run(photoPath: input, outputPath: output)
    let image = try ImageCodec.decode(FileReader.bytes(of: output, limit: 1 << 20))
    #expect(image.width == 40 && image.height == 28)
    unlink(output)
    enlarge(input, to: output)
    #expect(try Image(path: output).width == 40)
    // An error is told, and nothing is thrown.
    enlarge(input + ".none", to: output)
  }
}
