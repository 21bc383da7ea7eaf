#ifndef SWIFTLET_IMAGECODECS_LOADING_H
#define SWIFTLET_IMAGECODECS_LOADING_H

#include "common.h"

#include <dlfcn.h>

// Libraries that are loaded when a picture needs them: linked, they and what they bring would be loaded by every command, and the
// program would not start where they are missing. Their headers are not needed either: what is used of them stands in the file that uses
// it. A library that was loaded stays: each further look for it is one in a table.

// The first of the names, up to NULL, that is a library; NULL where none is.
static inline void *image_library(const char *const *names) {
  for (; *names; names++) {
    void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
  }
  return NULL;
}

// Puts a function of the library into a field of the same type as its address; 0 where there is none.
static inline int image_function(void *library, const char *name, void *field) {
  void *address = dlsym(library, name);
  memcpy(field, &address, sizeof address);
  return address != NULL;
}

#endif
