/* master STAMPS SECONDS BPM JITTER: a master that sends MIDI clock from `master:out`, ticks up to JITTER seconds too early or late.

   Waits for a line on standard input, then sends Start and ticks for so many seconds, and says when the first tick is due. Messages
   go through a ring to JACK's thread, as in control.c. Each tick is stamped with the moment at which it should have been sent. */

#include "common.h"
#include <stdatomic.h>

#define RING 4096

static unsigned char ring[RING];
static atomic_uint written, taken;
static jack_port *output;

static int process(uint32_t frames, void *nothing) {
    (void)nothing;
    void *buffer = jack_port_get_buffer(output, frames);
    jack_midi_clear_buffer(buffer);
    for (; taken != written; taken++)
        if (jack_midi_event_write(buffer, 0, &ring[taken % RING], 1) != 0) break;
    return 0;
}

static void send(unsigned char status) {
    ring[written % RING] = status;
    written++;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    double tick = 60 / 24.0 / atof(arguments[3]), jitter = atof(arguments[4]);
    long ticks = (long)(atof(arguments[2]) / tick);
    stamp *stamps = calloc((size_t)ticks, sizeof *stamps);
    memset(stamps, 1, (size_t)ticks * sizeof *stamps);
    jack_client *jack = client("master");
    output = jack_port_register(jack, "out", MIDI, IS_OUTPUT, 0);
    jack_set_process_callback(jack, process, NULL);
    if (jack_activate(jack) != 0) return 1;
    mlockall(MCL_CURRENT | MCL_FUTURE);
    be_punctual(5);
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) return 1;
    double origin = now() + 0.1;
    printf("%.9f\n", origin);
    fflush(stdout);
    srand(1);
    send(0xFA);
    for (long place = 0; place < ticks; place++) {
        double due = origin + place * tick;
        sleep_until(due + jitter * (2.0 * rand() / RAND_MAX - 1));
        send(0xF8);
        stamps[place] = (stamp){ due, { 0xF8, 0, 0 }, { 0 } };
    }
    sleep_until(now() + 0.1);
    FILE *file = fopen(arguments[1], "wb");
    if (!file || fwrite(stamps, sizeof *stamps, (size_t)ticks, file) != (size_t)ticks) return 1;
    return fclose(file) || jack_client_close(jack);
}
