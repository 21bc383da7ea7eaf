import Architectures

extension EvaluationError {
  /// Whether what was asked for is wrong in itself, whatever the files hold: the arguments of a command want another form.
  public var isUsage: Bool {
    switch self {
    case .scale, .targetSize, .trainingOption, .instructionSet, .unknownEngine(_, nil), .untimedEngine, .inputShape,
      .unknownModel,
      .outputNotFolder, .inputFiles, .outputFiles, .formatNeeded, .outputExtension, .scaleNotOffered,
      .unknownRates, .predictionOption, .repeatedIdentifier, .outputNeeded, .pagesNeedTIFF, .savedAmongData,
      .savedOverOther, .savedOverSheet, .unmeasuredScale, .namedTwice, .statement,
      .image(.invalidQuality):
      true
    case .architecture(let error): error.isUsage
    case .recipe(let error): error.isUsage
    case .noImageContract, .noPredictionContract, .contract, .inputCount, .contractScale, .outputTooLarge, .targetSmaller,
      .targetTooLarge, .notTileable, .memoryLimit, .memoryOfProcess, .trainingMemory, .trainingMemoryOfProcess, .unknownEngine,
      .execution, .network,
      .training,
      .pruning, .pruningConfiguration, .nothingToPrune, .targetOutOfReach, .notMeasurable, .trainingTarget, .trainingInput,
      .runFolder, .runAsModel, .noData, .notValidated, .nothingPretrained, .otherContract, .otherClasses, .openInput,
      .notFinite, .constantOutput,
      .format,
      .conversion,
      .notRecognized, .noPictures, .otherOutput, .writtenInPlace, .standsThere, .deviceForOutput, .outputIsInput,
      .picturesTooSmall, .inputArray,
      .inputNotFinite,
      .inputTooLarge,
      .nothingToSubstitute,
      .outputTaken,
      .pictureTooSmall, .nothingInCommon, .notProfile, .damagedProfile,
      .notMachine, .noLabel,
      .noLabels, .device, .quantization, .quantizationLoss, .lossWithoutTruth, .data, .image, .imageWithMend, .file:
      false
    }
  }
}

extension ArchitectureError {
  /// Whether a name or an option is wrong in itself.
  public var isUsage: Bool {
    switch self {
    case .unknownArchitecture, .unknownOption, .option: true
    case .tooLarge, .memory, .network: false
    }
  }
}
