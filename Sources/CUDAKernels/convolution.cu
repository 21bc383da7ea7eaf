// All kernels; see kernels.def.
#include "dense.cuh"
#include "denseFloat.cuh"
#include "denseHopper.cuh"
#include "denseIntegers.cuh"
#include "denseWideFloatHopper.cuh"
#include "denseWideHopper.cuh"
#include "depthwise.cuh"
#include "depthwiseIntegers.cuh"
#include "direct.cuh"
#include "edges.cuh"
#include "elementwise.cuh"
#include "gradients.cuh"
#include "groups.cuh"
#include "head.cuh"
#include "headFloat.cuh"
#include "integers.cuh"
#include "linear.cuh"
#include "movement.cuh"
#include "parameters.cuh"
#include "parts.cuh"
#include "pointwiseHopper.cuh"
#include "pointwisePlanes.cuh"
#include "pool.cuh"
#include "samples.cuh"
#include "selection.cuh"
#include "separableBlock.cuh"
#include "statistics.cuh"
#include "tiled.cuh"
#include "weightGradient.cuh"
#include "weightGradientTiles.cuh"

// What the table says of a kernel is what its family is.
#define COMMA ,
#define CUDA_KERNEL(name, family, arguments, threads, blocks, tileWidth, tileHeight, shared) \
  static_assert(family::width == tileWidth && family::height == tileHeight, #name);          \
  static_assert(family::sharedBytes == shared, #name);                                       \
  KERNEL(threads, blocks) name(ARGUMENTS(arguments) a) { family::run(a); }
#include "kernels.def"
