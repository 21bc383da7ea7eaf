/// Where training programs put the parameters of a model, the best first: averaged weights are those meant for use.
enum CheckpointKeys {
  static let averaged = [
    "params_ema", "state_dict_ema", "model_ema", "ema_model", "ema_state_dict", "ema", "generator_ema", "g_ema", "netG_ema",
    "averaged_model", "swa_model",
  ]
  static let plain = [
    "params", "state_dict", "model_state_dict", "model", "net", "network", "generator", "netG", "net_g", "weights",
  ]
  static let ordered = averaged + plain

  /// The place in the order of a prefix such as `state_dict.ema.`; none at all comes behind the averaged weights, and one that is not known
  /// behind all others.
  static func rank(ofPrefix prefix: String) -> Int {
    let parts = prefix.split(separator: ".")
    let places = parts.compactMap { part in ordered.firstIndex { $0 == part } }
    guard let first = places.min() else { return parts.isEmpty ? averaged.count : .max }
    return first < averaged.count ? first : first + 1
  }
}
