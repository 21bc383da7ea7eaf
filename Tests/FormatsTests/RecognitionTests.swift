import Architectures
import Foundation
import Networks
import Tensors
import Testing

@testable import Formats

/// Checkpoints whose tensors tell what they are.
@Suite struct RecognitionTests {
  /// Small networks of every architecture, under our names.
  static let architectures: [Architecture] = [
    .vdsr(VDSR(depth: 4, features: 3)), .vdsr(VDSR(depth: 4, features: 3, convolution: .separable)),
    .seeInTheDark(SeeInTheDark(features: 2)), .smallResNet(SmallResNet(features: 2)),
    .resNet18(ResNet18(classes: 3, features: 1)),
    .srvgg(SRVGG(scale: 4, features: 4, convolutions: 2)), .srvgg(SRVGG(scale: 1, channels: 1, features: 3, convolutions: 0)),
    .srvgg(SRVGG(scale: 2, features: 5, convolutions: 11)), .rrdb(RRDB(scale: 4, features: 4, blocks: 2, growth: 3)),
    .rrdb(RRDB(scale: 2, features: 3, blocks: 1, growth: 2)),
    .rrdb(RRDB(scale: 1, channels: 1, features: 3, blocks: 1, growth: 2)),
  ]

  /// As a checkpoint has them: a PReLU's slopes are its weight.
  static func state(_ network: Network, prefix: String = "") -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: network.parameters.map { name, tensor in
        (prefix + (name.hasSuffix(".slope") ? name.dropLast(5) + "weight" : name), tensor)
      })
  }

  @Test(arguments: architectures, ["", "params_ema.", "module."]) func tellsItself(_ architecture: Architecture, prefix: String)
    throws
  {
    let network = try architecture.network(.random(seed: 3))
    let result = try #require(CheckpointConversion.recognized(Self.state(network, prefix: prefix)))
    #expect(result.network == network && result.report.architecture == architecture)
  }

  /// A tensor too many or too few, and it is no longer certain.
  @Test(arguments: architectures) func nothingIsLeftAndNothingMissing(_ architecture: Architecture) throws {
    let state = Self.state(try architecture.network(.random(seed: 4)))
    var more = state
    more["other.weight"] = Tensor(zeros: [2])
    #expect(CheckpointConversion.recognized(more) == nil)
    for name in state.keys.sorted().prefix(5) {
      var fewer = state
      fewer[name] = nil
      #expect(CheckpointConversion.recognized(fewer)?.network.parameters.count != state.count, "\(name)")
      if let result = CheckpointConversion.recognized(fewer) { #expect(result.report.leftOver.isEmpty) }
    }
  }

  /// What no tensor tells is assumed of no network but the published ones.
  @Test func residualScalesAreOfPublishedNetworks() throws {
    #expect(CheckpointConversion.recognized(try EDSR(features: 4, blocks: 2).network(.random(seed: 5)).parameters) == nil)
    let baseline = try EDSR.original().network(.zeros)
    #expect(CheckpointConversion.recognized(baseline.parameters)?.network == baseline)
    #expect(CheckpointConversion.recognized([:]) == nil)
    #expect(CheckpointConversion.recognized(["conv.weight": Tensor(zeros: [4, 3, 3, 3])]) == nil)
  }

  /// What is wrong is said of the architecture that was meant, whichever tensor it is.
  @Test(arguments: architectures) func nearestAndWhy(_ architecture: Architecture) throws {
    let state = Self.state(try architecture.network(.random(seed: 8)))
    let kind = try #require(CheckpointConversion.Kind(rawValue: architecture.name))
    func reason(_ tensors: [String: Tensor]) -> RecognitionError? {
      do {
        _ = try CheckpointConversion.recognizing(tensors)
      } catch {
        return error
      }
      return nil
    }
    var checked = 0
    // Of networks of many layers that are alike some are enough.
    let all = state.keys.sorted(), names = all.indices.filter { $0 % (all.count / 30 + 1) == 0 }.map { all[$0] }
    for name in names {
      guard let tensor = state[name] else { continue }
      var broken = state
      // One number that is none.
      broken[name]?.withUnsafeMutableFloats { $0[$0.count / 2] = .nan }
      if case .nearly(let nearest, .conversion(.notFinite(let tensor))) = reason(broken) {
        #expect(nearest == kind && tensor == name)
        checked += 1
      } else {
        Issue.record("\(name) with NaN: \(String(describing: reason(broken)))")
      }
      // A tensor of another shape, and one that is not there: what tells sizes may tell others, but never nothing.
      broken[name] = Tensor(zeros: [tensor.count + 1, 1])
      let misshapen = reason(broken).map { "\($0)" }
      #expect(misshapen.map { $0.contains("nearest to ") } ?? false, "\(name): \(misshapen ?? "recognized")")
      broken[name] = nil
      if let missing = reason(broken).map({ "\($0)" }) {
        #expect(missing.contains("nearest to "), "\(name): \(missing)")
        if missing.contains("missing") {  // Of two convolutions what is left may be another's as well.
          #expect(missing.contains("nearest to \(kind.rawValue)") || state.count < 6, "\(name): \(missing)")
        }
      }
    }
    #expect(checked == names.count)
    var more = state
    more["other.weight"] = Tensor(zeros: [2])
    #expect(reason(more) == .nearly(kind, .leftOver(["other.weight"])))
  }

  @Test func whatIsUnknown() throws {
    func text(_ tensors: [String: Tensor]) -> String {
      do {
        _ = try CheckpointConversion.recognizing(tensors)
      } catch {
        return "\(error)"
      }
      return "recognized"
    }
    #expect(text([:]).hasPrefix("they resemble none of vdsr, edsr"))
    #expect(text(["transformer.h.0.attn.weight": Tensor(zeros: [4, 4])]).hasPrefix("they resemble none of"))
    let edsr = try EDSR(features: 4, blocks: 2).network(.random(seed: 5))
    #expect(text(edsr.parameters).contains("whose residual scale no tensor tells"))
  }

  /// Other programs' names of the same network.
  @Test(arguments: ["esrgan", "first"]) func namesOfESRGAN(_ form: String) throws {
    let network = try RRDB(features: 4, blocks: 2, growth: 3).network(.random(seed: 6))
    let naming = CheckpointNaming.rrdb[form == "first" ? 2 : 1]
    var state: [String: Tensor] = [:]
    for (name, tensor) in network.parameters {
      guard let (module, role) = name.splitAtLastDot else { continue }
      state[naming.rrdbModule(module, blocks: 2) + "." + role] = tensor
    }
    #expect(state.keys.contains(form == "first" ? "model.1.sub.1.RDB3.conv5.0.bias" : "RRDB_trunk.1.RDB3.conv5.bias"))
    #expect(state.keys.contains(form == "first" ? "model.1.sub.2.weight" : "trunk_conv.weight"))
    let result = try #require(CheckpointConversion.recognized(state))
    #expect(result.network == network && result.report.naming == naming.title)
  }

  /// Sizes of published networks.
  @Test func publishedCounts() throws {
    #expect(try RRDB().network(.zeros).parameterCount == 16_697_987)
    #expect(try RRDB(blocks: 6).network(.zeros).parameterCount == 4_467_779)
    #expect(try SRVGG().network(.zeros).parameterCount == 621_424)
    #expect(try SRVGG(convolutions: 32).network(.zeros).parameterCount == 1_213_296)
  }
}
