#include "CUDAEmulatedDriver.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "CUDAKernels.h"
#include "Kernels.h"
#include "emulation.h"

// Commands wait in their stream until somebody waits for it, so that what is read too early is not there yet; those of several streams are then carried
// out in a random order that events allow. New memory holds NaN.
namespace {

enum Status {
  success = 0, invalidValue = 1, outOfMemory = 2, noDevice = 100, invalidDevice = 101, invalidContext = 201, invalidImage = 200,
  notFound = 500, illegalAddress = 700, captureFault = 901, launchFailed = 719
};

struct Counts : CUDAEmulatedCounts {
  Counts() : CUDAEmulatedCounts{} {}
};
thread_local Counts counts;
/// What the device's memory holds of this thread; another may give it back.
using Held = std::shared_ptr<std::atomic<size_t>>;
thread_local Held heldBytes = std::make_shared<std::atomic<size_t>>(0);
thread_local unsigned seed = 1;
thread_local bool leavesOutKernels;
thread_local std::string fault;
thread_local std::string failing;
thread_local int failure, callsBefore;
thread_local int capability = 80, sharedLimit = 227 << 10;
thread_local size_t memoryLimit = size_t(1) << 40;
thread_local void *currentContext;

struct Memory {
  std::mutex mutex;
  std::map<char *, size_t> device, pinned;
  /// Whose the memory of the device is.
  std::map<char *, Held> owners;
};
Memory &memory() {
  static Memory m;
  return m;
}

bool holds(const std::map<char *, size_t> &blocks, const void *pointer, size_t size) {
  const char *p = static_cast<const char *>(pointer);
  auto after = blocks.upper_bound(const_cast<char *>(p));
  if (after == blocks.begin()) return false;
  auto block = std::prev(after);
  return p + size <= block->first + block->second;
}

/// A moment: how often it was recorded, and how often what stands ahead of a record was done.
struct Event {
  std::chrono::steady_clock::time_point time;
  bool recorded = false;
  unsigned given = 0, done = 0;
  int fault = 0;
};
/// Something to do; or, where there is an event, to wait for a record of it.
struct Command {
  std::function<int()> run;
  std::shared_ptr<Event> event;
  unsigned record = 0;
  /// Done in a stream that has failed, too.
  bool isRecord = false;
};
struct Graph {
  std::vector<Command> commands;
};
struct Stream : std::enable_shared_from_this<Stream> {
  std::deque<Command> waiting;
  std::unique_ptr<Graph> capture;
  int fault = 0;

  void add(std::function<int()> run) { add(Command{std::move(run)}); }
  void add(Command command);
  /// Whether the first command may be carried out now.
  bool isReady() const {
    if (waiting.empty()) return false;
    const Command &first = waiting.front();
    return !first.event || first.event->done >= first.record;
  }
  void carryOutFirst() {
    Command first = std::move(waiting.front());
    waiting.pop_front();
    if (first.event && !fault) fault = first.event->fault;
    if (!first.run) return;
    if (first.isRecord) first.run();
    else if (!fault) fault = first.run();
  }
};
/// Streams and events by the pointers that callers have.
struct Objects {
  std::mutex mutex;
  std::map<void *, std::shared_ptr<Stream>> streams;
  std::map<void *, std::shared_ptr<Event>> events;
};
Objects &objects() {
  static Objects o;
  return o;
}
std::shared_ptr<Event> eventAt(void *event) {
  std::lock_guard lock(objects().mutex);
  return objects().events.at(event);
}

/// Streams that this thread has given commands.
thread_local std::vector<std::shared_ptr<Stream>> active;
/// Calls of cuStreamWaitEvent that do nothing: the first, and one of so many from there on.
thread_local int forgottenFirst, forgottenEvery, waitCalls;
thread_local unsigned orderState = 1;

void Stream::add(Command command) {
  if (capture) return capture->commands.push_back(std::move(command));
  waiting.push_back(std::move(command));
  auto self = shared_from_this();
  if (std::find(active.begin(), active.end(), self) == active.end()) active.push_back(std::move(self));
}

unsigned nextOrder() {
  orderState = orderState * 1664525u + 1013904223u;
  return orderState >> 16;
}

/// Carries out what this thread's streams hold until `isDone`, in a random one of the orders that streams and events allow. False where what is
/// waited for never comes.
bool carryOut(const std::function<bool()> &isDone) {
  // As a rule the fastest: others fall as far behind as events let them. Which that is changes from call to call.
  std::map<Stream *, unsigned> speeds;
  while (!isDone()) {
    std::vector<Stream *> ready;
    for (auto &stream : active)
      if (stream->isReady()) ready.push_back(stream.get());
    if (ready.empty()) return false;
    for (auto *stream : ready)
      if (!speeds.count(stream)) speeds[stream] = nextOrder();
    auto chosen = nextOrder() % 16 ? std::max_element(ready.begin(), ready.end(), [&](auto *a, auto *b) { return speeds[a] < speeds[b]; })
                                   : ready.begin() + nextOrder() % ready.size();
    (*chosen)->carryOutFirst();
  }
  active.erase(std::remove_if(active.begin(), active.end(), [](auto &s) { return s->waiting.empty(); }), active.end());
  return true;
}

struct Module {
  std::string text;
};
struct Function {
  const EmulatedKernel *kernel;
  size_t sharedLimit = 48 << 10;
};

/// Whether a call is to fail.
int planted(const char *name) {
  if (failing != name) return 0;
  return callsBefore-- == 0 ? failure : 0;
}
#define CALL(name) \
  if (int error = planted(#name)) return error
#define CALL_IN_CONTEXT(name) \
  CALL(name);                 \
  if (!currentContext) return invalidContext

int cuInit(unsigned flags) {
  CALL(cuInit);
  return flags ? invalidValue : success;
}
int cuDriverGetVersion(int *version) {
  CALL(cuDriverGetVersion);
  *version = 12040;
  return success;
}
int cuDeviceGetCount(int *count) {
  CALL(cuDeviceGetCount);
  *count = 2;
  return success;
}
int cuDeviceGet(int *device, int ordinal) {
  CALL(cuDeviceGet);
  if (ordinal < 0 || ordinal > 1) return invalidDevice;
  *device = ordinal;
  return success;
}
int cuDeviceGetName(char *name, int capacity, int device) {
  CALL(cuDeviceGetName);
  snprintf(name, size_t(capacity), "Emulated device %d", device);
  return success;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  CALL(cuDeviceGetAttribute);
  static const std::map<int, int> values = {{1, 1024}, {2, 1024}, {3, 1024}, {4, 64}, {5, 0x7fffffff}, {6, 65535}, {7, 65535},
                                            {8, 48 << 10}, {10, 32}, {13, 1410000}, {16, 4}, {36, 1215000}, {37, 5120},
                                            {38, 40 << 20}, {39, 2048}, {81, 228 << 10}};
  if (attribute == 75) *value = capability / 10;
  else if (attribute == 76) *value = capability % 10;
  else if (attribute == 97) *value = sharedLimit;
  else if (values.count(attribute)) *value = values.at(attribute);
  else return invalidValue;
  return success;
}
int cuDeviceTotalMem_v2(size_t *bytes, int) {
  CALL(cuDeviceTotalMem_v2);
  *bytes = memoryLimit;
  return success;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
  CALL(cuDevicePrimaryCtxRetain);
  static char contexts[2];
  if (device < 0 || device > 1) return invalidDevice;
  *context = &contexts[device];
  return success;
}
int cuCtxSetCurrent(void *context) {
  CALL(cuCtxSetCurrent);
  currentContext = context;
  return success;
}
int cuMemGetInfo_v2(size_t *free, size_t *total) {
  CALL_IN_CONTEXT(cuMemGetInfo_v2);
  *total = memoryLimit;
  *free = memoryLimit - std::min(memoryLimit, heldBytes->load());
  return success;
}

int cuMemAlloc_v2(unsigned long long *address, size_t size) {
  CALL_IN_CONTEXT(cuMemAlloc_v2);
  if (!size) return invalidValue;
  std::lock_guard lock(memory().mutex);
  if (*heldBytes + size > memoryLimit) return outOfMemory;
  char *p = static_cast<char *>(aligned_alloc(256, (size + 511) / 256 * 256));
  memset(p, 0xff, size);
  memory().device[p] = size;
  memory().owners[p] = heldBytes;
  *heldBytes += size;
  *address = reinterpret_cast<uintptr_t>(p);
  return success;
}
int cuMemFree_v2(unsigned long long address) {
  CALL_IN_CONTEXT(cuMemFree_v2);
  std::lock_guard lock(memory().mutex);
  auto block = memory().device.find(reinterpret_cast<char *>(address));
  if (block == memory().device.end()) return invalidValue;
  *memory().owners[block->first] -= block->second;
  memory().owners.erase(block->first);
  free(block->first);
  memory().device.erase(block);
  return success;
}
int cuMemHostAlloc(void **pointer, size_t size, unsigned) {
  CALL_IN_CONTEXT(cuMemHostAlloc);
  std::lock_guard lock(memory().mutex);
  char *p = static_cast<char *>(aligned_alloc(64, (size + 127) / 64 * 64));
  memset(p, 0xff, size);
  memory().pinned[p] = size;
  *pointer = p;
  return success;
}
int cuMemFreeHost(void *pointer) {
  CALL_IN_CONTEXT(cuMemFreeHost);
  std::lock_guard lock(memory().mutex);
  if (!memory().pinned.erase(static_cast<char *>(pointer))) return invalidValue;
  free(pointer);
  return success;
}

/// `device` bytes against pinned memory of the host: what is not pinned would not be copied beside work.
int checkCopy(unsigned long long device, const void *host, size_t size) {
  std::lock_guard lock(memory().mutex);
  return holds(memory().device, reinterpret_cast<char *>(device), size) && holds(memory().pinned, host, size) ? success
                                                                                                              : invalidValue;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t size, void *stream) {
  CALL_IN_CONTEXT(cuMemcpyHtoDAsync_v2);
  if (int error = checkCopy(to, from, size)) return error;
  static_cast<Stream *>(stream)->add([=] {
    counts.uploads++;
    counts.uploadedBytes += static_cast<long long>(size);
    memcpy(reinterpret_cast<void *>(to), from, size);
    return int(success);
  });
  return success;
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t size, void *stream) {
  CALL_IN_CONTEXT(cuMemcpyDtoHAsync_v2);
  if (int error = checkCopy(from, to, size)) return error;
  static_cast<Stream *>(stream)->add([=] {
    counts.downloads++;
    counts.downloadedBytes += static_cast<long long>(size);
    memcpy(to, reinterpret_cast<void *>(from), size);
    return int(success);
  });
  return success;
}
int cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t size, void *stream) {
  CALL_IN_CONTEXT(cuMemcpyDtoDAsync_v2);
  {
    std::lock_guard lock(memory().mutex);
    for (auto address : {to, from})
      if (!holds(memory().device, reinterpret_cast<char *>(address), size)) return invalidValue;
  }
  static_cast<Stream *>(stream)->add([=] {
    memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), size);
    return int(success);
  });
  return success;
}

int cuModuleLoadDataEx(void **module, const void *image, unsigned, const int *, void **) {
  CALL_IN_CONTEXT(cuModuleLoadDataEx);
  *module = new Module{static_cast<const char *>(image)};
  return success;
}
int cuModuleUnload(void *module) {
  CALL_IN_CONTEXT(cuModuleUnload);
  delete static_cast<Module *>(module);
  return success;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  CALL_IN_CONTEXT(cuModuleGetFunction);
  const std::string &text = static_cast<Module *>(module)->text;
  if (text.find(std::string(".entry ") + name + "(") == std::string::npos) return notFound;
  for (auto &k : emulatedKernels())
    if (k.name == name) {
      static std::map<std::string, std::unique_ptr<Function>> functions;
      std::lock_guard lock(memory().mutex);
      auto &f = functions[name];
      if (!f) f.reset(new Function{&k});
      *function = f.get();
      return success;
    }
  return notFound;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
  CALL_IN_CONTEXT(cuFuncSetAttribute);
  if (attribute != 8 || value > sharedLimit) return invalidValue;
  std::lock_guard lock(memory().mutex);
  static_cast<Function *>(function)->sharedLimit = size_t(value);
  return success;
}

int cuStreamCreate(void **stream, unsigned) {
  CALL_IN_CONTEXT(cuStreamCreate);
  auto made = std::make_shared<Stream>();
  std::lock_guard lock(objects().mutex);
  objects().streams[made.get()] = made;
  *stream = made.get();
  return success;
}
int cuStreamDestroy_v2(void *stream) {
  CALL_IN_CONTEXT(cuStreamDestroy_v2);
  static_cast<Stream *>(stream)->waiting.clear();
  std::lock_guard lock(objects().mutex);
  objects().streams.erase(stream);
  return success;
}
int cuStreamSynchronize(void *stream) {
  CALL_IN_CONTEXT(cuStreamSynchronize);
  auto *s = static_cast<Stream *>(stream);
  if (s->capture) return captureFault;
  if (!carryOut([s] { return s->waiting.empty(); })) return launchFailed;
  return s->fault;
}
/// Only for streams that are not captured.
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  CALL_IN_CONTEXT(cuStreamWaitEvent);
  auto *s = static_cast<Stream *>(stream);
  if (flags || s->capture) return invalidValue;
  const int call = waitCalls++ - forgottenFirst;
  if (forgottenEvery && call >= 0 && call % forgottenEvery == 0) return success;
  auto e = eventAt(event);
  s->add(Command{nullptr, e, e->given});
  return success;
}
int cuStreamBeginCapture_v2(void *stream, int) {
  CALL_IN_CONTEXT(cuStreamBeginCapture_v2);
  auto *s = static_cast<Stream *>(stream);
  if (s->capture) return captureFault;
  s->capture.reset(new Graph);
  return success;
}
int cuStreamEndCapture(void *stream, void **graph) {
  CALL_IN_CONTEXT(cuStreamEndCapture);
  auto *s = static_cast<Stream *>(stream);
  if (!s->capture) return captureFault;
  *graph = s->capture.release();
  return success;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
  CALL_IN_CONTEXT(cuGraphInstantiateWithFlags);
  *executable = new Graph(*static_cast<Graph *>(graph));
  return success;
}
int cuGraphDestroy(void *graph) {
  CALL_IN_CONTEXT(cuGraphDestroy);
  delete static_cast<Graph *>(graph);
  return success;
}
int cuGraphExecDestroy(void *graph) {
  CALL_IN_CONTEXT(cuGraphExecDestroy);
  delete static_cast<Graph *>(graph);
  return success;
}
int cuGraphLaunch(void *executable, void *stream) {
  CALL_IN_CONTEXT(cuGraphLaunch);
  auto *graph = static_cast<Graph *>(executable);
  auto *s = static_cast<Stream *>(stream);
  s->add([] {
    counts.graphLaunches++;
    return int(success);
  });
  // One by one: what other streams hold may come in between.
  for (auto &c : graph->commands) s->add(c);
  return success;
}

int cuLaunchKernelEx(const cuda_launch_configuration *c, void *function, void **parameters, void **) {
  CALL_IN_CONTEXT(cuLaunchKernelEx);
  const unsigned gridX = c->gridX, gridY = c->gridY, gridZ = c->gridZ, blockX = c->blockX, sharedBytes = c->sharedBytes;
  for (unsigned i = 0; i < c->attributeCount; i++) {
    // Kernels for older devices do not wait for those ahead of them.
    if (c->attributes[i].id != cuda_launch_overlaps || (c->attributes[i].value && capability / 10 != 9)) return invalidValue;
  }
  void *const stream = c->stream;
  auto *f = static_cast<Function *>(function);
  const EmulatedKernel &k = *f->kernel;
  const size_t allowed = [&] {
    std::lock_guard lock(memory().mutex);
    return f->sharedLimit;
  }();
  if (blockX != k.threads || c->blockY != 1 || c->blockZ != 1 || sharedBytes > allowed || sharedBytes < k.sharedBytes || !gridX ||
      !gridY || !gridZ || gridX > 0x7fffffff || gridY > 65535 || gridZ > 65535)
    return invalidValue;
  const char *first = static_cast<const char *>(parameters[0]);
  std::vector<char> arguments(first, first + k.argumentBytes);
  static_cast<Stream *>(stream)->add([=, &k] {
    counts.launches++;
    if (leavesOutKernels) return int(success);
    std::vector<emulation::Buffer> buffers;
    {
      std::lock_guard lock(memory().mutex);
      for (auto &block : memory().device) buffers.push_back({block.first, block.first + block.second, true});
    }
    std::string text = emulation::launch({gridX, gridY, gridZ}, k.threads, sharedBytes, seed++, std::move(buffers),
                                         [&] { k.run(arguments.data()); });
    if (text.empty()) return int(success);
    fault = k.name + ": " + text;
    return int(illegalAddress);
  });
  return success;
}

int cuEventCreate(void **event, unsigned) {
  CALL_IN_CONTEXT(cuEventCreate);
  auto made = std::make_shared<Event>();
  std::lock_guard lock(objects().mutex);
  objects().events[made.get()] = made;
  *event = made.get();
  return success;
}
int cuEventDestroy_v2(void *event) {
  CALL_IN_CONTEXT(cuEventDestroy_v2);
  std::lock_guard lock(objects().mutex);
  objects().events.erase(event);
  return success;
}
/// Flag 1 makes the moment one of a graph; without it what is captured has no time.
int cuEventRecordWithFlags(void *event, void *stream, unsigned flags) {
  CALL_IN_CONTEXT(cuEventRecordWithFlags);
  auto *s = static_cast<Stream *>(stream);
  if (flags > 1 || (flags == 1) != (s->capture != nullptr)) return invalidValue;
  auto e = eventAt(event);
  const unsigned record = s->capture ? 0 : ++e->given;
  const bool isMoment = s->capture != nullptr;
  auto run = [=] {
    e->time = std::chrono::steady_clock::now();
    e->recorded = true;
    if (!isMoment) {
      e->done = record;
      e->fault = s->fault;
    }
    return int(success);
  };
  s->add(Command{run, nullptr, 0, !isMoment});
  return success;
}
int cuEventSynchronize(void *event) {
  CALL_IN_CONTEXT(cuEventSynchronize);
  auto e = eventAt(event);
  const unsigned record = e->given;
  if (!carryOut([&] { return e->done >= record; })) return launchFailed;
  return e->fault;
}
int cuEventElapsedTime(float *milliseconds, void *from, void *to) {
  CALL_IN_CONTEXT(cuEventElapsedTime);
  auto *a = static_cast<Event *>(from), *b = static_cast<Event *>(to);
  if (!a->recorded || !b->recorded) return invalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(b->time - a->time).count();
  return success;
}

int cuGetErrorName(int error, const char **name) {
  static const std::map<int, const char *> names = {
      {1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {100, "CUDA_ERROR_NO_DEVICE"},
      {101, "CUDA_ERROR_INVALID_DEVICE"}, {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}, {500, "CUDA_ERROR_NOT_FOUND"},
      {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {719, "CUDA_ERROR_LAUNCH_FAILED"}};
  auto found = names.find(error);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? invalidValue : success;
}
int cuGetErrorString(int error, const char **text) {
  static const std::map<int, const char *> texts = {
      {1, "invalid argument"}, {2, "out of memory"}, {100, "no CUDA-capable device is detected"},
      {101, "invalid device ordinal"}, {222, "the provided PTX was compiled with an unsupported toolchain."},
      {500, "named symbol not found"}, {700, "an illegal memory access was encountered"}, {719, "unspecified launch failure"}};
  auto found = texts.find(error);
  *text = found == texts.end() ? nullptr : found->second;
  return found == texts.end() ? invalidValue : success;
}

}  // namespace

void *cudaEmulatedSymbol(const char *name) {
#define FUNCTION(name) {#name, reinterpret_cast<void *>(&name)}
  static const std::map<std::string, void *> functions = {
      FUNCTION(cuInit), FUNCTION(cuDriverGetVersion), FUNCTION(cuDeviceGetCount), FUNCTION(cuDeviceGet),
      FUNCTION(cuDeviceGetName), FUNCTION(cuDeviceGetAttribute), FUNCTION(cuDeviceTotalMem_v2),
      FUNCTION(cuDevicePrimaryCtxRetain), FUNCTION(cuCtxSetCurrent), FUNCTION(cuMemGetInfo_v2), FUNCTION(cuMemAlloc_v2),
      FUNCTION(cuMemFree_v2), FUNCTION(cuMemHostAlloc), FUNCTION(cuMemFreeHost), FUNCTION(cuMemcpyHtoDAsync_v2),
      FUNCTION(cuMemcpyDtoHAsync_v2), FUNCTION(cuMemcpyDtoDAsync_v2), FUNCTION(cuModuleLoadDataEx), FUNCTION(cuModuleUnload),
      FUNCTION(cuModuleGetFunction),
      FUNCTION(cuFuncSetAttribute), FUNCTION(cuStreamCreate), FUNCTION(cuStreamDestroy_v2), FUNCTION(cuStreamSynchronize),
      FUNCTION(cuStreamBeginCapture_v2), FUNCTION(cuStreamEndCapture), FUNCTION(cuGraphInstantiateWithFlags),
      FUNCTION(cuGraphDestroy), FUNCTION(cuGraphExecDestroy), FUNCTION(cuGraphLaunch), FUNCTION(cuLaunchKernelEx),
      FUNCTION(cuEventCreate), FUNCTION(cuEventDestroy_v2), FUNCTION(cuEventRecordWithFlags), FUNCTION(cuEventElapsedTime),
      FUNCTION(cuStreamWaitEvent), FUNCTION(cuEventSynchronize),
      FUNCTION(cuGetErrorName), FUNCTION(cuGetErrorString)};
  auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

CUDAEmulatedCounts cudaEmulatedCounts(void) {
  CUDAEmulatedCounts result = counts;
  result.allocatedBytes = static_cast<long long>(heldBytes->load());
  return result;
}
void cudaEmulatedResetCounts(void) { counts = {}; }
void cudaEmulatedSetSeed(unsigned value) {
  seed = value;
  // Seeds that follow each other begin apart.
  orderState = value * 2654435761u;
}
void cudaEmulatedLeaveOutKernels(int leavesOut) { leavesOutKernels = leavesOut; }
const char *cudaEmulatedFault(void) { return fault.c_str(); }
void cudaEmulatedFail(const char *name, int error, int call) {
  failing = name ? name : "";
  failure = error;
  callsBefore = call;
}
void cudaEmulatedForgetWaits(int first, int every) {
  forgottenFirst = first;
  forgottenEvery = every;
  waitCalls = 0;
}
void cudaEmulatedSetDevice(int newCapability, int sharedBytes, size_t memoryBytes) {
  capability = newCapability;
  sharedLimit = sharedBytes;
  memoryLimit = memoryBytes;
}
