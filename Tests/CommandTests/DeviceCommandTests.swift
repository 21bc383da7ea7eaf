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
    ]) func `without a device it is one line`(arguments: String) throws
  {
    try Workplace().check(CommandCase(arguments, 1, "swiftlet: there is no CUDA device: …"))
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
    let result = try place.run(["bench", "MODEL", "--device", "cuda", "--runs", "1"])
    #expect(result.code == 0 && result.output.contains("cuda, float32"), "\(result.error)")
  }
}
