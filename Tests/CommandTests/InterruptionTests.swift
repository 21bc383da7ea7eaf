import Foundation
import Swiftlet
import Testing

/// Every command that a signal ends says what stands, and ends by the signal.
@Suite struct InterruptionTests {
  private static let recipe = """
    model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
    data: {kind: super-resolution, folders: pictures, patch: 16, patches-per-picture: 12}
    training: {epochs: 100000, batch-size: 4}

    """

  #if os(Linux)
    @Test(
      arguments: [
        ("bench MODEL --input 1x1x256x256 --runs 1024", "interrupted; no file was written"),
        ("profile MODEL --input 1x1x256x256 --runs 1024", "interrupted; no file was written"),
        ("eval MODEL --data many --save saved", "interrupted; "),
        ("quantize MODEL --data pictures --input 1x1x512x512 -o integers.safetensors", "interrupted; no file was written"),
        ("data prepare pictures --patch 8 --stride 1 --flips --threads 1 -o a.h5", "interrupted; no file was written"),
        ("upscale many -o out -m MODEL", " of 300 pictures are done, and the same command with --skip-existing goes on"),
        ("train recipe.yaml -o run", "go on with 'swiftlet train --resume run'"),
        (
          "prune MODEL --sparsity 0.5 --align 1 --recipe recipe.yaml --runs runs -o small.safetensors",
          "the same command goes on with --runs 'runs'"
        ),
      ], [SIGINT, SIGTERM])
    func `one line, and the signal`(command: (line: String, message: String), signal: Int32) throws {
      let place = try Workplace()
      for (folder, count, side) in [("pictures", 4, 300), ("many", 300, 120)] {
        try FileManager.default.createDirectory(atPath: place.path(folder), withIntermediateDirectories: true)
        let bytes = try TestChart.image(width: side, height: side).encoded(as: .png)
        for index in 0..<count { try AtomicFile.write(bytes, to: place.path("\(folder)/\(index).png")) }
      }
      try AtomicFile.write(Array(Self.recipe.utf8), to: place.path("recipe.yaml"))
      let process = Process(), errors = Pipe()
      process.executableURL = Workplace.executable
      process.arguments = command.line.split(separator: " ").map { $0 == "MODEL" ? "model.safetensors" : String($0) }
      process.currentDirectoryURL = place.folder
      process.environment = ProcessInfo.processInfo.environment.merging(["XDG_CACHE_HOME": place.path("cache")]) { $1 }
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
      try process.run()
      // From when on signals are waited for.
      let status = "/proc/\(process.processIdentifier)/status"
      func isReady() -> Bool {
        guard let text = try? String(contentsOfFile: status, encoding: .utf8) else { return !process.isRunning }
        return text.firstMatch(of: /SigBlk:\s*0*[1-9a-f]/) != nil
      }
      while !isReady() { usleep(2000) }
      // Trainings are at work when their folder is there.
      if command.line.contains("recipe.yaml") {
        let record = place.path(command.line.hasPrefix("train") ? "run/metrics.csv" : "runs/round-1/metrics.csv")
        while !FileReader.exists(record), process.isRunning { usleep(2000) }
      }
      while command.line.hasPrefix("upscale"), !FileReader.exists(place.path("out/0.png")), process.isRunning { usleep(2000) }
      usleep(50_000)
      kill(process.processIdentifier, signal)
      let lines = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        .split(separator: "\n").filter { $0.hasPrefix("swiftlet: interrupted; ") || $0.hasPrefix("swiftlet: stopped") }
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal, "\(lines)")
      #expect(lines.count == 1 && lines.first?.contains(command.message) == true, "\(lines)")
      for name in ["integers.safetensors", "a.h5", "small.safetensors"] { #expect(!FileReader.exists(place.path(name))) }
      #expect(try place.names().allSatisfy { !$0.hasPrefix(".") })
    }
  #endif

  /// As scripts see it.
  @Test func `a shell sees 143`() throws {
    let result = try Workplace().run(
      ["bench", "MODEL", "--runs", "1024", "--input", "1x1x256x256"],
      under: "\"$0\" \"$@\" & sleep 1; kill -TERM $!; wait $!; exit $?")
    #expect(result.code == 143 && result.error.contains("swiftlet: interrupted; no file was written\n"), "\(result)")
  }
}
