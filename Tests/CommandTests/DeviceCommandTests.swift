import Swiftlet
import Testing

/// What the command says where there is no CUDA device, and shows where there is one.
@Suite struct DeviceCommandTests {
  private static let hasDevice = (try? CUDADriver.load().device(0)) != nil

  @Test(
    .enabled(if: !hasDevice, "there is a CUDA device"),
    arguments: [
      "devices", "devices --json", "bench MODEL --device cuda", "bench MODEL --engine cuda:float16",
      "upscale photo.png -o out.png -m MODEL --device cuda:1", "eval MODEL --data . --device cuda --precision float16",
    ]) func `without a device it is one line`(arguments: String) throws
  {
    try Workplace().check(CommandCase(arguments, 1, "swiftlet: there is no CUDA device: …"))
  }

  @Test(.enabled(if: hasDevice, "there is no CUDA device")) func `with a device it is a table`() throws {
    let place = try Workplace()
    #expect(try place.run(["devices"]).output.contains("compute capability"))
    let result = try place.run(["bench", "MODEL", "--device", "cuda", "--runs", "1"])
    #expect(result.code == 0 && result.output.contains("cuda, float32"), "\(result.error)")
  }
}
