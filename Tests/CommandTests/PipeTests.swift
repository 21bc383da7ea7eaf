import Foundation
import Swiftlet
import Testing

/// What goes into a pipe or a file has tables that fit 120 columns, and whole sentences, unless COLUMNS says how wide they are.
@Suite struct PipeTests {
  @Test func `tables fit a pipe and sentences are whole`() throws {
    let place = try Workplace()
    let saved = try place.run(["profile", "MODEL", "--input", "1x1x8x8", "--runs", "1", "--warmup", "0", "--json"])
    try saved.outputBytes.write(to: URL(fileURLWithPath: place.path("a.json")))
    let all = try place.run(["profile", "a.json", "--wide"])
    let fitting = try place.run(["profile", "a.json"], under: "export COLUMNS=120")
    for shell in ["unset COLUMNS", "export COLUMNS=", "export COLUMNS=0"] {
      let piped = try place.run(["profile", "a.json"], under: shell)
      #expect(piped.code == 0 && piped.output != all.output)
      let rows = piped.output.split(separator: "\n").filter { $0.contains("%") && $0.contains("  ") }
      #expect(!rows.isEmpty && rows.allSatisfy { fitting.output.contains($0) && $0.count <= 120 }, "\(piped.output)")
    }
    #expect(try place.run(["profile", "a.json"], under: "export COLUMNS=100").output != all.output)
    // Lines on the way, which go to standard error.
    try AtomicFile.write(
      Array(
        """
        model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
        data: {kind: super-resolution, folders: ., patch: 16, patches-per-picture: 12}
        validation: {folder: .}
        training: {epochs: 1, batch-size: 4}

        """.utf8), to: place.path("recipe.yaml"))
    let pruned = try place.run(
      ["prune", "MODEL", "--sparsity", "0.5", "--align", "1", "--recipe", "recipe.yaml"], under: "unset COLUMNS")
    #expect(
      pruned.code == 0 && pruned.error.split(separator: "\n").contains { $0.hasPrefix("epoch 1/1: ") && $0.contains("psnr") },
      "\(pruned.error)")
  }

  /// What is held against each other stays side by side.
  @Test(arguments: [72, 80, 100]) func `two runs are one table`(width: Int) throws {
    let place = try Workplace()
    let long = "a-run-with-a-name-that-is-long-enough-to-be-broken-in-two-lines"
    try AtomicFile.write(
      Array(
        """
        model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
        data: {kind: super-resolution, folders: ., patch: 16, patches-per-picture: 12}
        training: {epochs: 1, batch-size: 4}

        """.utf8), to: place.path("recipe.yaml"))
    #expect(try place.run(["train", "recipe.yaml", "-o", long, "--threads", "1"]).code == 0)
    #expect(
      try place.run([
        "train", "recipe.yaml", "-o", "other", "--threads", "2", "--set", "data.folders=[., ., ., ., ., ., ., ., .]",
      ])
      .code == 0)
    let result = try place.run(["runs", "diff", long, "other"], under: "export COLUMNS=\(width)")
    let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(result.code == 0 && lines.allSatisfy { $0.count <= width }, "\(result)")
    // One table has no empty line in it.
    #expect(lines.dropLast().allSatisfy { !$0.isEmpty } && lines[0].contains("other"), "\(result.output)")
    #expect(lines.contains { $0.hasPrefix("threads") && $0.contains("1") && $0.contains("2") }, "\(result.output)")
  }
}
