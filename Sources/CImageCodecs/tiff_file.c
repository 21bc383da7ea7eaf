#include "tiff_file.h"

#include <stdarg.h>

static tmsize_t on_read(thandle_t handle, void *destination, tmsize_t length) {
  image_tiff_file *file = handle;
  if (length < 0 || !file->input) return 0;
  size_t amount = image_codec_read(file->input, file->position, destination, (size_t)length);
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
