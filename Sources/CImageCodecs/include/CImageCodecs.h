// Plain C over libpng, libjpeg-turbo, libwebp and libtiff, and over giflib, libheif and libjxl where they are installed.
//
// libpng and libjpeg report errors by longjmp, which must not cross Swift frames; so every function here returns a status and
// writes one line of reason instead. Nothing is printed, nothing exits; what libraries print of damaged files is not seen (`quiet.h`).
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
  // The library that is needed is not installed: the reason is its package's name in Debian.
  IMAGE_CODEC_NO_LIBRARY = 5,
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
  // What the file has for red, green and blue: IMAGE_CODEC_INKS, IMAGE_CODEC_LAB, or 0 for those themselves.
  uint8_t mixed_from;
} image_codec_header;

enum { IMAGE_CODEC_INKS = 1, IMAGE_CODEC_LAB };

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
  // JPEG: the resources of Photoshop, which hold IPTC, without the lead of their markers.
  image_codec_buffer photoshop;
  // JPEG: comments, one after the other, each behind its length in 32 bits of the machine's order.
  image_codec_buffer comments;
  // The orientation tag of a TIFF file; 0 where there is none.
  uint32_t orientation;
  // JPEG: pixels a unit, as JFIF has them; 0 where the file does not say.
  uint16_t density_x;
  uint16_t density_y;
  // 0 a ratio of sides alone, 1 inch, 2 centimetre.
  uint8_t density_unit;
} image_codec_metadata;

void image_codec_buffer_free(image_codec_buffer *buffer);
void image_codec_metadata_free(image_codec_metadata *metadata);

// Where a file's bytes are: in memory, or behind a descriptor of a regular file, from which they are read as they are needed.
typedef struct {
  // NULL where they are behind the descriptor.
  const uint8_t *bytes;
  size_t count;
  int descriptor;
  // Of a TIFF file: where the directory lies whose picture is read; 0 for the first.
  uint64_t directory;
  // Not 0 where pixels that are missing are no error: the reader tells how many rows were there.
  int is_tolerant;
} image_codec_input;

// Copies up to `length` bytes from `at` on; how many there were.
size_t image_codec_read(const image_codec_input *input, size_t at, void *target, size_t length);

// Why a picture cannot be read some rows at a time.
enum {
  IMAGE_CODEC_STREAMS = 0,
  IMAGE_CODEC_INTERLACED = 1,
  // EXIF or XMP stands behind the pixels: only at the end is it known which side is up.
  IMAGE_CODEC_LATE_METADATA = 2,
  // Rows can be had one by one, but the decoder holds all coefficients.
  IMAGE_CODEC_PROGRESSIVE = 3,
  // The planes of a TIFF file lie one behind the other.
  IMAGE_CODEC_SEPARATE_PLANES = 4,
  // libtiff converts palettes, inks, YCbCr and Lab as a whole.
  IMAGE_CODEC_CONVERTED = 5,
  IMAGE_CODEC_LIBRARY = 6,
};

// Of a tolerant reader: whether pixels are missing, and which.
typedef struct {
  int is_lacking;
  // The rows before the first that is not there, in the file's order.
  size_t rows;
  // All rows are there, but not all of what makes their details.
  int is_coarse;
} image_reader_lack;

// A picture that is being read. Of those that do not stream, all rows must be read with one call (not so of progressive ones).
typedef struct image_reader image_reader;
struct image_reader {
  image_codec_header header;
  int obstacle;
  // What the decoder holds at most, the rows that it is asked for not counted.
  size_t held_bytes;
  // Frames or pictures, the one that is read among them; 0 where the reader does not count them.
  size_t picture_count;
  // Of an animation: frames that are one picture, the one that is read, since those before the last have no duration; 0 or 1 elsewhere.
  size_t layer_count;
  // After `finish`: all pixels are there, and nothing but the mark that ends the file is missing.
  int lacks_end;
  // After `finish` of a tolerant reader, what the file lacks. Of JPEG XL also after rows that could not be read: what a tolerant reader would
  // say.
  image_reader_lack lack;
  // The next `count` rows.
  int (*read)(image_reader *reader, void *rows, size_t count, char *message);
  // What follows the pixels: the file must be complete. Metadata that stand there are added.
  int (*finish)(image_reader *reader, image_codec_metadata *metadata, char *message);
  void (*close)(image_reader *reader);
};

// `_open` reads what precedes the pixels and takes no memory that depends on the size that a file claims. The input must
// outlive the reader; on an error there is none.
int image_png_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);
int image_jpeg_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);
int image_tiff_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);
// The first frame, on the screen that the file describes.
int image_gif_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);
// Of these the bytes must be in memory.
int image_webp_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);
// AVIF and HEIC.
int image_heif_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);
int image_jxl_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message);

// Writing. Buffers that are left in `output` are malloc'ed.

// What a stream of zlib holds, at most `limit` bytes; 0 where it is damaged or longer, or without memory.
int image_png_inflate(const uint8_t *bytes, size_t count, size_t limit, image_codec_buffer *output);
// A PNG file as far as its pixels: size, kind, profile and XMP.
int image_png_head(
  const image_codec_header *header, const image_codec_metadata *metadata, image_codec_buffer *output, char *message);
// Filters `count` rows of a PNG picture, each with the filter that leaves the least sum of differences: a byte that names it,
// and the row. `previous` is the row before the first, NULL where there is none. 16-bit samples are turned to the order of the
// file. 0 without memory.
int image_png_filter(
  const image_codec_header *header, const void *rows, const void *previous, size_t count, uint8_t *output);
// The least bytes that `image_png_deflate` needs for `count`.
size_t image_png_deflate_bound(size_t count);
// A piece of a deflate stream, ended at a byte: what is before it (`history` bytes, at most 32 KiB) may be referred to. 0
// without memory.
size_t image_png_deflate(
  const uint8_t *bytes, size_t history, size_t count, int is_last, uint8_t *output, size_t capacity);
uint32_t image_png_adler(uint32_t adler, const uint8_t *bytes, size_t count);
// Of two pieces, the second of `count` bytes.
uint32_t image_png_adler_joined(uint32_t first, uint32_t second, size_t count);
uint32_t image_png_crc(uint32_t crc, const uint8_t *bytes, size_t count);

// Some rows of a picture of `height` rows as a JPEG file. Grey or RGB of 8 bits. `full_chroma` keeps the colour at full
// resolution (4:4:4), else 4:2:0. `restarts` begins each row of blocks anew, so that files of parts can be joined at
// `scan_offset`, where their pixels begin; without, the codes are chosen for the picture.
int image_jpeg_write(
  const image_codec_header *header, uint32_t height, const void *pixels, const image_codec_metadata *metadata, int quality,
  int full_chroma, int restarts, image_codec_buffer *output, size_t *scan_offset, char *message);

// RGB or RGBA of 8 bits; a negative quality means lossless.
int image_webp_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, float quality,
  image_codec_buffer *output, char *message);

// Whether there is what writes such files.
int image_avif_check(char *message);
int image_jxl_check(char *message);
// Any kind; 16 bits become 12. From a quality of 90 on colour keeps its full resolution.
int image_avif_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality,
  image_codec_buffer *output, char *message);
// Any kind; a negative quality, and 100, mean lossless.
int image_jxl_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality,
  image_codec_buffer *output, char *message);

// Takes bytes of a file at a place; 0 where that failed, which whoever gave the sink knows the reason of.
typedef struct {
  int (*write)(void *context, size_t at, const void *bytes, size_t count);
  void *context;
} image_codec_sink;

typedef struct image_tiff_writer image_tiff_writer;
// `is_big` makes a BigTIFF, whose places have 64 bits, also of a small picture.
int image_tiff_begin(
  const image_codec_header *header, const image_codec_metadata *metadata, int is_big, image_codec_sink sink,
  image_tiff_writer **writer, char *message);
int image_tiff_rows(image_tiff_writer *writer, const void *rows, size_t count, char *message);
// Writes all pixels that are held; what `image_tiff_end` writes is the directory.
int image_tiff_flush(image_tiff_writer *writer, char *message);
int image_tiff_end(image_tiff_writer *writer, char *message);
void image_tiff_close(image_tiff_writer *writer);

#endif
