#include "tiff_file.h"

#include <stdarg.h>

static tmsize_t on_read(thandle_t handle, void *destination, tmsize_t length) {
  image_tiff_file *file = handle;
  if (length < 0 || !file->input) return 0;
  size_t amount = image_codec_read(file->input, file->position, destination, (size_t)length);
  for (size_t at = file->position; at < file->head_count && at - file->position < amount; at++) {
    ((uint8_t *)destination)[at - file->position] = file->head[at];
  }
  if (file->is_endless && amount < (size_t)length) {
    memset((uint8_t *)destination + amount, 0, (size_t)length - amount);
    amount = (size_t)length;
  }
  file->position += amount;
  return (tmsize_t)amount;
}

static tmsize_t on_write(thandle_t handle, void *source, tmsize_t length) {
  image_tiff_file *file = handle;
  if (length < 0 || !file->sink.write) return -1;
  if (!file->sink.write(file->sink.context, file->position, source, (size_t)length)) return -1;
  file->position += (size_t)length;
  if (file->position > file->count) file->count = file->position;
  return length;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  image_tiff_file *file = handle;
  if (whence == SEEK_CUR) offset += file->position;
  if (whence == SEEK_END) offset += file->count;
  file->position = (size_t)offset;
  return offset;
}

static int on_close(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t on_size(thandle_t handle) { return ((image_tiff_file *)handle)->count; }

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)module;
  image_tiff_file *file = user;
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

void image_tiff_begin_at(image_tiff_file *file, uint64_t directory) {
  uint8_t *head = file->head;
  const size_t there = image_codec_read(file->input, 0, head, sizeof file->head);
  const int is_little = head[0] == 'I', is_big = head[is_little ? 2 : 3] == 43;
  // Of BigTIFF the place has 64 bits, and begins four bytes later.
  const size_t size = is_big ? 8 : 4, start = is_big ? 8 : 4;
  if (there < start + size) return;
  for (size_t index = 0; index < size; index++) {
    head[start + index] = (uint8_t)(directory >> 8 * (is_little ? index : size - 1 - index));
  }
  file->head_count = start + size;
}

TIFF *image_tiff_open_file(image_tiff_file *file, const char *mode) {
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

int image_tiff_fail(image_tiff_file *file, int status, const char *reason) {
  return file->message[0] ? status : image_codec_fail(file->message, status, reason);
}
