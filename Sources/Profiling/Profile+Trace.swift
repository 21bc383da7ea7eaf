#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The trace of Chrome's format ("Trace Event Format", JSON object form), which Perfetto and chrome://tracing open.
private struct Trace: Encodable {
  struct Event: Encodable {
    var name: String
    /// The category.
    var cat: String
    /// The phase: X for a complete event, M for metadata.
    var ph: String
    /// Microseconds.
    var ts: Double
    var dur: Double?
    var pid = 1
    var tid = 1
    var args: [String: String]
  }

  var displayTimeUnit = "ms"
  var traceEvents: [Event]
}

extension Profile {
  /// The run as a trace in JSON: one event for the whole, and inside it one for every layer and band.
  public var trace: String {
    get throws {
      func micro(_ nanoseconds: Int) -> Double { Double(nanoseconds) / 1000 }
      var events = [
        Trace.Event(name: "process_name", cat: "__metadata", ph: "M", ts: 0, args: ["name": "swiftlet \(model)"]),
        Trace.Event(
          name: "thread_name", cat: "__metadata", ph: "M", ts: 0, args: ["name": "engine (\(roofs.threads) threads)"]),
        Trace.Event(
          name: "run", cat: "run", ph: "X", ts: 0, dur: micro(nanoseconds),
          args: ["input": input, "isa": roofs.isa, "precision": precision, "cpu": cpu].merging(
            machine.map { ["rates": $0.name] } ?? [:]
          ) { $1 }),
      ]
      var bands = [Int](repeating: 0, count: layers.count)
      for event in self.events {
        let layer = layers[event.layer]
        bands[event.layer] += 1
        events.append(
          Trace.Event(
            name: layer.name, cat: layer.operation, ph: "X", ts: micro(event.start), dur: micro(event.duration),
            args: [
              "kernels": layer.kernels.joined(separator: ", "), "threads": "\(event.threads)",
              "band": "\(bands[event.layer]) of \(layer.bandCount)", "output": layer.outputShape.description,
            ]))
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(Trace(traceEvents: events)), as: UTF8.self) + "\n"
    }
  }
}
