// The table of kernels for CUDA devices, what a launch gives them, and the kernels themselves as PTX.
#pragma once

#include <stddef.h>

#include "arguments.h"

/// A row of kernels.def. Sendable: it points to constants only.
struct __attribute__((swift_attr("@Sendable"))) cuda_kernel_row {
  const char *_Nonnull name;
  const char *_Nonnull family;     // `Dense<Half, 4, 3>`
  const char *_Nonnull arguments;  // the struct that it takes
  int threads;                     // a block
  int blocks;                      // a multiprocessor that its registers leave room for
  int tileWidth, tileHeight;       // outputs of a block; 0: a thread makes one element, or a few
  int sharedBytes;                 // a block
};

/// How many kernels there are.
size_t cuda_kernel_count(void);
/// The kernel at `index`, which is below the count.
struct cuda_kernel_row cuda_kernel_at(size_t index);

/// Kernels for devices of compute capability 8.0 and later, and for 9.0 alone: PTX, which ends in a zero.
const char *_Nonnull cuda_kernels_80(void);
const char *_Nonnull cuda_kernels_90a(void);

// What cuLaunchKernelEx takes, as CUDA's header declares it: CUlaunchAttribute and CUlaunchConfig.

/// CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION: the kernel may start before the one ahead of it in the stream is done.
enum { cuda_launch_overlaps = 6 };

struct cuda_launch_attribute {
  int id;
  int value __attribute__((aligned(8)));
  char rest[60];
};

struct cuda_launch_configuration {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void *_Nullable stream;
  struct cuda_launch_attribute *_Nullable attributes;
  unsigned attributeCount;
};
