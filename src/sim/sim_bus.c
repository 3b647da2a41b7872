#include "sim/sim_bus.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { CALL_US_MAX = 20000, SLOW_S_MAX = 20 };

struct published {
    char *bytes; /* key, then value */
    size_t key_len;
    size_t value_len;
    struct wall_time time;
};

struct sim_lane {
    uint64_t epoch;
    uint64_t session; /* counts begins: whoever holds an older one is shut out */
    struct bus_mark mark;
    struct published *events;
    uint32_t count;
    uint32_t capacity;
};

struct sim_topic {
    struct world *world;
    struct faults *faults;
    uint32_t open_count;
    struct sim_lane lanes[SIM_BUS_LANES];
};

struct sim_bus {
    struct bus port; /* first */
    struct sim_topic *topic;
    struct process *process;
    struct sim_lane *lane; /* NULL: begin() comes first */
    uint64_t session;
};

struct sim_topic *sim_topic_new(struct world *world, struct faults *faults)
{
    struct sim_topic *topic = calloc(1, sizeof *topic);
    CHECK(topic != NULL);
    topic->world = world;
    topic->faults = faults;
    return topic;
}

void sim_topic_free(struct sim_topic *topic)
{
    if (topic == NULL) return;
    CHECK(topic->open_count == 0);
    for (uint32_t at = 0; at < SIM_BUS_LANES; at++) {
        for (uint32_t i = 0; i < topic->lanes[at].count; i++)
            free(topic->lanes[at].events[i].bytes);
        free(topic->lanes[at].events);
    }
    free(topic);
}

uint32_t sim_topic_count(const struct sim_topic *topic, uint32_t lane)
{
    CHECK(lane < SIM_BUS_LANES);
    return topic->lanes[lane].count;
}

struct bus_event sim_topic_event(const struct sim_topic *topic, uint32_t lane, uint32_t index)
{
    CHECK(lane < SIM_BUS_LANES && index < topic->lanes[lane].count);
    const struct published *event = &topic->lanes[lane].events[index];
    return (struct bus_event){
        .key = { event->bytes, event->key_len },
        .value = { event->bytes + event->key_len, event->value_len },
        .time = event->time,
    };
}

static enum status dead(struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed");
}

/* What every call begins with. Not OK: the call is over, without effect. */
static enum status enter(struct sim_bus *bus, enum sim_point point, struct error *out_error)
{
    struct faults *faults = bus->topic->faults;
    if (!process_point(bus->process, point)) return dead(out_error);
    int64_t ns =
        (int64_t)fault_between(faults, SIM_FAULT_STORE_UNAVAILABLE, 1, CALL_US_MAX) * NS_PER_US;
    if (fault_strikes(faults, SIM_FAULT_STORE_SLOW))
        ns = (int64_t)fault_between(faults, SIM_FAULT_STORE_SLOW, 1, SLOW_S_MAX) * NS_PER_S;
    task_sleep(bus->topic->world, ns);
    if (bus->process->crashed) return dead(out_error);
    if (fault_strikes(faults, SIM_FAULT_STORE_UNAVAILABLE))
        return error_set(out_error, STATUS_UNAVAILABLE, "the bus does not answer");
    return STATUS_OK;
}

static enum status sim_begin(struct bus *port, uint32_t lane, uint64_t epoch,
                             struct bus_mark *out_mark, struct error *out_error)
{
    struct sim_bus *bus = (struct sim_bus *)port;
    CHECK(lane < SIM_BUS_LANES && epoch > 0);
    bus->lane = NULL;
    struct sim_lane *there = &bus->topic->lanes[lane];
    /* Whatever becomes of the call, older sessions may be shut out by it. */
    uint64_t session = ++there->session;
    enum status status = enter(bus, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    if (there->epoch > epoch)
        return error_set(out_error, STATUS_FENCED, "a later owner publishes the lane");
    if (there->session != session)
        return error_set(out_error, STATUS_UNAVAILABLE, "somebody else has begun meanwhile");
    there->epoch = epoch;
    bus->lane = there;
    bus->session = session;
    *out_mark = there->mark;
    return STATUS_OK;
}

static void event_put(struct sim_lane *lane, const struct bus_event *event)
{
    if (lane->count == lane->capacity) {
        lane->capacity = lane->capacity == 0 ? 64 : lane->capacity * 2;
        lane->events = realloc(lane->events, lane->capacity * sizeof lane->events[0]);
        CHECK(lane->events != NULL);
    }
    struct published *made = &lane->events[lane->count++];
    *made = (struct published){ malloc(event->key.len + event->value.len), event->key.len,
                                event->value.len, event->time };
    CHECK(made->bytes != NULL);
    memcpy(made->bytes, event->key.data, event->key.len);
    if (event->value.len > 0)
        memcpy(made->bytes + event->key.len, event->value.data, event->value.len);
}

static enum status sim_publish(struct bus *port, const struct bus_event *events, uint32_t count,
                               struct bus_mark mark, struct error *out_error)
{
    struct sim_bus *bus = (struct sim_bus *)port;
    struct sim_lane *lane = bus->lane;
    struct faults *faults = bus->topic->faults;
    CHECK(lane != NULL && count > 0 && count <= BUS_RUN_EVENTS_MAX);
    bus->lane = NULL; /* until it is good */
    enum status status = enter(bus, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    if (lane->session != bus->session)
        return error_set(out_error, STATUS_FENCED, "somebody else has begun the lane");
    if (fault_strikes(faults, SIM_FAULT_LOST_COMMIT))
        return error_set(out_error, STATUS_IN_DOUBT, "no answer");
    for (uint32_t i = 0; i < count; i++) event_put(lane, &events[i]);
    lane->mark = mark;
    world_mix(bus->topic->world, lane->count);
    if (!process_point(bus->process, SIM_POINT_STORE_APPENDED)) return dead(out_error);
    if (fault_strikes(faults, SIM_FAULT_LOST_REPLY))
        return error_set(out_error, STATUS_IN_DOUBT, "no answer");
    bus->lane = lane;
    return STATUS_OK;
}

static void sim_close(struct bus *port)
{
    if (port == NULL) return;
    struct sim_bus *bus = (struct sim_bus *)port;
    bus->topic->open_count--;
    free(bus);
}

struct bus *sim_bus_open(struct sim_topic *topic, struct process *process)
{
    struct sim_bus *bus = calloc(1, sizeof *bus);
    CHECK(bus != NULL);
    *bus = (struct sim_bus){
        .port = { .begin = sim_begin, .publish = sim_publish, .close = sim_close },
        .topic = topic,
        .process = process
    };
    topic->open_count++;
    return &bus->port;
}
