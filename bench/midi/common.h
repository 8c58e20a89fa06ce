/* What the three programs here share: the clock, the priority, a note as it is written down, and what they use of JACK's C
   interface, declared so that they compile without its headers.
   Source: jack/jack.h, jack/midiport.h, jack/types.h. */

#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

typedef struct jack_client jack_client;
typedef struct jack_port jack_port;
typedef struct { uint32_t frame; size_t size; const unsigned char *bytes; } jack_midi_event;

jack_client *jack_client_open(const char *name, int options, int *status, ...);
int jack_client_close(jack_client *);
int jack_set_process_callback(jack_client *, int (*process)(uint32_t frames, void *), void *);
int jack_activate(jack_client *);
jack_port *jack_port_register(jack_client *, const char *name, const char *type, unsigned long flags, unsigned long size);
int jack_connect(jack_client *, const char *from, const char *to);
void *jack_port_get_buffer(jack_port *, uint32_t frames);
uint32_t jack_midi_get_event_count(void *buffer);
int jack_midi_event_get(jack_midi_event *, void *buffer, uint32_t index);
void jack_midi_clear_buffer(void *buffer);
int jack_midi_event_write(void *buffer, uint32_t frame, const unsigned char *bytes, size_t size);

#define NO_START_SERVER 0x01
#define IS_INPUT 0x1
#define IS_OUTPUT 0x2
#define MIDI "8 bit raw midi"

/* One message and its moment on the monotonic clock: 16 bytes, as `figures.STAMP` reads them. */
typedef struct { double seconds; unsigned char bytes[3]; unsigned char nothing[5]; } stamp;

static inline double now(void) {
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return moment.tv_sec + moment.tv_nsec / 1e9;
}

static inline void sleep_until(double seconds) {
    struct timespec moment = { (time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9) };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) != 0) {
    }
}

/* Have this thread woken on time; 1 if with real-time priority. */
static inline int be_punctual(int priority) {
    struct sched_param wanted = { .sched_priority = priority };
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    return priority > 0 && sched_setscheduler(0, SCHED_FIFO, &wanted) == 0;
}

static inline jack_client *client(const char *name) {
    jack_client *opened = jack_client_open(name, NO_START_SERVER, NULL);
    if (!opened) {
        fprintf(stderr, "%s finds no JACK server\n", name);
        exit(1);
    }
    return opened;
}
