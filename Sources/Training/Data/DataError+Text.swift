import Files
import Tensors

/// One line for each error: what is wrong, and what mends it.
extension DataError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let error): error.description
    case .image(let error): error.description
    case .format(let error): error.description
    case .noPictures(let folder): "the folder '\(folder.onOneLine)' holds no pictures; give one that does"
    case .noClasses(let folder):
      "the folder '\(folder.onOneLine)' holds no folders of pictures; give one with a folder for each class"
    case .noPatches(let side): "no picture holds a patch of \(side)x\(side) pixels; give larger pictures or a smaller patch"
    case .pictureTooSmall(let path, let width, let height, let needed):
      "'\(path.onOneLine)': \(width)x\(height) pixels hold no patch of \(needed)x\(needed); leave it out or take smaller patches"
    case .pictureSize(let path, let width, let height, let expected):
      "'\(path.onOneLine)': \(width)x\(height) pixels are not the \(expected) of the others; give a size that all are brought to"
    case .noMask(let picture, let folder):
      "'\(picture.onOneLine)' has no mask of its name in '\(folder.onOneLine)'"
    case .maskSize(let picture, let mask):
      "'\(mask.onOneLine)' is not of the size of '\(picture.onOneLine)'; a mask has a pixel for each of its picture"
    case .maskLevel(let path, let level, let classes):
      "'\(path.onOneLine)': the grey level \(level) stands for none of \(classes) classes, which are the levels from 0 on"
    case .rowCounts(let path, let inputs, let targets):
      "'\(path.onOneLine)': inputs of \(inputs) and targets of \(targets) make no samples; both need the same number of rows, at least one"
    case .sampleShapes(let first, let other):
      "samples of \(first) and \(other) make no batch; bring them to one size, or give training.batch-size 1"
    case .allDamaged(let count, let first): "none of \(count) samples can be read; the first: \(first)"
    case .form(let reason): "the form of the pictures is not possible: \(reason)"
    case .option(let name, let value, let allowed): "\(name) cannot be \(value.onOneLine); give \(allowed)"
    }
  }
}
