#ifndef SWIFTLET_IMAGECODECS_COMMON_H
#define SWIFTLET_IMAGECODECS_COMMON_H

#include "CImageCodecs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Writes one line of reason, cut to the size of the buffer.
static inline int image_codec_fail(char *message, int status, const char *reason) {
  snprintf(message, IMAGE_CODEC_MESSAGE_SIZE, "%s", reason);
  return status;
}

// Replaces `buffer` by a copy of `count` bytes; 0 where there is no memory. An empty source leaves the buffer as it is.
static inline int image_codec_copy(image_codec_buffer *buffer, const void *bytes, size_t count) {
  if (!bytes || count == 0) return 1;
  uint8_t *copy = malloc(count);
  if (!copy) return 0;
  memcpy(copy, bytes, count);
  free(buffer->bytes);
  buffer->bytes = copy;
  buffer->count = count;
  return 1;
}

// Adds a copy of `count` bytes; 0 where there is no memory.
int image_codec_append(image_codec_buffer *buffer, const void *bytes, size_t count);

static inline size_t image_codec_row_bytes(const image_codec_header *header) {
  return (size_t)header->width * header->channels * (header->bits / 8);
}

static inline int image_codec_is_little_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one;
}

// Notes that a row is missing; the first counts. Middle grey, without transparency, is what stands in its place.
void image_reader_miss(image_reader *reader, size_t row);
void image_reader_fill(const image_reader *reader, void *rows, size_t count);

#endif
