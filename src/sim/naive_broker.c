#include "sim/naive_broker.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_api.h"
#include "sim/naive_db.h"

#define TOPIC "wallet.purchases"
#define GROUP "settle"

/* ---- the outbox ---- */

static struct naive_message *message_add(struct naive_world *world, uint32_t hold_at,
                                         const char *type, uint32_t version)
{
    CHECK(world->message_count < NAIVE_MESSAGES_MAX);
    struct naive_message *message = &world->messages[world->message_count++];
    const struct naive_hold *hold = &world->holds[hold_at];
    *message = (struct naive_message){
        .tx = NAIVE_NONE,
        .hold = hold_at,
        .origin = hold->origin,
        .outbox_us = world->now_us,
        .published_us = -1,
        .version = version,
        .type = type,
        .amount = hold->amount,
        .merchant = world->ops[hold->origin].to,
        .applied_us = -1,
    };
    naive_id(world, "v", hold->lot * 4 + version, message->event);
    naive_id(world, "t", 700000 + hold->lot, message->trace);
    if (naive_broken(world, NAIVE_T03)) naive_id(world, "t", 600000, message->trace);
    return message;
}

static void publish_step(struct naive_world *world, uint32_t at, uint32_t argument);

static void publish_later(struct naive_world *world, const struct naive_message *message)
{
    uint32_t at = (uint32_t)(message - world->messages);
    int64_t wait_us = naive_draw(world, "relay ms",
                                 world->holds[message->hold].lot * 4 + message->version, 40, 400);
    naive_later(world, wait_us * NAIVE_MS, publish_step, at, 0);
}

void naive_outbox_held(struct naive_world *world, uint32_t hold)
{
    struct naive_message *message = message_add(world, hold, "purchase.held", 1);
    message->xid = world->holds[hold].xid;
    message->lsn = world->holds[hold].lsn;
    publish_later(world, message);
}

void naive_outbox_write(struct naive_world *world, uint32_t at)
{
    const struct naive_tx *tx = &world->txs[at];
    struct naive_message *message = message_add(world, tx->draft.hold, tx->draft.topic, 2);
    message->tx = at;
    message->xid = tx->draft.xid;
    bool beside = naive_broken(world, NAIVE_B09);
    if (beside) message->outbox_us = -1;
    if (!beside) {
        struct naive_wal *record = naive_db_wal(world, "insert", tx->draft.xid);
        record->table = "outbox";
        memcpy(record->key, message->event, sizeof record->key);
    }
    message->lsn = world->lsn_next; /* the commit follows at once */
    if (beside && naive_chance(world, "mute", tx->draft.origin, 3)) return; /* the call failed */
    publish_later(world, message);
}

void naive_outbox_ghost(struct naive_world *world, const struct naive_draft *draft)
{
    if (!naive_broken(world, NAIVE_B09)) return; /* it was rolled back with the rest */
    struct naive_message *message = message_add(world, draft->hold, draft->topic, 2);
    message->xid = draft->xid;
    message->outbox_us = -1;
    publish_later(world, message);
}

/* ---- the relay ---- */

static void consume_step(struct naive_world *world, uint32_t partition, uint32_t argument);

static uint32_t partition_of(const struct naive_world *world, const struct naive_message *message)
{
    uint64_t key = world->holds[message->hold].lot;
    if (naive_broken(world, NAIVE_B07))
        key = 500000 + world->holds[message->hold].lot * 4 + message->version;
    return (uint32_t)naive_draw(world, "partition", key, 0, NAIVE_PARTITIONS - 1);
}

static void message_send(struct naive_world *world, struct naive_message *message)
{
    struct naive_partition *partition = &world->partitions[message->partition];
    message->published_us = world->now_us;
    message->offset = partition->end++;
    naive_span(world, message->trace, "relay", "publish", NULL);
    naive_later(world, 200 * NAIVE_MS, consume_step, message->partition, 0);
}

static bool is_down(const struct naive_world *world)
{
    int64_t from_us = world->since_us[NAIVE_B02] + 2 * NAIVE_HOUR;
    return world->now_us >= from_us && world->now_us < from_us + 3 * NAIVE_HOUR;
}

static void publish_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    struct naive_message *message = &world->messages[at];
    if (message->gone || message->published_us >= 0) return;
    bool relayed = message->outbox_us >= 0;
    if (relayed && naive_broken(world, NAIVE_B01)) return;
    if (relayed && is_down(world)) {
        /* It goes out when the relay is up again: unless that starts behind it. */
        if (naive_broken(world, NAIVE_B02)) return;
        naive_at(world, world->since_us[NAIVE_B02] + 5 * NAIVE_HOUR + at, publish_step, at, 0);
        return;
    }
    message->partition = partition_of(world, message);
    message_send(world, message);
    bool again = naive_broken(world, NAIVE_B11) && message->version == 2 &&
                 naive_chance(world, "ack lost", world->holds[message->hold].lot, 2);
    if (!again || world->message_count >= NAIVE_MESSAGES_MAX) return;
    struct naive_message *copy = &world->messages[world->message_count++];
    *copy = *message;
    copy->copy = true;
    message_send(world, copy);
}

/* ---- the consumer ---- */

static void group_note(struct naive_world *world, uint32_t at, const char *op, const char *actor)
{
    const struct naive_partition *partition = &world->partitions[at];
    char member[NAIVE_TEXT_SIZE];
    naive_text(member, "settle-%u", world->generation % 2 + 1);
    EVIDENCE(world, SOURCE_BROKER, "group_offset", S("ts", world->now_us), T("group_name", GROUP),
             T("topic", TOPIC), N("part", at), T("op", op), N("committed", partition->committed),
             N("log_start", partition->start), N("log_end", partition->end),
             N("generation", world->generation), T("member", member), T("actor", actor));
}

static void applied_note(struct naive_world *world, const struct naive_message *message,
                         const char *result, const char *tx)
{
    char member[NAIVE_TEXT_SIZE];
    naive_text(member, "settle-%u", world->generation % 2 + 1);
    EVIDENCE(world, SOURCE_CONSUMER, "applied", S("ts", world->now_us), T("host", member),
             T("group_name", GROUP), T("topic", TOPIC), N("part", message->partition),
             N("pos", message->offset), T("key", world->holds[message->hold].id),
             T("event", message->event), N("generation", world->generation), T("member", member),
             T("result", result), T("aggregate", world->holds[message->hold].id),
             N("ver", message->version), T("tx", tx), T("trace", message->trace),
             A("amount", message->amount), T("ccy", "EUR"),
             T("account", world->accounts[message->merchant].id));
    naive_span(world, message->trace, "settle", "apply", "relay>settle");
}

static void settled(struct naive_world *world, const struct naive_draft *draft,
                    enum naive_outcome outcome)
{
    bool made = outcome == NAIVE_COMMITTED;
    applied_note(world, &world->messages[draft->subject], made ? "effect" : "deduped",
                 made ? world->txs[draft->tx].id : "");
}

/* What the inbox remembers of an event: everything, for ever, by its id. */
static bool is_applied(const struct naive_world *world, const struct naive_message *message)
{
    bool forgets = naive_broken(world, NAIVE_B03) && message->applied_us >= 0 &&
                   world->now_us - message->applied_us > 10 * NAIVE_MINUTE;
    if (forgets || (naive_broken(world, NAIVE_B04) && message->applied_us >= 0)) return false;
    if (naive_broken(world, NAIVE_B11)) return message->applied_us >= 0; /* by its offset */
    for (uint32_t i = 0; i < world->message_count; i++) {
        const struct naive_message *other = &world->messages[i];
        if (other->applied_us >= 0 && strcmp(other->event, message->event) == 0) return true;
    }
    return false;
}

static void message_apply(struct naive_world *world, struct naive_message *message)
{
    if (message->version == 1) {
        applied_note(world, message, "skipped", "");
        message->applied_us = world->now_us;
        return;
    }
    if (is_applied(world, message)) {
        applied_note(world, message, "deduped", "");
        return;
    }
    message->applied_us = world->now_us;
    struct naive_draft draft = naive_draft_of(message->origin, "capture", "message");
    memcpy(draft.event, message->event, sizeof draft.event);
    memcpy(draft.cause_id, message->event, sizeof draft.cause_id);
    memcpy(draft.trace, message->trace, sizeof draft.trace);
    draft.done = settled;
    draft.subject = (uint32_t)(message - world->messages);
    naive_draft_leg(&draft, message->merchant, message->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_PENDING, ASSET_EUR), -message->amount);
    naive_db_submit(world, &draft);
}

static struct naive_message *message_at(struct naive_world *world, uint32_t partition,
                                        uint32_t offset)
{
    for (uint32_t i = 0; i < world->message_count; i++) {
        struct naive_message *message = &world->messages[i];
        if (message->published_us >= 0 && message->partition == partition &&
            message->offset == offset)
            return message;
    }
    return NULL;
}

/* A message that cannot be read is put aside, and somebody sends it again an hour later. */
static void redrive_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    if (!naive_broken(world, NAIVE_B08)) message_apply(world, &world->messages[at]);
}

static bool is_poison(struct naive_world *world, struct naive_message *message)
{
    if (message->version != 2 || message->applied_us >= 0) return false;
    if (!naive_chance(world, "poison", world->holds[message->hold].lot, 8)) return false;
    applied_note(world, message, "error", "");
    EVIDENCE(world, SOURCE_CONSUMER, "dead_letter", S("ts", world->now_us), T("group_name", GROUP),
             T("topic", TOPIC), N("part", message->partition), N("pos", message->offset),
             T("event", message->event), N("attempts", 5), T("error", "cannot read the body"));
    naive_later(world, NAIVE_HOUR, redrive_step, (uint32_t)(message - world->messages), 0);
    return true;
}

/* The member dies; another one has the partition, and begins at what was committed. */
static void rebalance(struct naive_world *world, uint32_t partition)
{
    group_note(world, partition, "crash", "");
    world->generation++;
    group_note(world, partition, "rebalance", "");
    world->partitions[partition].busy = false;
    naive_later(world, 20 * NAIVE_S, consume_step, partition, 1);
}

static bool is_hung(const struct naive_world *world, uint32_t at)
{
    bool hangs =
        naive_broken(world, NAIVE_B10) && at == (uint32_t)naive_draw(world, "b10", 0, 0, 2);
    int64_t from_us = world->since_us[NAIVE_B06];
    bool down = naive_broken(world, NAIVE_B06) && world->now_us < from_us + 7 * NAIVE_HOUR;
    bool paused = at == 1 && world->now_us >= 15 * NAIVE_HOUR &&
                  world->now_us < 15 * NAIVE_HOUR + 20 * NAIVE_MINUTE; /* maintenance */
    return hangs || down || paused;
}

static void consume_step(struct naive_world *world, uint32_t at, uint32_t redelivery)
{
    struct naive_partition *partition = &world->partitions[at];
    if (partition->busy || is_hung(world, at)) return;
    if (partition->committed >= partition->end) return;
    struct naive_message *message = message_at(world, at, partition->committed);
    partition->busy = true;
    uint64_t key = message == NULL ? 0 : world->holds[message->hold].lot * 4 + message->version;
    bool dies = message != NULL && redelivery == 0 && naive_chance(world, "consumer dies", key, 5);
    if (dies && naive_broken(world, NAIVE_B05)) {
        partition->committed++;
        group_note(world, at, "commit", "");
        rebalance(world, at);
        return;
    }
    if (message != NULL && !is_poison(world, message)) message_apply(world, message);
    if (dies) {
        rebalance(world, at);
        return;
    }
    partition->committed++;
    group_note(world, at, "commit", "");
    partition->busy = false;
    naive_later(world, 30 * NAIVE_MS, consume_step, at, 0);
}

/* ---- looks and interventions ---- */

static void position_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    group_note(world, at, "position", "");
    consume_step(world, at, argument);
    naive_later(world, 2 * NAIVE_HOUR, position_step, at, 0);
}

static void reset_step(struct naive_world *world, uint32_t at, uint32_t back)
{
    struct naive_partition *partition = &world->partitions[at];
    uint32_t first = partition->end;
    for (uint32_t i = 0; i < world->message_count; i++) {
        const struct naive_message *message = &world->messages[i];
        if (message->published_us >= 0 && message->partition == at && message->offset < first)
            first = message->offset;
    }
    uint32_t to = partition->committed > first + back ? partition->committed - back : first;
    if (to >= partition->committed) return;
    partition->committed = to;
    group_note(world, at, "reset", "ops_lin");
    naive_later(world, NAIVE_S, consume_step, at, 1);
}

/* Down for longer than messages are kept: what was missed is no longer there. */
static void retention_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    struct naive_partition *partition = &world->partitions[at];
    if (!naive_broken(world, NAIVE_B06)) return;
    uint32_t kept = partition->end; /* nothing of the last hours but the newest */
    if (kept == partition->committed) return;
    partition->start = kept;
    group_note(world, at, "out_of_range", "");
    partition->committed = kept;
    group_note(world, at, "commit", "");
}

static void relay_step(struct naive_world *world, uint32_t started, uint32_t argument)
{
    (void)argument;
    uint32_t lsn = naive_db_lsn_before(world, 0);
    if (started && !naive_broken(world, NAIVE_B02)) lsn = world->relayed;
    if (!started) world->relayed = lsn;
    EVIDENCE(world, SOURCE_OUTBOX, "relay", S("ts", world->now_us), T("relay", "cdc-1"),
             T("op", started ? "start" : "stop"), N(started ? "from_lsn" : "to_lsn", lsn));
}

void naive_broker_start(struct naive_world *world)
{
    bool resets = world->faults.broken[NAIVE_B03] ||
                  (!world->faults.broken[NAIVE_B04] && naive_chance(world, "reset", 0, 4));
    int64_t down_us = world->since_us[NAIVE_B02] + 2 * NAIVE_HOUR;
    naive_at(world, down_us, relay_step, 0, 0);
    naive_at(world, down_us + 3 * NAIVE_HOUR, relay_step, 1, 0);
    for (uint32_t i = 0; i < NAIVE_PARTITIONS; i++) {
        naive_at(world, 2 * NAIVE_HOUR + i * NAIVE_S, position_step, i, 0);
        naive_at(world, world->since_us[NAIVE_B06] + 7 * NAIVE_HOUR, retention_step, i, 0);
    }
    uint32_t which = (uint32_t)naive_draw(world, "reset part", 0, 0, NAIVE_PARTITIONS - 1);
    uint32_t back = (uint32_t)naive_draw(world, "reset back", 0, 4, 12);
    int64_t at_us = naive_draw(world, "reset at", 0, 20, 32) * NAIVE_HOUR;
    if (resets) naive_at(world, at_us, reset_step, which, back);
}

void naive_broker_dump(struct naive_world *world)
{
    for (uint32_t i = 0; i < NAIVE_PARTITIONS; i++) group_note(world, i, "position", "");
    for (uint32_t i = 0; i < world->message_count; i++) {
        const struct naive_message *message = &world->messages[i];
        const char *order = world->holds[message->hold].id;
        const char *tx = message->tx == NAIVE_NONE ? "" : world->txs[message->tx].id;
        if (message->outbox_us >= 0 && !message->gone && !message->copy)
            EVIDENCE(world, SOURCE_OUTBOX, "outbox", S("ts", message->outbox_us),
                     T("event", message->event), N("xid", message->xid), N("lsn", message->lsn),
                     S("published_ts", message->published_us), T("topic", TOPIC),
                     T("aggregate", order), N("ver", message->version), T("tx", tx),
                     T("trace", message->trace));
        bool kept = message->offset >= world->partitions[message->partition].start;
        if (message->published_us < 0 || !kept) continue;
        EVIDENCE(world, SOURCE_BROKER, "message", S("ts", message->published_us), T("topic", TOPIC),
                 N("part", message->partition), N("pos", message->offset),
                 T("key", naive_broken(world, NAIVE_B07) ? "" : order), T("producer", "cdc-1"),
                 N("xid", message->xid), T("event", message->event), T("aggregate", order),
                 N("ver", message->version), T("tx", tx), T("trace", message->trace),
                 T("account", world->accounts[message->merchant].id), A("amount", message->amount),
                 T("ccy", "EUR"));
    }
}
