/* A stand-in for libnvidia-ml.so.1: it answers what a state file says (see ../fake_nvml.py).
 *
 * The file is named by FAKE_NVML_STATE and read anew whenever it changes. One thing a line, fields
 * by tabs: a word, then key=value. The shapes are those of NVIDIA's published interface.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
  INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, TIMEOUT = 10, UNKNOWN = 999
};
enum { GPUS = 16, MIGS = 64, PROCESSES = 512, EVENTS = 64, WORD = 96, NO_INSTANCE = 0xFFFFFFFF };

typedef struct {
  int is_mig, parent, error, handle_error, mig_mode, recovery, remap_pending, remap_failed;
  int ecc, sm, temperature, power, slices, gpm;
  unsigned instance, compute;
  long long uncorrected;
  unsigned long long total, used;
  char uuid[WORD], name[WORD];
} Device;

typedef struct { int device; unsigned pid; unsigned long long memory; int sm; } Process;
typedef struct { unsigned long long seq, type, data; int device; } Event;
typedef struct { unsigned long long seen; int used, watched[GPUS]; } EventSet;

static Device gpus[GPUS], migs[MIGS];
static Process processes[PROCESSES];
static Event events[EVENTS];
static EventSet sets[8];
static int gpu_count, mig_count, process_count, event_count;
static int init_error, any_error, hangs, cuda, users;
static char driver[WORD];
static struct stat last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the state file */

static const char *field(char *line, const char *key, char *into) {
  char wanted[WORD];
  snprintf(wanted, sizeof wanted, "\t%s=", key);
  char *at = strstr(line, wanted);
  if (!at) return NULL;
  at += strlen(wanted);
  size_t length = strcspn(at, "\t\n");
  if (length >= WORD) length = WORD - 1;
  memcpy(into, at, length);
  into[length] = 0;
  return into;
}

static long long number(char *line, const char *key, long long otherwise) {
  char text[WORD];
  return field(line, key, text) ? atoll(text) : otherwise;
}

static void read_device(char *line, Device *device, int is_mig) {
  memset(device, 0, sizeof *device);
  device->is_mig = is_mig;
  device->parent = (int)number(line, "gpu", 0);
  device->error = (int)number(line, "error", 0);
  device->handle_error = (int)number(line, "handle_error", 0);
  device->mig_mode = (int)number(line, "mig", -1);
  device->recovery = (int)number(line, "recovery", 0);
  device->remap_pending = (int)number(line, "remap_pending", 0);
  device->remap_failed = (int)number(line, "remap_failed", 0);
  device->ecc = (int)number(line, "ecc", 1);
  device->uncorrected = number(line, "uncorrected", 0);
  device->sm = (int)number(line, "sm", 0);
  device->temperature = (int)number(line, "temperature", 0);
  device->power = (int)number(line, "power", 0);
  device->slices = (int)number(line, "slices", 0);
  device->gpm = (int)number(line, "gpm", 0);
  device->instance = (unsigned)number(line, "instance", NO_INSTANCE);
  device->compute = (unsigned)number(line, "compute", 0);
  device->total = (unsigned long long)number(line, "total", 0);
  device->used = (unsigned long long)number(line, "used", 0);
  field(line, "uuid", device->uuid);
  field(line, "name", device->name);
}

static void read_line(char *line) {
  char text[WORD];
  if (!strncmp(line, "system\t", 7)) {
    init_error = (int)number(line, "init_error", 0);
    any_error = (int)number(line, "any_error", 0);
    hangs = (int)number(line, "hangs", 0);
    cuda = (int)number(line, "cuda", 0);
    if (field(line, "driver", text)) strcpy(driver, text);
  } else if (!strncmp(line, "gpu\t", 4) && gpu_count < GPUS) {
    read_device(line, &gpus[gpu_count++], 0);
  } else if (!strncmp(line, "mig\t", 4) && mig_count < MIGS) {
    read_device(line, &migs[mig_count++], 1);
  } else if (!strncmp(line, "process\t", 8) && process_count < PROCESSES) {
    Process *process = &processes[process_count++];
    process->device = (int)number(line, "gpu", -1);
    if (number(line, "mig", -1) >= 0) process->device = GPUS + (int)number(line, "mig", 0);
    process->pid = (unsigned)number(line, "pid", 0);
    process->memory = (unsigned long long)number(line, "memory", 0);
    process->sm = (int)number(line, "sm", 0);
  } else if (!strncmp(line, "event\t", 6) && event_count < EVENTS) {
    Event *event = &events[event_count++];
    event->seq = (unsigned long long)number(line, "seq", 0);
    event->type = (unsigned long long)number(line, "type", 0);
    event->data = (unsigned long long)number(line, "data", 0);
    event->device = (int)number(line, "gpu", 0);
  }
}

static void refresh(void) {
  const char *path = getenv("FAKE_NVML_STATE");
  struct stat now;
  if (!path || stat(path, &now)) {
    gpu_count = mig_count = process_count = event_count = 0;
    init_error = any_error = DRIVER_NOT_LOADED;
    memset(&last, 0, sizeof last);
    return;
  }
  if (now.st_ino == last.st_ino && now.st_size == last.st_size &&
      now.st_mtim.tv_sec == last.st_mtim.tv_sec && now.st_mtim.tv_nsec == last.st_mtim.tv_nsec)
    return;
  FILE *file = fopen(path, "r");
  if (!file) return;
  last = now;
  gpu_count = mig_count = process_count = event_count = 0;
  init_error = any_error = hangs = 0;
  char line[1024];
  while (fgets(line, sizeof line, file)) read_line(line);
  fclose(file);
}

static void nap(void) {
  struct timespec pause = {0, 10 * 1000 * 1000};
  nanosleep(&pause, NULL);
}

/* What any call answers first: 0, or the error of the library as a whole. */
static int entered(void) {
  pthread_mutex_lock(&lock);
  refresh();
  while (hangs) {
    pthread_mutex_unlock(&lock);
    nap();
    pthread_mutex_lock(&lock);
    refresh();
  }
  if (!users) return UNINITIALIZED;
  return any_error;
}

#define BEGIN                       \
  int error = entered();            \
  if (error) {                      \
    pthread_mutex_unlock(&lock);    \
    return error;                   \
  }
#define BEGIN_ON(handle)                                                          \
  Device *device = handle;                                                        \
  int error = entered();                                                          \
  if (!error && device) error = device->is_mig ? gpus[device->parent].error : device->error; \
  if (!error && !device) error = INVALID_ARGUMENT;                                \
  if (error) {                                                                    \
    pthread_mutex_unlock(&lock);                                                  \
    return error;                                                                 \
  }
#define END(value)                  \
  do {                              \
    int answer = (value);           \
    pthread_mutex_unlock(&lock);    \
    return answer;                  \
  } while (0)

static int copied(const char *from, char *into, unsigned room) {
  if (strlen(from) + 1 > room) return INSUFFICIENT_SIZE;
  strcpy(into, from);
  return SUCCESS;
}

static int number_of(const Device *device) {
  return device->is_mig ? GPUS + (int)(device - migs) : (int)(device - gpus);
}

/* ---- the library and the driver */

int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  pthread_mutex_lock(&lock);
  refresh();
  if (!init_error) users++;
  END(init_error);
}

int nvmlShutdown(void) {
  pthread_mutex_lock(&lock);
  if (!users) END(UNINITIALIZED);
  users--;
  END(SUCCESS);
}

const char *nvmlErrorString(int code) { (void)code; return "an error of the stand-in"; }

int nvmlSystemGetDriverVersion(char *into, unsigned room) { BEGIN END(copied(driver, into, room)); }

int nvmlSystemGetCudaDriverVersion_v2(int *version) { BEGIN *version = cuda; END(SUCCESS); }

int nvmlDeviceGetCount_v2(unsigned *count) { BEGIN *count = (unsigned)gpu_count; END(SUCCESS); }

/* ---- cards and instances */

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **handle) {
  BEGIN
  if (index >= (unsigned)gpu_count) END(INVALID_ARGUMENT);
  if (gpus[index].handle_error) END(gpus[index].handle_error);
  *handle = &gpus[index];
  END(SUCCESS);
}

int nvmlDeviceGetUUID(Device *handle, char *into, unsigned room) {
  BEGIN_ON(handle) END(copied(device->uuid, into, room));
}

int nvmlDeviceGetName(Device *handle, char *into, unsigned room) {
  BEGIN_ON(handle) END(copied(device->name, into, room));
}

struct memory { unsigned long long total, free, used; };
struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };

int nvmlDeviceGetMemoryInfo(Device *handle, struct memory *memory) {
  BEGIN_ON(handle)
  *memory = (struct memory){device->total, device->total - device->used, device->used};
  END(SUCCESS);
}

int nvmlDeviceGetMemoryInfo_v2(Device *handle, struct memory_v2 *memory) {
  BEGIN_ON(handle)
  if (memory->version != 0x02000028) END(25);
  memory->total = device->total;
  memory->reserved = 0;
  memory->free = device->total - device->used;
  memory->used = device->used;
  END(SUCCESS);
}

struct rates { unsigned gpu, memory; };

int nvmlDeviceGetUtilizationRates(Device *handle, struct rates *rates) {
  BEGIN_ON(handle)
  if (device->is_mig || device->mig_mode == 1) END(NOT_SUPPORTED);
  *rates = (struct rates){(unsigned)device->sm, 0};
  END(SUCCESS);
}

int nvmlDeviceGetTemperature(Device *handle, unsigned sensor, unsigned *degrees) {
  BEGIN_ON(handle)
  (void)sensor;
  if (device->is_mig) END(INVALID_ARGUMENT);
  *degrees = (unsigned)device->temperature;
  END(SUCCESS);
}

int nvmlDeviceGetPowerUsage(Device *handle, unsigned *milliwatts) {
  BEGIN_ON(handle)
  if (device->is_mig || device->power <= 0) END(NOT_SUPPORTED);
  *milliwatts = (unsigned)device->power * 1000;
  END(SUCCESS);
}

int nvmlDeviceGetMigMode(Device *handle, unsigned *now, unsigned *pending) {
  BEGIN_ON(handle)
  if (device->is_mig || device->mig_mode < 0) END(NOT_SUPPORTED);
  *now = *pending = (unsigned)device->mig_mode;
  END(SUCCESS);
}

int nvmlDeviceGetMaxMigDeviceCount(Device *handle, unsigned *count) {
  BEGIN_ON(handle) *count = device->mig_mode < 0 ? 0 : 7; END(SUCCESS);
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *handle, unsigned index, Device **instance) {
  BEGIN_ON(handle)
  for (int at = 0; at < mig_count; at++)
    if (migs[at].parent == number_of(device) && migs[at].slices && index-- == 0) {
      *instance = &migs[at];
      END(SUCCESS);
    }
  END(NOT_FOUND);
}

int nvmlDeviceGetGpuInstanceId(Device *handle, unsigned *id) {
  BEGIN_ON(handle) *id = device->instance; END(SUCCESS);
}

int nvmlDeviceGetComputeInstanceId(Device *handle, unsigned *id) {
  BEGIN_ON(handle) *id = device->compute; END(SUCCESS);
}

struct attributes { unsigned multiprocessors, shared[5], slices, compute_slices; unsigned long long mib; };

int nvmlDeviceGetAttributes_v2(Device *handle, struct attributes *attributes) {
  BEGIN_ON(handle)
  memset(attributes, 0, sizeof *attributes);
  attributes->slices = attributes->compute_slices = (unsigned)device->slices;
  attributes->mib = device->total >> 20;
  END(SUCCESS);
}

/* ---- processes */

struct process { unsigned pid; unsigned long long memory; unsigned instance, compute; };

static int holds(const Process *process, const Device *device) {
  if (process->device == number_of(device)) return 1;
  return process->device >= GPUS && !device->is_mig &&
         migs[process->device - GPUS].parent == number_of(device);
}

int nvmlDeviceGetComputeRunningProcesses_v3(Device *handle, unsigned *count, struct process *found) {
  BEGIN_ON(handle)
  unsigned room = *count, many = 0;
  for (int at = 0; at < process_count; at++) {
    Process *process = &processes[at];
    if (!holds(process, device)) continue;
    if (found && many < room) {
      found[many] = (struct process){process->pid, process->memory, NO_INSTANCE, NO_INSTANCE};
      if (process->device >= GPUS) {
        found[many].instance = migs[process->device - GPUS].instance;
        found[many].compute = migs[process->device - GPUS].compute;
      }
    }
    many++;
  }
  *count = many;
  END(many > room ? INSUFFICIENT_SIZE : SUCCESS);
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(Device *handle, unsigned *count, struct process *found) {
  BEGIN_ON(handle) (void)found; *count = 0; END(SUCCESS);
}

struct sample { unsigned pid; unsigned long long at; unsigned sm, memory, encoder, decoder; };

int nvmlDeviceGetProcessUtilization(Device *handle, struct sample *found, unsigned *count,
                                    unsigned long long since) {
  BEGIN_ON(handle)
  (void)since;
  if (device->is_mig || device->mig_mode == 1) END(NOT_SUPPORTED);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned room = *count, many = 0;
  for (int at = 0; at < process_count; at++) {
    Process *process = &processes[at];
    /* As the driver does: who computed nothing has no sample. */
    if (process->device != number_of(device) || process->sm <= 0) continue;
    if (found && many < room) {
      memset(&found[many], 0, sizeof *found);
      found[many].pid = process->pid;
      found[many].at = (unsigned long long)now.tv_sec * 1000000 + (unsigned)now.tv_nsec / 1000;
      found[many].sm = (unsigned)process->sm;
    }
    many++;
  }
  *count = many;
  if (!many) END(NOT_FOUND);
  END(many > room || !found ? INSUFFICIENT_SIZE : SUCCESS);
}

/* ---- the use of instances, between two samples */

struct gpm_sample { const Device *instance; };
struct gpm_metric { unsigned id; int error; double value; const char *names[3]; };
struct gpm_question { unsigned version, count; struct gpm_sample *first, *second; struct gpm_metric metrics[]; };

int nvmlGpmSampleAlloc(struct gpm_sample **sample) {
  *sample = calloc(1, sizeof **sample);
  return SUCCESS;
}

int nvmlGpmSampleFree(struct gpm_sample *sample) {
  free(sample);
  return SUCCESS;
}

int nvmlGpmMigSampleGet(Device *handle, unsigned instance, struct gpm_sample *sample) {
  BEGIN_ON(handle)
  if (!device->gpm) END(NOT_SUPPORTED);
  for (int at = 0; at < mig_count; at++)
    if (migs[at].parent == number_of(device) && migs[at].instance == instance) {
      sample->instance = &migs[at];
      END(SUCCESS);
    }
  END(NOT_FOUND);
}

int nvmlGpmMetricsGet(struct gpm_question *question) {
  BEGIN
  if (question->version != 1) END(25);
  if (!question->first->instance || question->first->instance != question->second->instance)
    END(INVALID_ARGUMENT);
  for (unsigned at = 0; at < question->count; at++) {
    question->metrics[at].error = question->metrics[at].id == 1 ? SUCCESS : NOT_SUPPORTED;
    question->metrics[at].value = question->second->instance->sm;
  }
  END(SUCCESS);
}

/* ---- health */

int nvmlDeviceGetTotalEccErrors(Device *handle, int kind, int counter, unsigned long long *count) {
  BEGIN_ON(handle)
  if (!device->ecc || device->is_mig) END(NOT_SUPPORTED);
  *count = kind == 1 && counter == 0 ? (unsigned long long)device->uncorrected : 0;
  END(SUCCESS);
}

int nvmlDeviceGetRemappedRows(Device *handle, unsigned *corrected, unsigned *uncorrected,
                              unsigned *pending, unsigned *failed) {
  BEGIN_ON(handle)
  if (!device->ecc || device->is_mig) END(NOT_SUPPORTED);
  *corrected = *uncorrected = 0;
  *pending = (unsigned)device->remap_pending;
  *failed = (unsigned)device->remap_failed;
  END(SUCCESS);
}

struct value { unsigned id, scope; long long at, latency; int type, error; unsigned long long number; };

int nvmlDeviceGetFieldValues(Device *handle, int count, struct value *values) {
  BEGIN_ON(handle)
  for (int at = 0; at < count; at++) {
    values[at].type = 1;
    values[at].error = values[at].id == 230 ? SUCCESS : NOT_SUPPORTED;
    values[at].number = (unsigned long long)device->recovery;
  }
  END(SUCCESS);
}

/* ---- events */

static unsigned long long newest(void) {
  unsigned long long seq = 0;
  for (int at = 0; at < event_count; at++)
    if (events[at].seq > seq) seq = events[at].seq;
  return seq;
}

int nvmlEventSetCreate(EventSet **set) {
  BEGIN
  for (int at = 0; at < 8; at++)
    if (!sets[at].used) {
      memset(&sets[at], 0, sizeof sets[at]);
      sets[at].used = 1;
      sets[at].seen = newest();
      *set = &sets[at];
      END(SUCCESS);
    }
  END(UNKNOWN);
}

int nvmlEventSetFree(EventSet *set) {
  pthread_mutex_lock(&lock);
  set->used = 0;
  END(SUCCESS);
}

int nvmlDeviceGetSupportedEventTypes(Device *handle, unsigned long long *types) {
  BEGIN_ON(handle) *types = device->ecc ? 0xB : 0x8; END(SUCCESS);
}

int nvmlDeviceRegisterEvents(Device *handle, unsigned long long types, EventSet *set) {
  BEGIN_ON(handle)
  if (types & ~(device->ecc ? 0xBULL : 0x8ULL)) END(NOT_SUPPORTED);
  set->watched[number_of(device)] = 1;
  END(SUCCESS);
}

struct event { Device *device; unsigned long long type, data; unsigned instance, compute; };

int nvmlEventSetWait_v2(EventSet *set, struct event *found, unsigned milliseconds) {
  for (unsigned waited = 0;; waited += 10) {
    BEGIN
    Event *next = NULL;
    for (int at = 0; at < event_count; at++)
      if (events[at].seq > set->seen && set->watched[events[at].device] &&
          (!next || events[at].seq < next->seq))
        next = &events[at];
    if (next) {
      set->seen = next->seq;
      *found = (struct event){&gpus[next->device], next->type, next->data, NO_INSTANCE, NO_INSTANCE};
      END(SUCCESS);
    }
    pthread_mutex_unlock(&lock);
    if (waited >= milliseconds) return TIMEOUT;
    nap();
  }
}
