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
  /// The run as a trace in JSON: one event for the whole, and inside it one for every layer and band. A device has a track of its own, beside
  /// what its host does.
  public var trace: String {
    get throws {
      func micro(_ nanoseconds: Int) -> Double { Double(nanoseconds) / 1000 }
      var events = [
        Trace.Event(name: "process_name", cat: "__metadata", ph: "M", ts: 0, args: ["name": "swiftlet \(model)"]),
        Trace.Event(
          name: "thread_name", cat: "__metadata", ph: "M", ts: 0,
          args: ["name": device == nil ? "engine (\(roofs.threads) threads)" : "host"]),
        Trace.Event(
          name: "run", cat: "run", ph: "X", ts: 0, dur: micro(nanoseconds),
          args: ["input": input, "isa": roofs.isa, "precision": precision, "cpu": cpu].merging(
            machine.map { ["rates": $0.name] } ?? [:]
          ) { $1 }),
      ]
      if let device {
        events.append(
          Trace.Event(
            name: "thread_name", cat: "__metadata", ph: "M", ts: 0, tid: 2,
            args: ["name": "\(device.device.name) (\(roofs.threadText(isOfDevice: true)))"]))
        var start = 0
        for (name, duration) in device.hostRows {
          events.append(
            Trace.Event(name: name, cat: "host", ph: "X", ts: micro(start), dur: micro(duration), args: [:]))
          start += duration
        }
      }
      var bands = [Int](repeating: 0, count: layers.count)
      for event in self.events {
        let layer = layers[event.layer]
        bands[event.layer] += 1
        var arguments = ["kernels": layer.kernels.joined(separator: ", "), "output": layer.outputShape.description]
        if device == nil {
          arguments["threads"] = "\(event.threads)"
          arguments["band"] = "\(bands[event.layer]) of \(layer.bandCount)"
        } else {
          // Of a node that takes several kernels one after the other.
          if layer.kernels.count == layer.stepCount, bands[event.layer] <= layer.stepCount {
            arguments["kernels"] = layer.kernels[bands[event.layer] - 1]
          }
          arguments["node"] = ((layer.joined ?? []) + [layer.name]).joined(separator: ", ")
          arguments["blocks"] = layer.blocks.map { "\($0.count)" }
        }
        events.append(
          Trace.Event(
            name: layer.name, cat: layer.operation, ph: "X", ts: micro(event.start), dur: micro(event.duration),
            tid: device == nil ? 1 : 2, args: arguments))
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(Trace(traceEvents: events)), as: UTF8.self) + "\n"
    }
  }
}
