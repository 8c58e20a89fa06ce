/* ear FILE: the independent receiver, JACK's MIDI port `ear:in`.

   Says "ready" when it listens. When its standard input ends it writes to FILE all short messages that arrived, each with the moment
   at which JACK handed over the period it arrived in. */

#include "common.h"

#define MOST 2000000

static stamp *heard;
static volatile size_t count;
static jack_port *input;

static int process(uint32_t frames, void *nothing) {
    (void)nothing;
    void *buffer = jack_port_get_buffer(input, frames);
    uint32_t events = jack_midi_get_event_count(buffer);
    double moment = events ? now() : 0;
    for (uint32_t index = 0; index < events; index++) {
        jack_midi_event event;
        if (jack_midi_event_get(&event, buffer, index) != 0 || event.size > 3 || count == MOST) continue;
        heard[count].seconds = moment;
        memset(heard[count].bytes, 0, 3);
        memcpy(heard[count].bytes, event.bytes, event.size);
        count++;
    }
    return 0;
}

int main(int given, char **arguments) {
    if (given != 2) return 2;
    heard = calloc(MOST, sizeof *heard);
    memset(heard, 1, MOST * sizeof *heard); /* the memory is there before the notes are */
    jack_client *jack = client("ear");
    input = jack_port_register(jack, "in", MIDI, IS_INPUT, 0);
    jack_set_process_callback(jack, process, NULL);
    if (jack_activate(jack) != 0) return 1;
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    jack_client_close(jack);
    FILE *file = fopen(arguments[1], "wb");
    return !file || fwrite(heard, sizeof *heard, count, file) != count || fclose(file);
}
