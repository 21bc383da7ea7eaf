// Plain C over libpng, libjpeg-turbo, libwebp and libtiff.
//
// libpng and libjpeg report errors by longjmp, which must not cross Swift frames; so every function here returns a status and
// writes one line of reason instead. Nothing is printed, nothing exits, no global is kept.
#ifndef SWIFTLET_CIMAGECODECS_H
#define SWIFTLET_CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

// What a codec answers.
enum {
  IMAGE_CODEC_OK = 0,
  // The bytes are damaged or cut short.
  IMAGE_CODEC_CORRUPT = 1,
  // The bytes are sound, and hold something that is not read.
  IMAGE_CODEC_UNSUPPORTED = 2,
  // No memory.
  IMAGE_CODEC_MEMORY = 3,
  // The encoder refused; a fault of the caller.
  IMAGE_CODEC_REFUSED = 4,
};

// The size of the message buffers that callers pass.
enum { IMAGE_CODEC_MESSAGE_SIZE = 256 };

// The decoded form: rows from top to bottom without padding, channels interleaved (grey, grey alpha, RGB, RGBA; alpha not
// premultiplied), 16-bit samples in the byte order of the machine.
typedef struct {
  uint32_t width;
  uint32_t height;
  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
  uint8_t channels;
  // Bits of a sample: 8 or 16.
  uint8_t bits;
  // Not 0 where the palette of the file holds nothing but greys, although `channels` says RGB.
  uint8_t has_grey_palette;
} image_codec_header;

typedef struct {
  uint8_t *bytes;
  size_t count;
} image_codec_buffer;

// What travels beside the pixels. Readers allocate each buffer with malloc (count 0 where the file has none);
// `image_codec_metadata_free` releases them, after an error too.
typedef struct {
  image_codec_buffer icc;
  // TIFF structure, from its byte order mark on, without "Exif\0\0".
  image_codec_buffer exif;
  image_codec_buffer xmp;
  // The orientation tag of a TIFF file; 0 where there is none.
  uint32_t orientation;
} image_codec_metadata;

void image_codec_buffer_free(image_codec_buffer *buffer);
void image_codec_metadata_free(image_codec_metadata *metadata);

// `_header` reads what precedes the pixels, and allocates nothing that depends on the claimed size. `_pixels` fills
// `pixels` of `pixel_bytes` bytes, which must be the size that `header` gives. `_write` leaves a malloc'ed file in `output`.

int image_png_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message);
int image_png_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message);
int image_png_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, image_codec_buffer *output,
  char *message);

int image_jpeg_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message);
int image_jpeg_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message);
// Grey or RGB of 8 bits. `full_chroma` keeps the colour at full resolution (4:4:4), else 4:2:0.
int image_jpeg_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality, int full_chroma,
  image_codec_buffer *output, char *message);

int image_webp_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message);
int image_webp_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message);
// RGB or RGBA of 8 bits; a negative quality means lossless.
int image_webp_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, float quality,
  image_codec_buffer *output, char *message);

int image_tiff_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message);
int image_tiff_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message);
int image_tiff_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, image_codec_buffer *output,
  char *message);

#endif
