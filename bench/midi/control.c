/* control PORT STAMPS SECONDS PRIORITY: the workload, as exactly as this machine can play it.

   Sixteenths at 120 bpm on two voices, sent to PORT for so many seconds, by a thread that sleeps until each is due
   (clock_nanosleep, absolute), with SCHED_FIFO at PRIORITY if that is not 0 and the system permits it. Messages go through a
   ring to JACK's thread, which sends them at the start of its next period, as RtMidi does. A note-on is stamped once it is in
   the ring; the stamps are written to the file STAMPS at the end. Says, when it begins, when step 0 is due and whether it has
   priority. */

#include "common.h"
#include <stdatomic.h>

#define STEP 0.125
#define STEPS 64
#define VOICES 2
#define RING 4096

static unsigned char ring[RING][3];
static atomic_uint written, taken;
static jack_port *output;

static int process(uint32_t frames, void *nothing) {
    (void)nothing;
    void *buffer = jack_port_get_buffer(output, frames);
    jack_midi_clear_buffer(buffer);
    for (; taken != written; taken++)
        if (jack_midi_event_write(buffer, 0, ring[taken % RING], 3) != 0) break;
    return 0;
}

static void send(unsigned char status, unsigned char pitch, unsigned char velocity) {
    unsigned char *place = ring[written % RING];
    place[0] = status, place[1] = pitch, place[2] = velocity;
    written++;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    long steps = (long)(atof(arguments[3]) / STEP);
    stamp *stamps = calloc((size_t)(steps * VOICES), sizeof *stamps);
    memset(stamps, 1, (size_t)(steps * VOICES) * sizeof *stamps); /* the memory is there before the notes are */
    jack_client *jack = client("control");
    output = jack_port_register(jack, "out", MIDI, IS_OUTPUT, 0);
    jack_set_process_callback(jack, process, NULL);
    if (jack_activate(jack) != 0 || jack_connect(jack, "control:out", arguments[1]) != 0) return 1;
    mlockall(MCL_CURRENT | MCL_FUTURE);
    int realtime = be_punctual(atoi(arguments[4]));
    double origin = now() + 0.5;
    printf("%.9f %d\n", origin, realtime);
    fflush(stdout);
    stamp *next = stamps;
    for (long half = 0; half < 2 * steps; half++) {
        sleep_until(origin + half * STEP / 2);
        unsigned char step = half / 2 % STEPS, ends = half % 2;
        for (unsigned char voice = 0; voice < VOICES; voice++) {
            unsigned char pitch = voice * STEPS + step;
            send((ends ? 0x80 : 0x90) | voice, pitch, 64);
            if (!ends) *next++ = (stamp){ now(), { 0x90 | voice, pitch, 64 }, { 0 } };
        }
    }
    sleep_until(now() + 0.1);
    FILE *file = fopen(arguments[2], "wb");
    if (!file || fwrite(stamps, sizeof *stamps, (size_t)(next - stamps), file) != (size_t)(next - stamps)) return 1;
    return fclose(file) || jack_client_close(jack);
}
