/// What the machine is and what it can do at most.
#ifndef SWIFTLET_CKERNELS_MACHINE
#define SWIFTLET_CKERNELS_MACHINE

#include "CKernels.h"

/// Reads a byte of each cache line in order. What lies in memory is so fetched by the processor itself, several lines ahead; it is not where a kernel
/// goes through some channels of all pixels and then through the next, and fetching line by line is slower. (A depthwise convolution of 64 channels
/// at 48x48, Zen 5: 42 us in place of 117.)
static inline void sw_read_in_order(const void *memory, ptrdiff_t bytes) {
  for (ptrdiff_t i = 0; i < bytes; i += 64) (void)((const volatile char *)memory)[i];
}

/// Who made the processor, and its family and model as its maker counts them; empty and 0 where it has no `cpuid`.
typedef struct {
  char vendor[16];
  int32_t family;
  int32_t model;
} sw_processor;

sw_processor sw_processor_here(void);

/// `rounds` rotations of which each waits for the one before: as many cycles of the core. For measurements only. Additions would not do: newer
/// cores add constants to a register without waiting (Golden Cove: 5 a cycle).
int64_t sw_wait_cycles(int64_t rounds);

/// Whether this machine and its operating system can run the instruction set: 1, or 2 where that takes tiles that are emulated, as they are where the
/// environment has SWIFTLET_EMULATED_TILES and the machine no tiles.
int sw_isa_available(sw_isa isa);

/// Whether kernels do by plain C what instructions on tiles do.
int sw_emulates_tiles(void);

/// `rounds` of independent multiply-adds in registers, as many as hide their latency, on one core: what arithmetic can do at
/// most. `factor` below 1. The result means nothing; it is returned so that the sums are made. For bfloat16 elements the
/// instruction set's own products where it has them; for uint8 products of integers of 8 bits, which tiles of AMX are not measured of: nothing is done.
float sw_peak(sw_isa isa, sw_element element, ptrdiff_t rounds, float factor, float term);
/// The operations that `sw_peak` does: two for each multiply-add.
int64_t sw_peak_operations(sw_isa isa, sw_element element, ptrdiff_t rounds);
/// The sum of the values, read once in order; `count` rounded down to a multiple of 64.
float sw_read(const float *values, ptrdiff_t count);

#endif
