#define _GNU_SOURCE

#include "quiet.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <unistd.h>

static int point_away(void) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return 0;
  const int done = dup2(nowhere, STDERR_FILENO) >= 0;
  if (nowhere != STDERR_FILENO) close(nowhere);
  return done;
}

#ifdef __linux__

typedef struct {
  int (*body)(void *);
  void *context;
  int result;
  int is_done;
} apart_task;

// On Linux a thread may have a table of descriptors of its own, which the threads that it starts share: standard error leads nowhere there, and
// stays what it is for everybody else.
static void *run_apart(void *argument) {
  apart_task *it = argument;
  if (unshare(CLONE_FILES) != 0 || !point_away()) return NULL;
  it->result = it->body(it->context);
  it->is_done = 1;
  return NULL;
}

#endif

// Where that is not to be had (other systems, containers that forbid it) it leads nowhere for the whole process, from the first call that begins
// to the last that ends.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users = 0, kept = -1;

static void begin_for_all(void) {
  pthread_mutex_lock(&lock);
  if (users++ == 0) {
    kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (kept >= 0 && !point_away()) {
      close(kept);
      kept = -1;
    }
  }
  pthread_mutex_unlock(&lock);
}

static void end_for_all(void) {
  pthread_mutex_lock(&lock);
  if (--users == 0 && kept >= 0) {
    dup2(kept, STDERR_FILENO);
    close(kept);
    kept = -1;
  }
  pthread_mutex_unlock(&lock);
}

int image_quietly(int (*body)(void *context), void *context) {
#ifdef __linux__
  apart_task task = {body, context, 0, 0};
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_apart, &task) == 0) {
    pthread_join(thread, NULL);
    if (task.is_done) return task.result;
  }
#endif
  begin_for_all();
  const int result = body(context);
  end_for_all();
  return result;
}
