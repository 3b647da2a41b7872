/*
 * Goal: the relay looks at each changed account once, raises the floor before it looks, forgets
 * everything when it is too far behind, begins again after a failure, and stops for a later owner.
 * Method: a relay without a task, stepped by the test over a journal, a lane and a cache in memory
 * that write down the calls in their order.
 */
#include "wallet/cache_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "port/sync_test.h"
#include "wallet/batch.h"

enum { CALLS_SIZE = 512, HOT = 700 };

struct rig {
    struct stepped_sync sync;
    struct stepped_clock clock;
    struct log log;
    struct store store;
    struct cache cache;
    struct batch batch;
    struct buf calls; /* "begin floor:2 accounts:3 update:3 advance:2 ..." */
    uint64_t head;
    uint64_t frontier;
    uint32_t lines;
    enum status begins;
    enum status updates;
    struct cache_relay *relay;
};

static struct rig *rig_now; /* ports in memory have no place for it */

static void rig_log(struct log *log, const struct log_line *line)
{
    (void)log;
    assert_true(line->event.len > 0);
    rig_now->lines++;
}
static uint64_t rig_head(void *owner)
{
    return ((struct rig *)owner)->head;
}

static void called(const char *what, uint64_t number)
{
    stepped_none_held(&rig_now->sync);
    buf_append_format(&rig_now->calls, "%s:%llu ", what, (unsigned long long)number);
}

static enum status rig_accounts(void *owner, const struct uuid *ids, uint32_t count,
                                struct account_state *out_states, uint64_t *out_batch)
{
    struct rig *rig = owner;
    called("accounts", count);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) assert_true(uuid_compare(ids[i - 1], ids[i]) < 0);
        out_states[i] = (struct account_state){ .entry_count = 1 };
        out_states[i].account.id.value = ids[i];
    }
    *out_batch = rig->head;
    return STATUS_OK;
}

static enum status rig_begin(struct cache *cache, uint64_t epoch, uint64_t head,
                             struct cache_frontier *out_frontier, struct error *out_error)
{
    (void)cache;
    assert_int_equal(epoch, 7);
    called("begin", head);
    if (rig_now->begins != STATUS_OK) return error_set(out_error, rig_now->begins, "no");
    *out_frontier = (struct cache_frontier){ rig_now->frontier, { 0 } };
    return STATUS_OK;
}
static enum status rig_floor(struct cache *cache, uint64_t batch, struct error *out_error)
{
    (void)cache;
    (void)out_error;
    called("floor", batch);
    return STATUS_OK;
}
static enum status rig_update(struct cache *cache, const struct cache_entry *entries,
                              uint32_t count, struct error *out_error)
{
    (void)cache;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t version = entries[i].version;
        assert_true(entries[i].kind == CACHE_PAYMENT || version == rig_now->head);
    }
    called("update", count);
    if (rig_now->updates != STATUS_OK) return error_set(out_error, rig_now->updates, "no");
    return STATUS_OK;
}
static enum status rig_advance(struct cache *cache, struct cache_frontier frontier,
                               struct error *out_error)
{
    (void)cache;
    (void)out_error;
    assert_int_equal(frontier.at.ns, 77);
    called("advance", frontier.batch);
    rig_now->frontier = frontier.batch;
    return STATUS_OK;
}
static enum status rig_forget(struct cache *cache, struct cache_frontier frontier,
                              struct error *out_error)
{
    (void)cache;
    (void)out_error;
    called("forget", frontier.batch);
    rig_now->frontier = frontier.batch;
    return STATUS_OK;
}

/* Batch n: transfers from account 1 to 2, and to n + 10; and a payment. */
static enum status rig_read(struct store *store, uint64_t sequence, struct buf *out_blob,
                            struct error *out_error)
{
    (void)store;
    (void)out_error;
    struct batch *batch = &rig_now->batch;
    const struct batch_header header = { .magic = BATCH_MAGIC,
                                         .version = BATCH_VERSION,
                                         .header_size = sizeof header,
                                         .sequence = sequence,
                                         .stamp = { 1 } };
    const struct digest previous = { { 0 } };
    batch_begin(batch, &header);
    const struct record_context context = { .principal = PRINCIPAL_LOCAL };
    batch_add_context(batch, &context);
    for (uint32_t i = 0; i < HOT; i++) {
        struct record_transfer *record = batch_room(batch);
        *record =
            (struct record_transfer){ .head = { .type = RECORD_TRANSFER, .kind = TRANSFER_DIRECT },
                                      .debit = { { 1, 1 } },
                                      .credit = { { i == 0 ? sequence + 10 : 2, 1 } } };
        batch_add(batch, &record->head, sizeof *record, i);
    }
    struct record_payment *payment = batch_room(batch);
    *payment = (struct record_payment){ .head = { .type = RECORD_PAYMENT } };
    payment->payment.id.value = (struct uuid){ sequence, 9 };
    batch_add(batch, &payment->head, sizeof *payment, HOT);
    batch_seal(batch, 1, &previous);
    buf_append(out_blob, batch->data, batch->size);
    return buf_status(out_blob);
}

static void rig_init(struct rig *rig, uint64_t frontier, uint64_t head)
{
    *rig = (struct rig){
        .sync = STEPPED_SYNC,
        .clock = STEPPED_CLOCK(77),
        .log = { rig_log },
        .store = { .read = rig_read },
        .cache = { .begin = rig_begin,
                   .raise_floor = rig_floor,
                   .update = rig_update,
                   .advance = rig_advance,
                   .forget = rig_forget },
        .head = head,
        .frontier = frontier,
    };
    rig_now = rig;
    buf_init(&rig->calls, CALLS_SIZE);
    assert_int_equal(batch_new(&rig->batch), STATUS_OK);
    const struct cache_relay_ports ports = {
        .sync = &rig->sync.port,
        .clock = &rig->clock.port,
        .log = &rig->log,
        .store = &rig->store,
        .cache = &rig->cache,
        .source = { rig_head, rig_accounts, rig },
    };
    struct cache_relay_options options = CACHE_RELAY_OPTIONS_DEFAULT;
    options.epoch = 7;
    options.batches_max = 5;
    options.task = false;
    assert_int_equal(cache_relay_open(&ports, &options, &rig->relay, NULL), STATUS_OK);
}

static void rig_done(struct rig *rig)
{
    cache_relay_close(rig->relay);
    batch_free(&rig->batch);
    buf_free(&rig->calls);
}

static void step_calls(struct rig *rig, const char *wanted)
{
    buf_reset(&rig->calls);
    cache_relay_step(rig->relay);
    assert_string_equal(buf_terminated(&rig->calls), wanted);
}

static void changes_are_told_once_and_in_order(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 1, 3);
    step_calls(&rig, "begin:3 floor:3 accounts:4 update:2 update:4 advance:3 ");
    step_calls(&rig, "advance:3 "); /* nothing new: the frontier's time moves */
    rig.head = 4;
    step_calls(&rig, "floor:4 accounts:3 update:1 update:3 advance:4 ");
    assert_int_equal(rig.lines, 1);
    rig_done(&rig);
}

static void too_far_behind_everything_is_forgotten(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 1, 7);
    step_calls(&rig, "begin:7 forget:7 ");
    step_calls(&rig, "advance:7 ");
    struct cache_relay_status status;
    cache_relay_get_status(rig.relay, &status);
    assert_int_equal(status.forgotten, 1);
    rig_done(&rig);
}

static void after_a_failure_it_asks_where_it_stands(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 3, 3);
    step_calls(&rig, "begin:3 advance:3 ");
    rig.head = 4;
    rig.updates = STATUS_UNAVAILABLE;
    step_calls(&rig, "floor:4 accounts:3 update:1 ");
    rig.updates = STATUS_OK;
    step_calls(&rig, "begin:4 floor:4 accounts:3 update:1 update:3 advance:4 ");
    rig.head = 2; /* another history */
    rig.frontier = 2;
    step_calls(&rig, "begin:2 advance:2 ");
    rig_done(&rig);
}

static void a_later_owner_keeps_it_out_while_it_is_there(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 3, 3);
    rig.begins = STATUS_FENCED;
    step_calls(&rig, "begin:3 ");
    step_calls(&rig, "begin:3 ");
    struct cache_relay_status status;
    cache_relay_get_status(rig.relay, &status);
    assert_true(status.fenced);
    assert_false(status.begun);
    rig.begins = STATUS_OK; /* somebody had written there what was not so */
    step_calls(&rig, "begin:3 advance:3 ");
    cache_relay_get_status(rig.relay, &status);
    assert_false(status.fenced);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_once_and_in_order),
        cmocka_unit_test(too_far_behind_everything_is_forgotten),
        cmocka_unit_test(after_a_failure_it_asks_where_it_stands),
        cmocka_unit_test(a_later_owner_keeps_it_out_while_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
