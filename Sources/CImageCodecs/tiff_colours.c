#include "tiff_colours.h"

#include <math.h>
#include <string.h>

// Lab of D50 to sRGB, through D65 by Bradford's matrix.
static void lab_to_rgb(double lightness, double a, double b, double *rgb) {
  static const double matrix[3][3] = {
    {3.1338561, -1.6168667, -0.4906146}, {-0.9787684, 1.9161415, 0.0334540}, {0.0719453, -0.2289914, 1.4052427},
  };
  const double fy = (lightness + 16) / 116, f[3] = {fy + a / 500, fy, fy - b / 200};
  static const double white[3] = {0.9642, 1, 0.8249};
  double xyz[3];
  for (int i = 0; i < 3; i++) {
    const double cube = f[i] * f[i] * f[i];
    xyz[i] = white[i] * (cube > 216.0 / 24389 ? cube : (116 * f[i] - 16) * 27 / 24389);
  }
  for (int i = 0; i < 3; i++) {
    const double value = matrix[i][0] * xyz[0] + matrix[i][1] * xyz[1] + matrix[i][2] * xyz[2];
    rgb[i] = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055;
    rgb[i] = rgb[i] < 0 ? 0 : rgb[i] > 1 ? 1 : rgb[i];
  }
}

static double sample(const uint8_t *pixel, unsigned index, unsigned bytes) {
  if (bytes == 1) return pixel[index];
  uint16_t word;
  memcpy(&word, pixel + 2 * index, 2);
  return word;
}

static double signed_sample(const uint8_t *pixel, unsigned index, unsigned bytes) {
  if (bytes == 1) return (int8_t)pixel[index];
  int16_t word;
  memcpy(&word, pixel + 2 * index, 2);
  return word;
}

void image_tiff_mix(
  const image_tiff_mixture *it, const uint8_t *source, uint8_t *target, size_t count, unsigned channels
) {
  const unsigned bytes = it->bytes;
  const double maximum = bytes == 1 ? 255 : 65535;
  for (size_t x = 0; x < count; x++) {
    double rgb[3];
    if (it->kind == IMAGE_TIFF_INKS) {
      const double light = 1 - sample(source, 3, bytes) / maximum;
      for (unsigned c = 0; c < 3; c++) rgb[c] = (1 - sample(source, c, bytes) / maximum) * light;
    } else {
      // 16 bits of ICC's older form go to 0xff00.
      const int is_icc = it->kind == IMAGE_TIFF_ICC_LAB;
      const double unit = bytes == 1 ? 1 : 256;
      const double lightness = sample(source, 0, bytes) * 100 / (is_icc && bytes == 2 ? 65280 : maximum);
      const double a = is_icc ? sample(source, 1, bytes) / unit - 128 : signed_sample(source, 1, bytes) / unit;
      const double b = is_icc ? sample(source, 2, bytes) / unit - 128 : signed_sample(source, 2, bytes) / unit;
      lab_to_rgb(lightness, a, b, rgb);
    }
    for (unsigned c = 0; c < 3; c++) {
      const uint16_t value = (uint16_t)(rgb[c] * maximum + 0.5);
      if (bytes == 1) target[c] = (uint8_t)value;
      else memcpy(target + 2 * c, &value, 2);
    }
    if (it->alpha) memcpy(target + 3 * bytes, source + it->alpha * bytes, bytes);
    source += it->samples * bytes;
    target += channels * bytes;
  }
}
