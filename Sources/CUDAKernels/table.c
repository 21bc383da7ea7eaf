#include "CUDAKernels.h"

#define COMMA ,
#define TEXT(...) #__VA_ARGS__
#define CUDA_KERNEL(name, family, arguments, threads, blocks, width, height, shared) \
  {#name, TEXT(family), #arguments, threads, blocks, width, height, shared},

static const struct cuda_kernel_row rows[] = {
#include "kernels.def"
};

size_t cuda_kernel_count(void) { return sizeof rows / sizeof rows[0]; }

struct cuda_kernel_row cuda_kernel_at(size_t index) { return rows[index]; }

// #embed is C23, and an extension of clang in the dialect that SwiftPM compiles C with.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char for80[] = {
#embed "ptx/compute_80.ptx"
    , 0};

static const char for90a[] = {
#embed "ptx/compute_90a.ptx"
    , 0};

const char *cuda_kernels_80(void) { return for80; }
const char *cuda_kernels_90a(void) { return for90a; }
