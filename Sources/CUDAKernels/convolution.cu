// All kernels; see kernels.def.
#include "dense.cuh"
#include "denseFloat.cuh"
#include "denseHopper.cuh"
#include "edges.cuh"
#include "pool.cuh"
#include "selection.cuh"
#include "separableBlock.cuh"

#define CUDA_KERNEL(name, family, arguments, threads, blocks) \
  KERNEL(threads, blocks) name(ARGUMENTS(arguments) a) { family::run(a); }
#define COMMA ,
#include "kernels.def"
