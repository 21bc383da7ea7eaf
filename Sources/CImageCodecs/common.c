#include "common.h"

#include <errno.h>
#include <unistd.h>

void image_codec_buffer_free(image_codec_buffer *buffer) {
  free(buffer->bytes);
  buffer->bytes = NULL;
  buffer->count = 0;
}

void image_codec_metadata_free(image_codec_metadata *metadata) {
  image_codec_buffer_free(&metadata->icc);
  image_codec_buffer_free(&metadata->exif);
  image_codec_buffer_free(&metadata->xmp);
  image_codec_buffer_free(&metadata->photoshop);
  image_codec_buffer_free(&metadata->comments);
}

size_t image_codec_read(const image_codec_input *input, size_t at, void *target, size_t length) {
  if (at >= input->count) return 0;
  if (length > input->count - at) length = input->count - at;
  if (input->bytes) {
    memcpy(target, input->bytes + at, length);
    return length;
  }
  size_t done = 0;
  while (done < length) {
    ssize_t got = pread(input->descriptor, (uint8_t *)target + done, length - done, (off_t)(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += (size_t)got;
  }
  return done;
}

int image_codec_append(image_codec_buffer *buffer, const void *bytes, size_t count) {
  if (count == 0) return 1;
  uint8_t *grown = realloc(buffer->bytes, buffer->count + count);
  if (!grown) return 0;
  memcpy(grown + buffer->count, bytes, count);
  buffer->bytes = grown;
  buffer->count += count;
  return 1;
}

void image_reader_miss(image_reader *reader, size_t row) {
  if (reader->lack.is_lacking && reader->lack.rows <= row) return;
  reader->lack.is_lacking = 1;
  reader->lack.rows = row;
}

void image_reader_fill(const image_reader *reader, void *rows, size_t count) {
  const image_codec_header *header = &reader->header;
  const size_t bytes = header->bits / 8, pixels = count * header->width;
  memset(rows, 0x80, count * image_codec_row_bytes(header));
  if (header->channels % 2 == 1) return;
  for (size_t pixel = 0; pixel < pixels; pixel++) {
    memset((uint8_t *)rows + ((pixel + 1) * header->channels - 1) * bytes, 0xff, bytes);
  }
}
