#if os(Linux)
  import Foundation
  import Testing

  /// What a full disk behind standard output takes away is a failure: `swiftlet info MODEL > report.txt` once ended well without it.
  @Suite struct StandardOutputTests {
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
