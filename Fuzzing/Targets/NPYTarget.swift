import Formats
import GeneratedNetworks
import Tensors

/// `.npy`: what is read comes back from what is written.
struct NPYTarget: FuzzTarget {
  let name = "npy"
  let sizeLimit = 1024

  func run(_ bytes: [UInt8]) {
    guard let tensor = made({ try NPYFile.read(bytes: bytes) }) else { return }
    guard let again = made({ try NPYFile.read(bytes: NPYFile.encoded(tensor)) }) else {
      fatalError("broken promise: \(tensor.shape) was written and is not read again")
    }
    promise(again.shape == tensor.shape && again.dataType == tensor.dataType, "\(tensor.shape) came back as \(again.shape)")
    promise(NetworkPromises.sameBits(["": again], ["": tensor]), "elements came back changed")
  }

  func seeds() throws -> [[UInt8]] {
    var seeds = [Shape([]), [3], [2, 3], [1, 2, 3, 4], [0, 2]].map { NPYFile.encoded(Tensor(zeros: $0)) }
    let floats = NPYFile.encoded(Tensor([2, 3], [1, 2, 3, 4, 5, 6]))
    // Other types and the order of Fortran in a header of the same length.
    for (from, to) in [
      ("<f4", ">f4"), ("<f4", "<f8"), ("<f4", "<f2"), ("<f4", "|u1"), ("<f4", "<i8"), ("<f4", "|b1"), ("False", "True "),
    ] {
      seeds.append(
        Array(String(decoding: floats.prefix(128), as: UTF8.self).replacing(from, with: to).utf8) + floats.dropFirst(128))
    }
    seeds.append(floats)
    return seeds
  }

  let dictionary = [
    "'descr'", "'fortran_order'", "'shape'", "<f4", ">f4", "<f8", "<f2", "<i8", "<i4", "<i2", "|i1", "|u1", "|b1", "True",
    "False",
    "4611686018427387904", "\u{93}NUMPY",
  ]
}
