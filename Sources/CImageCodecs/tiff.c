#include "common.h"

#include <stdarg.h>
#include <tiffio.h>

// A file in memory, as libtiff's client callbacks see it.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  size_t position;
  int is_writing;
  char *message;
} memory_file;

static tmsize_t on_read(thandle_t handle, void *destination, tmsize_t length) {
  memory_file *file = handle;
  if (length < 0 || file->position >= file->count) return 0;
  size_t left = file->count - file->position;
  size_t amount = (size_t)length < left ? (size_t)length : left;
  memcpy(destination, file->bytes + file->position, amount);
  file->position += amount;
  return (tmsize_t)amount;
}

static tmsize_t on_write(thandle_t handle, void *source, tmsize_t length) {
  memory_file *file = handle;
  if (length < 0 || !file->is_writing) return -1;
  size_t end = file->position + (size_t)length;
  if (end > file->capacity) {
    size_t capacity = end + end / 2 + 4096;
    uint8_t *grown = realloc(file->bytes, capacity);
    if (!grown) return -1;
    file->bytes = grown;
    file->capacity = capacity;
  }
  if (file->position > file->count) memset(file->bytes + file->count, 0, file->position - file->count);
  memcpy(file->bytes + file->position, source, (size_t)length);
  file->position = end;
  if (end > file->count) file->count = end;
  return length;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  memory_file *file = handle;
  if (whence == SEEK_CUR) offset += file->position;
  if (whence == SEEK_END) offset += file->count;
  file->position = (size_t)offset;
  return offset;
}

static int on_close(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t on_size(thandle_t handle) { return ((memory_file *)handle)->count; }

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)module;
  memory_file *file = user;
  // The first of several lines names the cause.
  if (file->message[0] == 0) vsnprintf(file->message, IMAGE_CODEC_MESSAGE_SIZE, format, arguments);
  return 1;
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)user;
  (void)module;
  (void)format;
  (void)arguments;
  return 1;
}

static TIFF *open_file(memory_file *file, const char *mode) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  file->message[0] = 0;
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, file);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, file);
  // No strip, tile or tag of a sound file comes near; a damaged one must not take all memory.
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)1 << 30);
  TIFF *tiff =
    TIFFClientOpenExt("picture", mode, file, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

static int fail(memory_file *file, int status, const char *reason) {
  return file->message[0] ? status : image_codec_fail(file->message, status, reason);
}

// What a directory says about the layout of its samples.
typedef struct {
  uint32_t width, height;
  uint16_t bits, samples, format, photometric, planar, extra_kind, compression;
  // The last channel of the output is alpha.
  int has_alpha;
  // Read by libtiff's own conversion to 8-bit RGBA.
  int is_converted;
} layout;

static int read_layout(memory_file *file, TIFF *tiff, layout *it, image_codec_header *header) {
  memset(it, 0, sizeof *it);
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &it->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &it->height)) {
    return fail(file, IMAGE_CODEC_CORRUPT, "the size is missing");
  }
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &it->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &it->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &it->format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &it->planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &it->compression);
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &it->photometric)) {
    it->photometric = it->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  }
  if (it->format != SAMPLEFORMAT_UINT && it->format != SAMPLEFORMAT_VOID) {
    return image_codec_fail(
      file->message, IMAGE_CODEC_UNSUPPORTED,
      it->format == SAMPLEFORMAT_IEEEFP ? "its samples are floating-point numbers" : "its samples are not plain numbers");
  }
  if (it->bits > 16) return image_codec_fail(file->message, IMAGE_CODEC_UNSUPPORTED, "its samples have more than 16 bits");
  if (!TIFFIsCODECConfigured(it->compression)) {
    return image_codec_fail(file->message, IMAGE_CODEC_UNSUPPORTED, "its compression is unknown");
  }
  int is_grey = it->photometric == PHOTOMETRIC_MINISBLACK || it->photometric == PHOTOMETRIC_MINISWHITE;
  int is_rgb = it->photometric == PHOTOMETRIC_RGB;
  int colours = is_grey ? 1 : 3;
  if (is_rgb && it->samples < 3) return fail(file, IMAGE_CODEC_CORRUPT, "RGB of fewer than three samples");
  uint16_t extra_count = 0;
  uint16_t *extra_kinds = NULL;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra_kinds);
  it->extra_kind = extra_count ? extra_kinds[0] : EXTRASAMPLE_UNSPECIFIED;
  it->is_converted = !((is_grey || is_rgb) && (it->bits == 8 || it->bits == 16));
  it->has_alpha = !it->is_converted && it->samples > colours && it->extra_kind != EXTRASAMPLE_UNSPECIFIED;
  header->width = it->width;
  header->height = it->height;
  header->channels = (uint8_t)(colours + it->has_alpha);
  header->bits = it->is_converted ? 8 : (uint8_t)it->bits;
  header->has_grey_palette = 0;
  char reason[1024];
  if (it->is_converted && !TIFFRGBAImageOK(tiff, reason)) {
    return image_codec_fail(file->message, IMAGE_CODEC_UNSUPPORTED, reason);
  }
  return IMAGE_CODEC_OK;
}

// Palette, CMYK, YCbCr, Lab, and grey of other depths.
static int read_converted(memory_file *file, TIFF *tiff, const layout *it, const image_codec_header *header, uint8_t *pixels) {
  size_t count = (size_t)it->width * it->height;
  uint32_t *raster = malloc(count * sizeof *raster);
  if (!raster) return image_codec_fail(file->message, IMAGE_CODEC_MEMORY, "no memory");
  uint16_t upright = ORIENTATION_TOPLEFT;
  uint16_t stored = upright;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &stored);
  // The caller turns the picture; libtiff must not do half of it.
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, upright);
  int done = TIFFReadRGBAImageOriented(tiff, it->width, it->height, raster, ORIENTATION_TOPLEFT, 1);
  for (size_t i = 0; done && i < count; i++) {
    if (header->channels == 1) {
      pixels[i] = (uint8_t)TIFFGetR(raster[i]);
    } else {
      pixels[3 * i] = (uint8_t)TIFFGetR(raster[i]);
      pixels[3 * i + 1] = (uint8_t)TIFFGetG(raster[i]);
      pixels[3 * i + 2] = (uint8_t)TIFFGetB(raster[i]);
    }
  }
  free(raster);
  return done && !file->message[0] ? IMAGE_CODEC_OK : fail(file, IMAGE_CODEC_CORRUPT, "the pixels are damaged");
}

// Copies the first `wanted` samples of `count` pixels of a strip or tile row; `stride` is the samples of a source pixel.
static void copy_samples(
  const uint8_t *source, uint8_t *target, size_t count, unsigned stride, unsigned wanted, unsigned channels, unsigned bytes
) {
  for (size_t x = 0; x < count; x++) {
    memcpy(target, source, wanted * bytes);
    source += stride * bytes;
    target += channels * bytes;
  }
}

static int read_direct(memory_file *file, TIFF *tiff, const layout *it, const image_codec_header *header, uint8_t *pixels) {
  const unsigned bytes = it->bits / 8;
  const unsigned channels = header->channels;
  const int is_separate = it->planar == PLANARCONFIG_SEPARATE && it->samples > 1;
  const unsigned stride = is_separate ? 1 : it->samples;
  const unsigned wanted = is_separate ? 1 : channels;
  const unsigned planes = is_separate ? channels : 1;
  const int is_tiled = TIFFIsTiled(tiff);
  const size_t row_bytes = image_codec_row_bytes(header);
  uint32_t tile_width = it->width, tile_height = 1;
  if (is_tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  }
  const uint64_t size = is_tiled ? TIFFTileSize64(tiff) : TIFFScanlineSize64(tiff);
  const uint64_t line = (uint64_t)tile_width * stride * bytes;
  if (tile_width == 0 || tile_height == 0 || size == 0 || line * tile_height > size) {
    return fail(file, IMAGE_CODEC_CORRUPT, "the strips or tiles have no sensible size");
  }
  // A tile may exceed the picture; one that dwarfs it is a claim to take memory.
  if (size > row_bytes * header->height + ((uint64_t)64 << 20)) {
    return fail(file, IMAGE_CODEC_UNSUPPORTED, "its tiles are far larger than the picture");
  }
  uint8_t *buffer = malloc((size_t)size);
  if (!buffer) return image_codec_fail(file->message, IMAGE_CODEC_MEMORY, "no memory");
  int done = 1;
  for (unsigned plane = 0; done && plane < planes; plane++) {
    for (uint32_t y = 0; done && y < it->height; y += tile_height) {
      for (uint32_t x = 0; done && x < it->width; x += tile_width) {
        done = is_tiled ? TIFFReadTile(tiff, buffer, x, y, 0, (uint16_t)plane) >= 0
                        : TIFFReadScanline(tiff, buffer, y, (uint16_t)plane) == 1;
        size_t columns = it->width - x < tile_width ? it->width - x : tile_width;
        uint32_t rows = it->height - y < tile_height ? it->height - y : tile_height;
        for (uint32_t row = 0; done && row < rows; row++) {
          uint8_t *target = pixels + (size_t)(y + row) * row_bytes + ((size_t)x * channels + plane) * bytes;
          copy_samples(buffer + row * line, target, columns, stride, wanted, channels, bytes);
        }
        if (it->width - x <= tile_width) break;
      }
      if (it->height - y <= tile_height) break;
    }
  }
  free(buffer);
  return done ? IMAGE_CODEC_OK : fail(file, IMAGE_CODEC_CORRUPT, "the pixels are damaged");
}

// White as 0 to white as the maximum, and premultiplied colour to plain.
static void normalise(const layout *it, const image_codec_header *header, uint8_t *pixels) {
  const size_t count = (size_t)header->width * header->height;
  const unsigned channels = header->channels;
  const unsigned colours = channels - (unsigned)it->has_alpha;
  const int is_inverted = it->photometric == PHOTOMETRIC_MINISWHITE;
  const int is_premultiplied = it->has_alpha && it->extra_kind == EXTRASAMPLE_ASSOCALPHA;
  if (!is_inverted && !is_premultiplied) return;
  const uint32_t maximum = header->bits == 16 ? 65535 : 255;
  uint16_t *words = (uint16_t *)(void *)pixels;
  for (size_t i = 0; i < count; i++) {
    size_t at = i * channels;
    uint32_t alpha = header->bits == 16 ? words[at + channels - 1] : pixels[at + channels - 1];
    for (unsigned c = 0; c < colours; c++) {
      uint32_t value = header->bits == 16 ? words[at + c] : pixels[at + c];
      if (is_premultiplied && alpha) {
        value = (uint32_t)(((uint64_t)value * maximum + alpha / 2) / alpha);
        if (value > maximum) value = maximum;
      }
      if (is_inverted) value = maximum - value;
      if (header->bits == 16) words[at + c] = (uint16_t)value;
      else pixels[at + c] = (uint8_t)value;
    }
  }
}

int image_tiff_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message) {
  memory_file file = {.bytes = (uint8_t *)bytes, .count = count, .message = message};
  TIFF *tiff = open_file(&file, "rm");
  if (!tiff) return fail(&file, IMAGE_CODEC_CORRUPT, "the directory is damaged");
  layout it;
  int status = read_layout(&file, tiff, &it, header);
  TIFFClose(tiff);
  return status;
}

int image_tiff_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message
) {
  memory_file file = {.bytes = (uint8_t *)bytes, .count = count, .message = message};
  TIFF *tiff = open_file(&file, "rm");
  if (!tiff) return fail(&file, IMAGE_CODEC_CORRUPT, "the directory is damaged");
  layout it;
  image_codec_header found;
  int status = read_layout(&file, tiff, &it, &found);
  if (status == IMAGE_CODEC_OK &&
      (!image_codec_same(header, &found) || image_codec_row_bytes(header) * header->height != pixel_bytes)) {
    status = image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the header changed");
  }
  if (status == IMAGE_CODEC_OK) {
    uint16_t orientation = 0;
    if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation)) metadata->orientation = orientation;
    uint32_t length = 0;
    void *block = NULL;
    int memory = 1;
    // A profile for inks or for Lab does not fit the RGB that is made of them.
    int fits = it.photometric != PHOTOMETRIC_SEPARATED && it.photometric != PHOTOMETRIC_CIELAB;
    if (fits && TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &length, &block)) {
      memory &= image_codec_copy(&metadata->icc, block, length);
    }
    if (TIFFGetField(tiff, TIFFTAG_XMLPACKET, &length, &block)) memory &= image_codec_copy(&metadata->xmp, block, length);
    if (!memory) status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  }
  if (status == IMAGE_CODEC_OK) {
    status = it.is_converted ? read_converted(&file, tiff, &it, header, pixels)
                             : read_direct(&file, tiff, &it, header, pixels);
  }
  if (status == IMAGE_CODEC_OK && !it.is_converted) normalise(&it, header, pixels);
  TIFFClose(tiff);
  return status;
}

int image_tiff_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, image_codec_buffer *output,
  char *message
) {
  memory_file file = {.message = message, .is_writing = 1};
  size_t row_bytes = image_codec_row_bytes(header);
  // Classic TIFF counts in 32 bits.
  TIFF *tiff = open_file(&file, row_bytes * header->height > 0xf0000000u ? "w8m" : "wm");
  if (!tiff) return fail(&file, IMAGE_CODEC_MEMORY, "no memory");
  // The horizontal predictor works on the caller's rows in place, so each row goes through a copy.
  uint8_t *row = malloc(row_bytes);
  int has_alpha = header->channels % 2 == 0;
  uint16_t extra = EXTRASAMPLE_UNASSALPHA;
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, header->width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, header->height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)header->bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)header->channels);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, header->channels < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  if (TIFFIsCODECConfigured(COMPRESSION_ADOBE_DEFLATE)) {
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  }
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(tiff, 0));
  if (has_alpha) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
  if (metadata->icc.count) TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)metadata->icc.count, metadata->icc.bytes);
  if (metadata->xmp.count) TIFFSetField(tiff, TIFFTAG_XMLPACKET, (uint32_t)metadata->xmp.count, metadata->xmp.bytes);
  int done = row != NULL;
  for (uint32_t y = 0; done && y < header->height; y++) {
    memcpy(row, (const uint8_t *)pixels + y * row_bytes, row_bytes);
    done = TIFFWriteScanline(tiff, row, y, 0) == 1;
  }
  done = done && TIFFFlush(tiff);
  TIFFClose(tiff);
  free(row);
  if (!done || message[0]) {
    free(file.bytes);
    return fail(&file, IMAGE_CODEC_REFUSED, "the encoder gave up");
  }
  output->bytes = file.bytes;
  output->count = file.count;
  return IMAGE_CODEC_OK;
}
