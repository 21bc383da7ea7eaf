import Tensors

/// A model of images whose sessions are given their inputs where a device copies them from.
package protocol StagedModel: Model {
  /// A session for one image of a shape, whose kernels are chosen as for one of another: see `SampleConversion` for what it is given.
  ///
  /// Where the shape is that of a tile, two runs of it may be under way.
  /// Throws where samples are to enter or leave and the network is not of one input and one output of such planes.
  func session(
    input: Shape, kernelsFor whole: Shape, converting conversion: SampleConversion
  ) throws(ExecutionError) -> any StagedSession
}

/// A session that can be given its inputs where a device copies them from, and asked for its outputs where it copies them to. Several runs may be
/// under way: while the device is at one, values of the next are copied there and those of the last back.
package protocol StagedSession: Session {
  /// Runs that may be under way at once.
  var placeCount: Int { get }
  /// Where each input of a run goes, as its tensor lies; none of that number is under way.
  func inputPlaces(_ place: Int) -> [UnsafeMutableRawPointer]
  /// Begins a run of the network on what was put in a place.
  func begin(_ place: Int) throws(ExecutionError)
  /// Waits for the run in a place; runs end in the order in which they were begun.
  ///
  /// - Returns: where each output lies until the next run in this place, as its tensor.
  func finish(_ place: Int) throws(ExecutionError) -> [UnsafeRawPointer]
}
