#ifndef SWIFTLET_IMAGECODECS_TIFF_COLOURS_H
#define SWIFTLET_IMAGECODECS_TIFF_COLOURS_H

#include <stddef.h>
#include <stdint.h>

// What samples side by side mean. Lab is of D50; of CIE's form a and b are signed, of ICC's they have an offset.
typedef enum { IMAGE_TIFF_INKS, IMAGE_TIFF_CIE_LAB, IMAGE_TIFF_ICC_LAB } image_tiff_mixture_kind;

typedef struct {
  image_tiff_mixture_kind kind;
  // Of a sample: 1 or 2.
  unsigned bytes;
  // Of a pixel.
  unsigned samples;
  // The sample that is alpha; 0 where there is none.
  unsigned alpha;
} image_tiff_mixture;

// RGB, and alpha, of `count` pixels; `channels` are those of a pixel of the target.
void image_tiff_mix(
  const image_tiff_mixture *it, const uint8_t *source, uint8_t *target, size_t count, unsigned channels);

#endif
