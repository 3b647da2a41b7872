/* The settings are looked at before the ledger is opened, so that a wrong file costs no recovery. */
#include "cmd/serve_bus.h"

#include <stdio.h>

#include "adapter/kafka_bus.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "wallet/bus_relay.h"
#include "wallet/journal_feed.h"

enum status serve_bus_open(const struct invocation *invocation, struct serve_bus *out_bus,
                           struct error *out_error)
{
    *out_bus = (struct serve_bus){ 0 };
    const char *brokers = invocation_text(invocation, "kafka");
    if (brokers == NULL) return STATUS_OK;
    uint64_t partitions = 1;
    enum status status =
        invocation_number(invocation, "kafka-partitions",
                          (struct number_range){ 1, KAFKA_PARTITIONS_MAX }, &partitions, out_error);
    if (status != STATUS_OK) return status;
    const struct kafka_bus_options options = {
        .kafka = { brokers, invocation_text(invocation, "kafka-settings") },
        .topic = invocation_text(invocation, "kafka-topic"),
        .partitions = (int32_t)partitions,
    };
    out_bus->lag_options = (struct kafka_lag_options){
        .kafka = options.kafka,
        .topic = options.topic,
        .groups = &out_bus->groups,
        .sync = thread_sync(),
        .clock = system_clock(),
    };
    return kafka_bus_open(&options, &out_bus->bus, out_error);
}

enum status serve_bus_watch(const struct invocation *invocation, struct serve_bus *bus,
                            struct error *out_error)
{
    const char *groups = invocation_text(invocation, "kafka-groups");
    if (groups == NULL) return STATUS_OK;
    if (bus->bus == NULL)
        return error_set(out_error, STATUS_INVALID, "--kafka-groups wants --kafka");
    return kafka_groups_parse(groups, &bus->groups, out_error);
}

void serve_bus_close(struct serve_bus *bus)
{
    if (bus->bus != NULL) bus->bus->close(bus->bus);
    bus->bus = NULL;
}

static uint64_t head_batch(void *owner)
{
    struct serve_bus *bus = owner;
    struct lane_status status;
    lane_get_status(bus->lane, &status);
    return status.head.sequence;
}

static enum status epoch_now(void *owner, uint64_t *out_epoch, struct error *out_error)
{
    struct serve_bus *bus = owner;
    struct store_head head;
    enum status status = bus->store->head(bus->store, &head, out_error);
    if (status == STATUS_OK) *out_epoch = head.epoch;
    return status;
}

enum status serve_bus_start(struct serve_bus *bus, struct lane *lane, uint32_t number,
                            const struct lane_ports *ports, struct error *out_error)
{
    if (bus->bus == NULL) return STATUS_OK;
    bus->lane = lane;
    bus->store = ports->store;
    int length = snprintf(bus->source, sizeof bus->source, "/tpwallet/%u", number);
    CHECK(length > 0 && (size_t)length < sizeof bus->source);
    struct lane_status lane_status;
    lane_get_status(lane, &lane_status);
    enum status status = journal_feed_new(lane, ports->store, ports->sync, bus->source, &bus->feed);
    if (status != STATUS_OK) return error_set(out_error, status, "no memory for the events");
    const struct bus_relay_ports relay_ports = {
        .sync = ports->sync,
        .clock = ports->clock,
        .log = ports->log,
        .feed = journal_feed_port(bus->feed),
        .bus = bus->bus,
        .tracer = ports->tracer,
    };
    struct bus_relay_options options = BUS_RELAY_OPTIONS_DEFAULT;
    options.lane = number;
    options.epoch = lane_status.head.epoch;
    options.head = head_batch;
    options.epoch_now = epoch_now;
    options.owner = bus;
    status = bus_relay_open(&relay_ports, &options, &bus->relay, out_error);
    if (status != STATUS_OK || bus->groups.count == 0) return status;
    return kafka_lag_open(&bus->lag_options, &bus->lag, out_error);
}

void serve_bus_stop(struct serve_bus *bus)
{
    kafka_lag_close(bus->lag);
    bus_relay_close(bus->relay);
    journal_feed_free(bus->feed);
    bus->lag = NULL;
    bus->relay = NULL;
    bus->feed = NULL;
}

void serve_bus_metrics(struct serve_bus *bus, struct buf *out_page)
{
    if (bus->relay != NULL) bus_relay_metrics(bus->relay, out_page);
    if (bus->lag != NULL) kafka_lag_metrics(bus->lag, out_page);
}
