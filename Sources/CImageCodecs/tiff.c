#include "tiff_colours.h"
#include "tiff_file.h"

// What a directory says about the layout of its samples.
typedef struct {
  uint32_t width, height;
  uint16_t bits, samples, format, photometric, planar, compression;
  // Samples of a pixel that make its colour: of grey, RGB, Lab or inks.
  unsigned colours;
  // The sample that is alpha; the last channel of the output. 0 where there is none.
  unsigned alpha;
  int is_premultiplied;
  // Read by libtiff's own conversion to 8-bit RGBA.
  int is_converted;
} layout;

// Whether colours are made of samples of another number or meaning.
static int is_mixed(const layout *it) {
  return it->photometric == PHOTOMETRIC_SEPARATED || it->photometric == PHOTOMETRIC_CIELAB ||
    it->photometric == PHOTOMETRIC_ICCLAB;
}

static image_tiff_mixture mixture(const layout *it) {
  return (image_tiff_mixture){
    .kind = it->photometric == PHOTOMETRIC_SEPARATED ? IMAGE_TIFF_INKS
      : it->photometric == PHOTOMETRIC_ICCLAB        ? IMAGE_TIFF_ICC_LAB
                                                     : IMAGE_TIFF_CIE_LAB,
    .bytes = it->bits / 8,
    .samples = it->samples,
    .alpha = it->alpha,
  };
}

// The sample that is alpha: the first that is declared so, or an only one that nobody declares, as other programs take it.
static void find_alpha(TIFF *tiff, layout *it) {
  uint16_t count = 0;
  uint16_t *kinds = NULL;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  const unsigned extra = it->samples > it->colours ? it->samples - it->colours : 0;
  for (unsigned index = 0; index < extra && index < count; index++) {
    if (kinds[index] == EXTRASAMPLE_UNSPECIFIED) continue;
    it->alpha = it->colours + index;
    it->is_premultiplied = kinds[index] == EXTRASAMPLE_ASSOCALPHA;
    return;
  }
  if (extra == 1) it->alpha = it->colours;
}

static int read_layout(image_tiff_file *file, TIFF *tiff, layout *it, image_codec_header *header) {
  memset(it, 0, sizeof *it);
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &it->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &it->height)) {
    return image_tiff_fail(file, IMAGE_CODEC_CORRUPT, "the size is missing");
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
  int is_lab = it->photometric == PHOTOMETRIC_CIELAB || it->photometric == PHOTOMETRIC_ICCLAB;
  uint16_t inks = INKSET_CMYK;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &inks);
  int is_cmyk = it->photometric == PHOTOMETRIC_SEPARATED && inks == INKSET_CMYK && it->samples >= 4;
  if (is_rgb && it->samples < 3) return image_tiff_fail(file, IMAGE_CODEC_CORRUPT, "RGB of fewer than three samples");
  if (it->photometric == PHOTOMETRIC_SEPARATED && !is_cmyk) {
    return image_codec_fail(file->message, IMAGE_CODEC_UNSUPPORTED, "its inks are not cyan, magenta, yellow and black");
  }
  // Lab and inks are mixed from samples side by side.
  int is_beside = it->planar == PLANARCONFIG_CONTIG && (is_cmyk || (is_lab && it->samples >= 3));
  int is_plain = (it->bits == 8 || it->bits == 16) && (is_grey || is_rgb || is_beside);
  if (is_lab && !is_plain) return image_codec_fail(file->message, IMAGE_CODEC_UNSUPPORTED, "Lab of an unusual depth");
  it->is_converted = !is_plain;
  it->colours = is_grey ? 1 : is_cmyk ? 4 : 3;
  if (is_plain) find_alpha(tiff, it);
  header->width = it->width;
  header->height = it->height;
  header->channels = (uint8_t)((is_grey ? 1 : 3) + (it->alpha != 0));
  header->bits = it->is_converted ? 8 : (uint8_t)it->bits;
  header->has_grey_palette = 0;
  header->mixed_from = is_cmyk ? IMAGE_CODEC_INKS : is_lab ? IMAGE_CODEC_LAB : 0;
  char reason[1024];
  if (it->is_converted) {
    // What libtiff cannot convert it says only when it begins.
    TIFFRGBAImage image;
    if (!TIFFRGBAImageOK(tiff, reason) || !TIFFRGBAImageBegin(&image, tiff, 1, reason)) {
      return image_codec_fail(file->message, IMAGE_CODEC_UNSUPPORTED, reason);
    }
    TIFFRGBAImageEnd(&image);
  }
  return IMAGE_CODEC_OK;
}

// Palettes, YCbCr, and grey of other depths.
static int read_converted(image_tiff_file *file, TIFF *tiff, const layout *it, const image_codec_header *header, uint8_t *pixels) {
  size_t count = (size_t)it->width * it->height;
  uint32_t *raster = malloc(count * sizeof *raster);
  if (!raster) return image_codec_fail(file->message, IMAGE_CODEC_MEMORY, "no memory");
  uint16_t upright = ORIENTATION_TOPLEFT;
  uint16_t stored = upright;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &stored);
  // The caller turns the picture; libtiff must not do half of it.
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, upright);
  int done = TIFFReadRGBAImageOriented(tiff, it->width, it->height, raster, ORIENTATION_TOPLEFT, !file->input->is_tolerant);
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
  return done && !file->message[0] ? IMAGE_CODEC_OK : image_tiff_fail(file, IMAGE_CODEC_CORRUPT, "the pixels are damaged");
}

// Copies `wanted` samples from the one numbered `first` on, of `count` pixels of a strip or tile row; `stride` and `channels` are the
// samples of a pixel on either side.
static void copy_samples(
  const uint8_t *source, uint8_t *target, size_t count, unsigned stride, unsigned first, unsigned wanted, unsigned channels,
  unsigned bytes
) {
  source += first * bytes;
  for (size_t x = 0; x < count; x++) {
    memcpy(target, source, wanted * bytes);
    source += stride * bytes;
    target += channels * bytes;
  }
}

typedef struct {
  image_reader reader;
  image_tiff_file file;
  TIFF *tiff;
  layout it;
  uint32_t y;
  // A strip's row, or a tile.
  uint8_t *buffer;
  // The rows that a row of tiles holds, and how many of them there are.
  uint8_t *tiles;
  uint32_t tile_width, tile_height;
} tiff_input;

// Of separate planes the one behind the colours is alpha's.
static uint16_t stored_plane(const layout *it, unsigned plane, unsigned channels) {
  const int is_separate = it->planar == PLANARCONFIG_SEPARATE && it->samples > 1;
  return is_separate && it->alpha && plane == channels - 1 ? (uint16_t)it->alpha : (uint16_t)plane;
}

// Rows that are made of one row of tiles, or one row of a strip, into `target`.
static int read_direct(tiff_input *input, uint32_t y, uint32_t rows, unsigned plane, uint8_t *target) {
  const layout *it = &input->it;
  const unsigned bytes = it->bits / 8;
  const unsigned channels = input->reader.header.channels;
  const int is_separate = it->planar == PLANARCONFIG_SEPARATE && it->samples > 1;
  const unsigned stride = is_separate ? 1 : it->samples;
  const unsigned wanted = is_separate ? 1 : channels - (it->alpha != 0);
  const uint16_t stored = stored_plane(it, plane, channels);
  const size_t row_bytes = image_codec_row_bytes(&input->reader.header);
  const size_t line = (size_t)input->tile_width * stride * bytes;
  for (uint32_t x = 0; x < it->width; x += input->tile_width) {
    int done = TIFFIsTiled(input->tiff) ? TIFFReadTile(input->tiff, input->buffer, x, y, 0, stored) >= 0
                                        : TIFFReadScanline(input->tiff, input->buffer, y, stored) == 1;
    if (!done) return 0;
    size_t columns = it->width - x < input->tile_width ? it->width - x : input->tile_width;
    for (uint32_t row = 0; row < rows; row++) {
      uint8_t *to = target + (size_t)row * row_bytes + ((size_t)x * channels + plane) * bytes;
      const uint8_t *from = input->buffer + row * line;
      if (is_mixed(it)) {
        const image_tiff_mixture mixed = mixture(it);
        image_tiff_mix(&mixed, from, to, columns, channels);
        continue;
      }
      copy_samples(from, to, columns, stride, 0, wanted, channels, bytes);
      if (!is_separate && it->alpha) {
        copy_samples(from, to + wanted * bytes, columns, stride, it->alpha, 1, channels, bytes);
      }
    }
    if (it->width - x <= input->tile_width) break;
  }
  return 1;
}

// Whether a row's samples of a plane are in the file: of pixels that are not compressed those of the row, else its strip or its tiles.
static int has_row(const tiff_input *input, uint32_t y, uint16_t plane) {
  TIFF *tiff = input->tiff;
  const uint64_t total = input->file.input->count;
  if (!TIFFIsTiled(tiff)) {
    const uint32_t strip = TIFFComputeStrip(tiff, y, plane);
    uint64_t end = TIFFGetStrileByteCount(tiff, strip);
    uint32_t height = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &height);
    if (input->it.compression == COMPRESSION_NONE && !input->it.is_converted && height > 0) {
      const uint64_t row = (uint64_t)(y % height + 1) * TIFFScanlineSize64(tiff);
      if (row < end) end = row;
    }
    const uint64_t offset = TIFFGetStrileOffset(tiff, strip);
    return end <= total && offset <= total - end;
  }
  uint32_t width = 0;
  if (!TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width) || width == 0) return 0;
  for (uint32_t x = 0; x < input->it.width; x += width) {
    const uint32_t tile = TIFFComputeTile(tiff, x, y, 0, plane);
    const uint64_t offset = TIFFGetStrileOffset(tiff, tile), count = TIFFGetStrileByteCount(tiff, tile);
    if (count > total || offset > total - count) return 0;
    if (input->it.width - x <= width) break;
  }
  return 1;
}

// The rows before the first that is not there, in all planes.
static uint32_t rows_there(const tiff_input *input) {
  const layout *it = &input->it;
  const unsigned planes = it->planar == PLANARCONFIG_SEPARATE && it->samples > 1 ? it->samples : 1;
  uint32_t y = 0;
  for (; y < it->height; y++) {
    for (unsigned plane = 0; plane < planes; plane++) {
      if (!has_row(input, y, (uint16_t)plane)) return y;
    }
  }
  return y;
}

// Takes the memory that strips or tiles need.
static int start_direct(tiff_input *input) {
  const layout *it = &input->it;
  const int is_separate = it->planar == PLANARCONFIG_SEPARATE && it->samples > 1;
  const int is_tiled = TIFFIsTiled(input->tiff);
  const size_t row_bytes = image_codec_row_bytes(&input->reader.header);
  input->tile_width = it->width;
  input->tile_height = 1;
  if (is_tiled) {
    TIFFGetField(input->tiff, TIFFTAG_TILEWIDTH, &input->tile_width);
    TIFFGetField(input->tiff, TIFFTAG_TILELENGTH, &input->tile_height);
  }
  const uint64_t size = is_tiled ? TIFFTileSize64(input->tiff) : TIFFScanlineSize64(input->tiff);
  const uint64_t line = (uint64_t)input->tile_width * (is_separate ? 1 : it->samples) * (it->bits / 8);
  if (input->tile_width == 0 || input->tile_height == 0 || size == 0 || line * input->tile_height > size) {
    return image_tiff_fail(&input->file, IMAGE_CODEC_CORRUPT, "the strips or tiles have no sensible size");
  }
  // A tile may exceed the picture; one that dwarfs it is a claim to take memory.
  if (size > row_bytes * it->height + ((uint64_t)64 << 20)) {
    return image_tiff_fail(&input->file, IMAGE_CODEC_UNSUPPORTED, "its tiles are far larger than the picture");
  }
  input->buffer = malloc((size_t)size);
  if (is_tiled && !is_separate) {
    uint32_t rows = input->tile_height < it->height ? input->tile_height : it->height;
    input->tiles = malloc(rows * row_bytes);
  }
  if (!input->buffer || (is_tiled && !is_separate && !input->tiles)) {
    return image_codec_fail(input->file.message, IMAGE_CODEC_MEMORY, "no memory");
  }
  return IMAGE_CODEC_OK;
}

// White as 0 to white as the maximum, and premultiplied colour to plain.
static void normalise(const layout *it, const image_codec_header *header, uint8_t *pixels, size_t rows) {
  const size_t count = header->width * rows;
  const unsigned channels = header->channels;
  const unsigned colours = channels - (it->alpha != 0);
  const int is_inverted = it->photometric == PHOTOMETRIC_MINISWHITE;
  const int is_premultiplied = it->is_premultiplied;
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

static int read_whole(tiff_input *input, uint8_t *pixels) {
  const layout *it = &input->it;
  image_reader *reader = &input->reader;
  const int is_tolerant = input->file.input->is_tolerant;
  const size_t row_bytes = image_codec_row_bytes(&reader->header);
  if (it->is_converted) {
    int status = read_converted(&input->file, input->tiff, it, &reader->header, pixels);
    if (reader->lack.is_lacking) {
      image_reader_fill(reader, pixels + reader->lack.rows * row_bytes, it->height - reader->lack.rows);
      if (status == IMAGE_CODEC_CORRUPT) return IMAGE_CODEC_OK;
    }
    return status;
  }
  if (is_tolerant) image_reader_fill(reader, pixels, it->height);
  int done = 1;
  for (unsigned plane = 0; done && plane < input->reader.header.channels; plane++) {
    for (uint32_t y = 0; done && y < it->height; y += input->tile_height) {
      uint32_t rows = it->height - y < input->tile_height ? it->height - y : input->tile_height;
      if (is_tolerant && !has_row(input, y, stored_plane(it, plane, reader->header.channels))) break;
      done = read_direct(input, y, rows, plane, pixels + y * row_bytes);
      if (!done && is_tolerant) {
        image_reader_miss(reader, y);
        done = 1;
      }
      if (it->height - y <= input->tile_height) break;
    }
  }
  return done ? IMAGE_CODEC_OK : image_tiff_fail(&input->file, IMAGE_CODEC_CORRUPT, "the pixels are damaged");
}

static int read_rows(image_reader *reader, void *rows, size_t count, char *message) {
  tiff_input *input = (tiff_input *)reader;
  const layout *it = &input->it;
  const size_t row_bytes = image_codec_row_bytes(&reader->header);
  input->file.message = message;
  message[0] = 0;
  if (!it->is_converted && !input->buffer) {
    int status = start_direct(input);
    if (status != IMAGE_CODEC_OK) return status;
  }
  if (input->file.input->is_tolerant && input->y == 0 && !input->file.is_endless) {
    input->file.is_endless = 1;
    const uint32_t there = rows_there(input);
    if (there == 0) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short before its first row ends");
    if (there < it->height) image_reader_miss(reader, there);
  }
  if (reader->obstacle) {
    int status = read_whole(input, rows);
    if (status == IMAGE_CODEC_OK && !it->is_converted) normalise(it, &reader->header, rows, count);
    return status;
  }
  for (size_t row = 0; row < count; row++, input->y++) {
    uint8_t *target = (uint8_t *)rows + row * row_bytes;
    int done = 1;
    if (reader->lack.is_lacking && input->y >= reader->lack.rows) {
      image_reader_fill(reader, target, 1);
      continue;
    }
    if (input->tiles) {
      uint32_t first = input->y / input->tile_height * input->tile_height;
      uint32_t held = it->height - first < input->tile_height ? it->height - first : input->tile_height;
      if (input->y == first) done = read_direct(input, first, held, 0, input->tiles);
      if (done) memcpy(target, input->tiles + (input->y - first) * row_bytes, row_bytes);
    } else {
      done = read_direct(input, input->y, 1, 0, target);
    }
    if (!done && input->file.input->is_tolerant && input->y > 0) {
      message[0] = 0;
      image_reader_miss(reader, input->y);
      image_reader_fill(reader, target, 1);
      continue;
    }
    if (!done) return image_tiff_fail(&input->file, IMAGE_CODEC_CORRUPT, "the pixels are damaged");
  }
  normalise(it, &reader->header, rows, count);
  return IMAGE_CODEC_OK;
}

static int finish_rows(image_reader *reader, image_codec_metadata *metadata, char *message) {
  (void)reader, (void)metadata, (void)message;
  return IMAGE_CODEC_OK;
}

static void close_reader(image_reader *reader) {
  tiff_input *input = (tiff_input *)reader;
  char message[IMAGE_CODEC_MESSAGE_SIZE] = "";
  input->file.message = message;
  if (input->tiff) TIFFClose(input->tiff);
  free(input->buffer);
  free(input->tiles);
  free(input);
}

static int read_metadata(tiff_input *input, image_codec_metadata *metadata) {
  TIFF *tiff = input->tiff;
  uint16_t orientation = 0;
  if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation)) metadata->orientation = orientation;
  uint32_t length = 0;
  void *block = NULL;
  int memory = 1;
  // A profile for inks or for Lab does not fit the RGB that is made of them.
  int fits = !is_mixed(&input->it);
  if (fits && TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &length, &block)) {
    memory &= image_codec_copy(&metadata->icc, block, length);
  }
  if (TIFFGetField(tiff, TIFFTAG_XMLPACKET, &length, &block)) memory &= image_codec_copy(&metadata->xmp, block, length);
  return memory ? IMAGE_CODEC_OK : image_codec_fail(input->file.message, IMAGE_CODEC_MEMORY, "no memory");
}

// What libtiff and this file hold while rows are read.
static size_t held_bytes(const tiff_input *input) {
  const layout *it = &input->it;
  const size_t row_bytes = image_codec_row_bytes(&input->reader.header);
  const int is_tiled = TIFFIsTiled(input->tiff);
  // The raster that libtiff converts to.
  size_t held = it->is_converted ? (size_t)4 * it->width * it->height : 0;
  uint32_t height = 1;
  if (is_tiled) TIFFGetField(input->tiff, TIFFTAG_TILELENGTH, &height);
  if (height > it->height) height = it->height;
  uint64_t tile = is_tiled ? TIFFTileSize64(input->tiff) : TIFFScanlineSize64(input->tiff);
  // The file's bytes of one strip or tile: at most those of the file, and libtiff asks for them in steps that grow.
  size_t raw = input->file.input->count;
  uint64_t most = 0;
  uint32_t count = is_tiled ? TIFFNumberOfTiles(input->tiff) : TIFFNumberOfStrips(input->tiff);
  for (uint32_t index = 0; index < count; index++) {
    uint64_t bytes = TIFFGetStrileByteCount(input->tiff, index);
    if (bytes > most) most = bytes;
    if (most >= raw) break;
  }
  raw = most < raw ? (size_t)most : raw;
  return held + 2 * raw + (size_t)(tile < (uint64_t)1 << 40 ? tile : 0) + (is_tiled ? height * row_bytes : 0) + 8 * row_bytes +
    16 * (size_t)count;
}

int image_tiff_open(
  const image_codec_input *source, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  tiff_input *input = calloc(1, sizeof *input);
  if (!input) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  input->file = (image_tiff_file){.input = source, .count = source->count, .message = message};
  input->reader.read = read_rows;
  input->reader.finish = finish_rows;
  input->reader.close = close_reader;
  if (source->directory > 0) image_tiff_begin_at(&input->file, source->directory);
  input->tiff = image_tiff_open_file(&input->file, "rm");
  int status = input->tiff ? IMAGE_CODEC_OK : image_tiff_fail(&input->file, IMAGE_CODEC_CORRUPT, "the directory is damaged");
  if (status == IMAGE_CODEC_OK) status = read_layout(&input->file, input->tiff, &input->it, &input->reader.header);
  if (status == IMAGE_CODEC_OK) status = read_metadata(input, metadata);
  if (status != IMAGE_CODEC_OK) {
    close_reader(&input->reader);
    return status;
  }
  const int is_separate = input->it.planar == PLANARCONFIG_SEPARATE && input->it.samples > 1;
  if (is_separate) input->reader.obstacle = IMAGE_CODEC_SEPARATE_PLANES;
  if (input->it.is_converted) input->reader.obstacle = IMAGE_CODEC_CONVERTED;
  input->reader.held_bytes = held_bytes(input);
  *reader = &input->reader;
  return IMAGE_CODEC_OK;
}
