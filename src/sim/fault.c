/* The tables' names, and the draw. */
#include "sim/fault.h"

#include "base/check.h"

enum { STREAM_FAULTS = 1000 }; /* of the first fault; the others follow */

#define FAULT_NAME(name, text, sentence) text,
static const char *const fault_names[] = { SIM_FAULT_TABLE(FAULT_NAME) };
#define POINT_NAME(name, text, passes) text,
static const char *const point_names[] = { SIM_POINT_TABLE(POINT_NAME) };
#define POINT_PASSES(name, text, passes) passes,
static const uint32_t point_passes[] = { SIM_POINT_TABLE(POINT_PASSES) };

const char *sim_fault_name(enum sim_fault fault)
{
    CHECK(fault < SIM_FAULT_COUNT);
    return fault_names[fault];
}

const char *sim_point_name(enum sim_point point)
{
    CHECK(point < SIM_POINT_COUNT);
    return point_names[point];
}

uint32_t sim_point_passes(enum sim_point point)
{
    CHECK(point < SIM_POINT_COUNT);
    return point_passes[point];
}

void faults_draw_from(struct faults *faults, const struct world *world, uint64_t first)
{
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        faults->streams[i] = world_stream(world, first + STREAM_FAULTS + i);
    }
}

void faults_init(struct faults *faults, const struct world *world)
{
    *faults = (struct faults){ .calm = false };
    faults_draw_from(faults, world, 0);
}

bool fault_strikes(struct faults *faults, enum sim_fault fault)
{
    CHECK(fault < SIM_FAULT_COUNT);
    bool strikes = prng_chance(&faults->streams[fault], faults->rates[fault], FAULT_RATE_ALWAYS);
    if (!strikes || faults->calm) return false;
    faults->hits[fault]++;
    return true;
}

uint64_t fault_between(struct faults *faults, enum sim_fault fault, uint64_t from, uint64_t to)
{
    CHECK(fault < SIM_FAULT_COUNT);
    return prng_between(&faults->streams[fault], from, to);
}
