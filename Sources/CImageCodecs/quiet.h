#ifndef SWIFTLET_IMAGECODECS_QUIET_H
#define SWIFTLET_IMAGECODECS_QUIET_H

#include "common.h"

// Calls `body` where what libraries print on standard error is not seen: of a damaged file libjxl, dav1d and libde265 say what they find on
// lines of their own, and nothing that they are given turns that off for all of them. What `body` answers is returned.
int image_quietly(int (*body)(void *context), void *context);

// What is called so: an open, a read, a write, with their arguments.
typedef struct {
  int (*open)(image_reader *, const image_codec_input *, image_codec_metadata *, char *message);
  image_reader *reader;
  const image_codec_input *input;
  image_codec_metadata *metadata;
  char *message;
} image_open_call;

static inline int image_run_open_call(void *context) {
  const image_open_call *it = context;
  return it->open(it->reader, it->input, it->metadata, it->message);
}

typedef struct {
  int (*read)(image_reader *, void *rows, size_t count, char *message);
  image_reader *reader;
  void *rows;
  size_t count;
  char *message;
} image_read_call;

static inline int image_run_read_call(void *context) {
  const image_read_call *it = context;
  return it->read(it->reader, it->rows, it->count, it->message);
}

typedef struct {
  int (*write)(
    const image_codec_header *, const void *pixels, const image_codec_metadata *, int quality, image_codec_buffer *output, char *message);
  const image_codec_header *header;
  const void *pixels;
  const image_codec_metadata *metadata;
  int quality;
  image_codec_buffer *output;
  char *message;
} image_write_call;

static inline int image_run_write_call(void *context) {
  const image_write_call *it = context;
  return it->write(it->header, it->pixels, it->metadata, it->quality, it->output, it->message);
}

#endif
