/* One stream per process, by its number. */
#include "sim/sim_entropy.h"

enum { STREAM_ENTROPY = 100000 };

static void sim_fill(struct entropy *port, void *out_bytes, size_t size)
{
    struct sim_entropy *entropy = (struct sim_entropy *)port;
    (void)process_point(entropy->process, SIM_POINT_ENTROPY_FILL); /* dead or not */
    prng_fill(&entropy->stream, out_bytes, size);
}

void sim_entropy_init(struct sim_entropy *entropy, struct process *process)
{
    *entropy = (struct sim_entropy){
        .port = { .fill = sim_fill },
        .process = process,
        .stream = world_stream(process->world, STREAM_ENTROPY + process->number),
    };
}
