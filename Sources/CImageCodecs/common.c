#include "common.h"

void image_codec_buffer_free(image_codec_buffer *buffer) {
  free(buffer->bytes);
  buffer->bytes = NULL;
  buffer->count = 0;
}

void image_codec_metadata_free(image_codec_metadata *metadata) {
  image_codec_buffer_free(&metadata->icc);
  image_codec_buffer_free(&metadata->exif);
  image_codec_buffer_free(&metadata->xmp);
}
