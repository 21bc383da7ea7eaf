import Foundation
import Swiftlet
import Testing

/// What the command says where there is no CUDA device, and shows where there is one.
@Suite struct DeviceCommandTests {
  private static let hasDevice = (try? CUDADriver.load().device(0)) != nil

  @Test(
    .enabled(if: !hasDevice, "there is a CUDA device"),
    arguments: [
      "devices", "bench MODEL --device cuda", "bench MODEL --engine cuda:float16",
      "upscale photo.png -o out.png -m MODEL --device cuda:1", "eval MODEL --data . --device cuda --precision float16",
      "profile MODEL --device cuda", "profile MODEL --engine cuda:1:float16 --input 1x1x8x8 --diff MODEL",
      "explain MODEL MODEL --device cuda:1 --precision float16", "compare MODEL --device cuda", "ladder --device cuda",
      "bench MODEL --train --input 2x1x8x8 --device cuda",
      "train --architecture vdsr --kind super-resolution --data . -o run --device cuda:1",
    ]) func `without a device it is one line`(arguments: String) throws
  {
    try Workplace().check(CommandCase(arguments, 1, "swiftlet: there is no CUDA device: …"))
  }

  /// A device that is not here can be chosen for all the same.
  @Test(
    .enabled(if: !hasDevice, "there is a CUDA device"), arguments: ["kernels --device cuda", "kernels MODEL --device cuda:1"])
  func `what needs no device is named`(arguments: String) throws {
    try Workplace().check(CommandCase(arguments, 1, "…or take --device h100, which need not be here…"))
  }

  /// What is for a model is refused without one.
  @Test(arguments: [
    "kernels --precision bfloat16", "kernels --device h100 --precision float16", "kernels --input 1x1x8x8", "kernels --each",
  ]) func `options of a model need one`(arguments: String) throws {
    try Workplace().check(CommandCase(arguments, 64, "… says what to choose for a model; name one, or leave it out…"))
  }

  @Test func `a line a layer, or all`() throws {
    let place = try Workplace()
    let short = try place.run(["kernels", "MODEL", "--device", "h100"]).output,
      all = try place.run(["kernels", "MODEL", "--device", "h100", "--wide"]).output
    #expect(short.contains("taken") == false && all.contains("taken, because") && short.count * 3 < all.count, "\(short)")
    #expect(short.contains("at least") && short.split(separator: "\n").count < 20)
  }

  /// Programs that ask for JSON are answered in it.
  @Test(.enabled(if: !hasDevice, "there is a CUDA device")) func `without a device JSON says so`() throws {
    let result = try Workplace().run(["devices", "--json"])
    let report = try #require(try JSONSerialization.jsonObject(with: result.outputBytes) as? [String: Any])
    #expect(result.code == 1 && (report["error"] as? String)?.hasPrefix("there is no CUDA device") == true)
    #expect((report["devices"] as? [Any])?.isEmpty == true && result.error.split(separator: "\n").count == 1)
  }

  @Test(.enabled(if: hasDevice, "there is no CUDA device")) func `with a device it is a table`() throws {
    let place = try Workplace()
    #expect(try place.run(["devices"]).output.contains("compute capability"))
    for precision in ["float32", "float16"] {
      let profile = try place.run(["profile", "MODEL", "--device", "cuda", "--precision", precision, "--runs", "3"])
      #expect(profile.code == 0 && profile.output.contains("Self CUDA"), "\(profile.error)")
      let explanation = try place.run(["explain", "MODEL", "--device", "cuda", "--precision", precision, "--runs", "3"])
      #expect(explanation.code == 0 && explanation.output.contains("gaps"), "\(explanation.error)")
    }
    let result = try place.run(["bench", "MODEL", "--device", "cuda", "--runs", "1"])
    #expect(result.code == 0 && result.output.contains("cuda, float32"), "\(result.error)")
  }
}
