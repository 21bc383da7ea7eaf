#ifndef SWIFTLET_IMAGECODECS_TIFF_FILE_H
#define SWIFTLET_IMAGECODECS_TIFF_FILE_H

#include "common.h"

#include <tiffio.h>

// A file as libtiff's client callbacks see it.
typedef struct {
  const image_codec_input *input;
  // Where it is written.
  image_codec_sink sink;
  size_t count;
  size_t position;
  char *message;
  // Bytes behind the end are read as zeros.
  int is_endless;
  // What is read in place of the file's first bytes: its head, with another directory as the first.
  uint8_t head[16];
  size_t head_count;
} image_tiff_file;

// NULL, and a reason, where it cannot be opened; `mode` is libtiff's.
TIFF *image_tiff_open_file(image_tiff_file *file, const char *mode);

// Makes the directory at a place the first one: libtiff would go through the whole list to find it in there. Before the file is opened.
void image_tiff_begin_at(image_tiff_file *file, uint64_t directory);

// The status, with the reason that libtiff gave, or this one where it gave none.
int image_tiff_fail(image_tiff_file *file, int status, const char *reason);

#endif
