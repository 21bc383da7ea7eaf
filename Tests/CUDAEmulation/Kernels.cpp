#include "Kernels.h"

#include "convolution.cu"

#undef CUDA_KERNEL
#define CUDA_KERNEL(name, family, arguments, threads, blocks, width, height, shared)         \
  EmulatedKernel{#name, threads, shared, sizeof(arguments), [](const void *a) {              \
                   name(*static_cast<const arguments *>(a));                                 \
                 }},

const std::vector<EmulatedKernel> &emulatedKernels() {
  static const std::vector<EmulatedKernel> kernels = {
#include "kernels.def"
  };
  return kernels;
}
