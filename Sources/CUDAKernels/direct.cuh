// Convolutions of any kernel, stride, dilation, padding and number of groups, and transposed ones: each thread sums one output,
// tap by tap. Slow, and right wherever no faster kernel is.
#pragma once

#include "element.cuh"

struct Direct : Untiled {
  static DEVICE void run(const DirectArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float sum = 0;
    if (e.isReal) {
      const int outputs = a.element.channels, inputsOfGroup = a.inputChannels / a.groups,
                group = e.channel / (outputs / a.groups);
      if (a.bias) sum = readConstant(a.bias + e.channel);
      for (int v = 0; v < a.kernelHeight; v++) {
        int y = a.transposed ? e.y + a.top - v * a.dilationHeight : e.y * a.strideHeight - a.top + v * a.dilationHeight;
        if (a.transposed) {
          if (y < 0 || y % a.strideHeight) continue;
          y /= a.strideHeight;
        }
        if (y < 0 || y >= a.height) continue;
        for (int u = 0; u < a.kernelWidth; u++) {
          int x = a.transposed ? e.x + a.left - u * a.dilationWidth : e.x * a.strideWidth - a.left + u * a.dilationWidth;
          if (a.transposed) {
            if (x < 0 || x % a.strideWidth) continue;
            x /= a.strideWidth;
          }
          if (x < 0 || x >= a.width) continue;
          const float *weights =
              a.weights + static_cast<long long>(v * a.kernelWidth + u) * inputsOfGroup * outputs + e.channel;
          for (int c = 0; c < inputsOfGroup; c++)
            sum += readElement(a.input, e.image, group * inputsOfGroup + c, y, x) *
                   readConstant(weights + static_cast<long long>(c) * outputs);
        }
      }
      sum = activate(a.before, sum, e.channel) * a.scale;
      if (a.residual.base) sum += readElement(a.residual, e.image, e.channel, e.y, e.x);
      sum = activate(a.after, sum, e.channel);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, sum);
  }
};
