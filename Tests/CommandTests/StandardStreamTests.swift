#if os(Linux)
  import Foundation
  import Testing

  /// What a full disk behind standard output takes away is a failure: `swiftlet info MODEL > report.txt` once ended well without it. What
  /// standard input brings must fit.
  @Suite struct StandardStreamTests {
    /// The command once ended by a signal.
    @Test(arguments: [["upscale", "-", "-o", "out.png"], ["run", "MODEL", "--input", "-", "--output", "out.npy"]])
    func `more than the memory takes is one line`(_ arguments: [String]) throws {
      let place = try Workplace()
      let before = try place.names()
      // 300 MB of nothing, which take no room on a disk.
      let result = try place.run(arguments, under: "truncate -s 300000000 zeros; exec < zeros; rm zeros; ulimit -v 800000")
      #expect(result.code == 1 && result.output.isEmpty)
      #expect(
        result.error
          == "swiftlet: standard input needs more memory than this process may take; raise the limit (ulimit -v)\n")
      #expect(try place.names() == before)
    }

    @Test(arguments: ["--version", "info upscale-x2", "kernels", "info upscale-x2 --json"])
    func aFullDiskIsReported(_ arguments: String) throws {
      let process = Process()
      process.executableURL = Workplace.executable
      process.arguments = arguments.split(separator: " ").map(String.init)
      process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
      let errors = Pipe()
      process.standardError = errors
      try process.run()
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 1)
      #expect(text == "swiftlet: standard output was not written in full; free some space or choose another place\n")
    }
  }
#endif
