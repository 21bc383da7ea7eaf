// What moves elements, mixes neighbours, or looks at windows of any size: resizes, pads, slices, shuffles, pools.
#pragma once

#include "element.cuh"

struct Move : Untiled {
  static DEVICE void run(const MoveArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float v = 0;
    if (e.isReal) {
      int image = e.image, channel = e.channel, y = e.y, x = e.x;
      if (a.kind == 0) {
        if (a.images) image = readConstant(a.images + image);
        if (a.channels) channel = readConstant(a.channels + channel);
        if (a.rows) y = readConstant(a.rows + y);
        if (a.columns) x = readConstant(a.columns + x);
      } else if (a.kind == 1) {
        const int place = y % a.factor * a.factor + x % a.factor;
        channel = a.channelsInnermost ? place * a.element.channels + channel : channel * a.factor * a.factor + place;
        y /= a.factor;
        x /= a.factor;
      } else if (a.kind == 2) {
        const int places = a.factor * a.factor,
                  place = a.channelsInnermost ? channel / a.inputChannels : channel % places;
        channel = a.channelsInnermost ? channel % a.inputChannels : channel / places;
        y = y * a.factor + place / a.factor;
        x = x * a.factor + place % a.factor;
      } else {
        long long at = ((static_cast<long long>(image) * a.element.channels + channel) * a.element.height + y) *
                           a.element.width + x;
        x = static_cast<int>(at % a.inputWidth);
        at /= a.inputWidth;
        y = static_cast<int>(at % a.inputHeight);
        at /= a.inputHeight;
        channel = static_cast<int>(at % a.inputChannels);
        image = static_cast<int>(at / a.inputChannels);
      }
      const bool isThere = image >= 0 && channel >= 0 && y >= 0 && x >= 0;
      v = isThere ? readElement(a.input, image, channel, y, x) : a.value;
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, v);
  }
};

struct Resample : Untiled {
  static DEVICE void run(const ResampleArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float sum = 0;
    if (e.isReal)
      for (int i = 0; i < a.rowTaps; i++) {
        const int row = e.y * a.rowTaps + i;
        float ofRow = 0;
        for (int j = 0; j < a.columnTaps; j++) {
          const int column = e.x * a.columnTaps + j;
          ofRow += readConstant(a.columnWeights + column) *
                   readElement(a.input, e.image, e.channel, readConstant(a.rows + row), readConstant(a.columns + column));
        }
        sum += readConstant(a.rowWeights + row) * ofRow;
      }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, sum);
  }
};

struct Windows : Untiled {
  static DEVICE void run(const WindowArguments &a) {
    const Element e(a.element);
    waitForEarlierKernels();
    if (!e.inside) return;
    float result = 0;
    if (e.isReal) {
      const int top = e.y * a.strideHeight - a.top, left = e.x * a.strideWidth - a.left,
                bottom = min(top + a.kernelHeight, a.height + a.bottom), right = min(left + a.kernelWidth, a.width + a.right);
      int count = 0;
      for (int y = max(top, 0); y < min(bottom, a.height); y++)
        for (int x = max(left, 0); x < min(right, a.width); x++, count++) {
          const float v = readElement(a.input, e.image, e.channel, y, x);
          // What is not a number wins, as on the processor.
          if (a.takesMean) result += v;
          else if (count == 0 || v > result || v != v) result = result != result ? result : v;
        }
      if (a.takesMean) result /= static_cast<float>(a.countsPadding ? (bottom - top) * (right - left) : count);
    }
    letLaterKernelsStart();
    writeElement(a.output, e.image, e.channel, e.y, e.x, result);
  }
};
