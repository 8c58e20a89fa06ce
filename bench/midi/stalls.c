/* stalls FILE: writes down when the machine stood still: lines of "from to processor" on the monotonic clock.

   A thread on each processor wakes up every millisecond, with priority over everything else if the system permits it. When it
   wakes up more than 3 ms late, something held that processor since the last time it woke up. Says whether it has priority. Ends with
   its standard input. */

#include "common.h"
#include <pthread.h>

#define EVERY 0.001
#define LATE 0.003
#define PRIORITY 80

static FILE *file;
static int realtime;
static pthread_barrier_t begun;

static void *watch(void *processor) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET((long)processor, &only);
    sched_setaffinity(0, sizeof only, &only);
    realtime = be_punctual(PRIORITY);
    pthread_barrier_wait(&begun);
    for (double awake = now();;) {
        double due = awake + EVERY;
        sleep_until(due);
        double woken = now();
        if (woken - due > LATE) {
            fprintf(file, "%.6f %.6f %ld\n", awake, woken, (long)processor);
            fflush(file);
        }
        awake = now();
    }
    return NULL;
}

int main(int given, char **arguments) {
    if (given != 2 || !(file = fopen(arguments[1], "w"))) return 2;
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    pthread_barrier_init(&begun, NULL, (unsigned)CPU_COUNT(&allowed) + 1);
    for (long processor = 0; processor < CPU_SETSIZE; processor++) {
        pthread_t thread;
        if (CPU_ISSET(processor, &allowed)) pthread_create(&thread, NULL, watch, (void *)processor);
    }
    mlockall(MCL_CURRENT | MCL_FUTURE);
    pthread_barrier_wait(&begun);
    printf("%d\n", realtime);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
