// Kernels for CUDA devices carried out on the CPU by their definition, against a plain reference in double precision.
#pragma once

#include "CUDAEmulatedDriver.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int images, height, width, inputChannels, outputChannels;
  int shuffle;           // 1, or 2: four runs of outputChannels / 4 channels go to four pixels
  int residual, second;  // 1: added
  int rectifies;         // 1: what is below 0 becomes 0 in the end
  int splits;            // 1, or so many blocks share the input channels of a tile and another kernel adds what they leave
  unsigned seed;         // of the numbers and of the order in which threads run
} CUDAKernelCase;

/// The name of a kernel of the table; null past the last.
const char *cudaKernelName(int index);
/// Channels are multiples of these, and no more than `cudaKernelMostOutputs`.
int cudaKernelInputUnit(int index);
int cudaKernelOutputUnit(int index);
int cudaKernelFixedInputs(int index);   // 0: any multiple
int cudaKernelMostInputs(int index);
int cudaKernelMostOutputs(int index);
/// Whether it shuffles pixels, and whether it adds a residual and a second.
int cudaKernelShuffles(int index);
int cudaKernelResiduals(int index);
/// Whether blocks can share input channels, and how many of them they take at a time.
int cudaKernelSplits(int index);
int cudaKernelSplitUnit(int index);
/// The distance from the reference over the reference's length, or -1 with what went wrong.
double cudaKernelError(int index, CUDAKernelCase kernelCase, char *fault, int capacity);

/// Kernels with a fault on purpose, to see that it is found: what is wrong, or an empty text for the same kernel without it.
void cudaFaultOfMissingBarrier(int planted, unsigned seed, char *fault, int capacity);
void cudaFaultOfReadOutside(int planted, unsigned seed, char *fault, int capacity);
void cudaFaultOfUnwaitedCopy(int planted, unsigned seed, char *fault, int capacity);
void cudaFaultOfUnpublishedOperand(int planted, unsigned seed, char *fault, int capacity);

#ifdef __cplusplus
}
#endif
