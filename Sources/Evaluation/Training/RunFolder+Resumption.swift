import Files
import Training

extension RunFolder {
  /// What a training goes on from.
  enum Resumption {
    case record(RunRecord)
    /// The record is gone or damaged, as a clause says: the recipe, the checkpoint and the figures are there, and it is made anew of them.
    case withoutRecord(String)
    /// The training was ended before its first checkpoint stood: it begins, as its record says, if there is one.
    case unbegun(RunRecord?)
  }

  /// What there is to go on from. Throws where that is nothing.
  func resumption() throws(EvaluationError) -> Resumption {
    try checkPlaces()
    do throws(EvaluationError) {
      let record = try RunRecord(of: self)
      return isUnbegun(record) ? .unbegun(record) : .record(record)
    } catch {
      guard case .runFolder = error, FileReader.exists(recipe) else { throw error }
    }
    guard !FileReader.exists(last) else { return .withoutRecord(exists ? "is damaged or of another version" : "is gone") }
    guard !FileReader.exists(metrics), models.isEmpty else {
      throw .runFolder(
        path: path,
        reason:
          "its checkpoint 'last.safetensors' is gone, and there is nothing to go on from; train anew with 'swiftlet train "
          + "\(recipe.onOneLine)'")
    }
    return .unbegun(nil)
  }

  /// Whether nothing stands beside the record of a run but its recipe: it was killed before its first checkpoint.
  private func isUnbegun(_ record: RunRecord) -> Bool {
    record.step == 0 && models.isEmpty && ![last, metrics].contains { FileReader.exists($0) }
  }

  /// Throws where there is nothing to go on from, or a process is at work on it; else the record of what was begun, nil where it is gone.
  @discardableResult
  public func checkResumption() throws(EvaluationError) -> RunRecord? {
    let found = try FileClaims.apart { () throws(EvaluationError) in try resumption() }
    try checkIsFree(mend: "wait for its end")
    guard FileReader.exists(recipe) else {
      throw .runFolder(
        path: path, reason: "its 'recipe.yaml' is gone, or was never written; put it back, or train anew into another folder")
    }
    return switch found {
    case .record(let record): record
    case .unbegun(let record): record
    case .withoutRecord: nil
    }
  }

  /// Throws where a process is at work in the folder.
  func checkIsFree(mend: String) throws(EvaluationError) {
    guard FolderLock.isHeld(path) == true else { return }
    throw .runFolder(path: path, reason: "another training is at work there; \(mend)")
  }

  /// Throws where the folder holds anything that a run would write over: what a training has left that was killed before its record stood is nothing.
  ///
  /// - Parameter recipe: as the run writes it.
  func checkIsEmpty(for recipe: String) throws(EvaluationError) {
    if exists {
      // What was killed in its first moments begins again where it is begun by the same command.
      let isUnbegun = try FileClaims.apart { () throws(EvaluationError) in
        guard let record = try? RunRecord(of: self), self.isUnbegun(record) else { return false }
        return FileReader.exists(self.recipe) ? try recipeText == recipe : true
      }
      if isUnbegun { return }
      throw .runFolder(path: path, reason: "a run is there already; go on with --resume, or give another folder")
    }
    guard try !isEmpty else { return }
    let names = try wrapping { () throws(FileError) in try Folder.names(in: path) }
    let known = [self.recipe, last].map(Folder.name), hasRecipe = names.contains(known[0]),
      hasCheckpoint = names.contains(known[1])
    let holdsMore = !names.allSatisfy(known.contains)
    // A checkpoint of no step holds nothing; without one the recipe may be somebody's own.
    let isUnbegun = try FileClaims.apart { () throws(EvaluationError) in
      guard hasRecipe, !holdsMore else { return false }
      if hasCheckpoint { return (try? TrainingCheckpoint(contentsOf: last))?.step == 0 }
      return try recipeText == recipe
    }
    guard !isUnbegun else { return }
    let found =
      hasRecipe && hasCheckpoint
      ? ", and this one holds a recipe and a checkpoint, which 'swiftlet train --resume \(path)' goes on from"
      : hasRecipe && !holdsMore ? ", and this one holds a recipe" : ""
    throw .runFolder(path: path, reason: "the folder of a run must be empty\(found); give another")
  }
}
