import Execution
import Synchronization
import Tensors

/// What sessions of a network take, as runners of it have found: who makes tiles of an image of the same size need not prepare a session to know.
final class SessionSizes: Sendable {
  private struct Key: Hashable {
    var network: String
    /// The shape of the input, and of the image that it is cut from.
    var shape: Shape
    var whole: Shape
    var conversion: SampleConversion
  }

  private let sizes = Mutex<[Key: Int]>([:])
  /// Images of other sizes come and go.
  private static let capacity = 4096

  func byteCount(_ network: String, _ shape: Shape, whole: Shape, _ conversion: SampleConversion) -> Int? {
    sizes.withLock { $0[Key(network: network, shape: shape, whole: whole, conversion: conversion)] }
  }

  func note(_ byteCount: Int, _ network: String, _ shape: Shape, whole: Shape, _ conversion: SampleConversion) {
    sizes.withLock { sizes in
      if sizes.count >= Self.capacity { sizes = [:] }
      sizes[Key(network: network, shape: shape, whole: whole, conversion: conversion)] = byteCount
    }
  }
}
