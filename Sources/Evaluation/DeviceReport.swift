import CUDABackend

/// The CUDA devices of this machine, and what they say of themselves.
public struct DeviceReport: Hashable, Codable, Sendable, TextReport {
  /// The newest version of CUDA that the driver knows.
  public var driver: String
  public var devices: [CUDADevice]

  /// Why there are none.
  public struct Failure: Hashable, Codable, Sendable {
    public var error: String
    public var devices: [CUDADevice] = []

    public init(error: String) { self.error = error }
  }

  /// Throws where there is no driver, or no device.
  public init(_ load: () throws(CUDAError) -> CUDADriver = CUDADriver.load) throws(EvaluationError) {
    do throws(CUDAError) {
      let driver = try load()
      self.driver = try driver.version()
      devices = try driver.devices()
      if devices.isEmpty { throw .noDevice }
    } catch {
      throw .device(error)
    }
  }

  /// For people: one column a device.
  public var report: ReportText {
    var table = TextTable(["device"] + devices.map { "cuda:\($0.index)" })
    for (index, row) in (devices.first?.rows ?? []).enumerated() {
      table.append([row.name] + devices.map { $0.rows[index].value })
    }
    table.append(["driver"] + devices.map { _ in "CUDA \(driver)" })
    return "\(table)"
  }
}
