// The kernels of the table, each as a function of its arguments.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

struct EmulatedKernel {
  std::string name;
  unsigned threads;
  size_t sharedBytes, argumentBytes;
  void (*run)(const void *arguments);  // what one thread does
};

const std::vector<EmulatedKernel> &emulatedKernels();
