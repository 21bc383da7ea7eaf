// The driver of a device that is not there: the functions of libcuda that we call, carried out on memory of the host, with the
// kernels of the table run by their definition.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The address of a function of the driver; null where it has none of the name.
void *cudaEmulatedSymbol(const char *name);

/// What this thread asked the driver for since the counts were last set back.
typedef struct {
  int launches;       // of kernels, those of graphs included
  int graphLaunches;
  int uploads, downloads;
  long long uploadedBytes, downloadedBytes;
  long long allocatedBytes;  // what it took less what it gave back, ever
} CUDAEmulatedCounts;
CUDAEmulatedCounts cudaEmulatedCounts(void);
void cudaEmulatedResetCounts(void);

/// The number that the order of threads, blocks and streams follows from, on this thread.
void cudaEmulatedSetSeed(unsigned seed);

/// Lets kernels that are launched on this thread be counted and do nothing, for who looks at commands alone; 0 ends it.
void cudaEmulatedLeaveOutKernels(int leavesOut);

/// What kernels did wrong on this thread, or an empty text.
const char *cudaEmulatedFault(void);

/// Lets call number `call` (from 0) of the function of that name return `error` on this thread; null ends it.
void cudaEmulatedFail(const char *name, int error, int call);

/// Lets cuStreamWaitEvent do nothing on this thread in call number `first` (from 0) and each `every` calls behind it; an `every` of 0 ends it.
void cudaEmulatedForgetWaits(int first, int every);

/// What devices are from now on, on this thread: compute capability 10 * major + minor, shared memory a block, memory in all.
void cudaEmulatedSetDevice(int capability, int sharedBytes, size_t memoryBytes);

#ifdef __cplusplus
}
#endif
