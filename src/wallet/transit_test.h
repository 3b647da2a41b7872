/* transit_test.h - two lanes without threads, and a worker between them over a link with a script. */
#ifndef WALLET_TRANSIT_TEST_H
#define WALLET_TRANSIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/carry_test.h"
#include "wallet/history.h"
#include "wallet/transit.h"

enum { LANES = 2, BANK = 1, ANN, BOB, STRANGER = 9, LONG_MS = 1000000, SHORT_MS = 200 };

static inline struct account account_of(uint64_t number, uint32_t lane)
{
    struct account account = test_account(number);
    account.id.value.hi = 0x8000;
    account.id.value.lo = UINT64_C(2) << 62 | number << 16 | lane;
    return account;
}

/* What becomes of a call. */
enum call { CALL_GOOD, CALL_LOST, CALL_REPLY_LOST, CALL_UNREACHABLE };

struct script {
    struct transit_link port; /* first */
    struct bench *peer;
    const enum call *calls;
    uint32_t call_count;
    uint32_t called;
    uint32_t withdrawals; /* calls that took something back */
    uint32_t asked;       /* transfers in all calls */
    bool refuses;         /* whole calls in which anything is for STRANGER */
};

static inline bool is_for_stranger(const struct request *request)
{
    struct account_id stranger = account_of(STRANGER, 1).id;
    for (uint32_t i = 0; i < request->count; i++) {
        if (uuid_equal(request->transfers[i].credit.value, stranger.value)) return true;
    }
    return false;
}

static inline enum status script_run(struct transit_link *link, struct request *request)
{
    struct script *script = (struct script *)link;
    enum call call = CALL_GOOD;
    if (script->called < script->call_count) call = script->calls[script->called];
    script->called++;
    script->withdrawals += request->withdraw;
    script->asked += request->count;
    if (call == CALL_UNREACHABLE) return STATUS_UNAVAILABLE;
    if (call == CALL_LOST) return STATUS_IN_DOUBT;
    if (script->refuses && is_for_stranger(request)) return STATUS_IN_DOUBT;
    struct request theirs = *request;
    enum status status = lane_run(script->peer->lane, &theirs);
    return call == CALL_REPLY_LOST ? STATUS_IN_DOUBT : status;
}

struct spans {
    struct tracer port; /* first */
    uint32_t count;
    struct span newest;
};

static inline bool spans_want(struct tracer *tracer, const struct span_subject *subject)
{
    (void)tracer;
    return !uuid_is_nil(subject->payment);
}

static inline void spans_record(struct tracer *tracer, const struct span *span)
{
    struct spans *spans = (struct spans *)tracer;
    spans->count++;
    spans->newest = *span;
}

struct scene {
    struct bench *source;
    struct bench *peer;
    struct script script;
    struct spans spans;
};

static inline struct bench *lane_bench(uint32_t lane)
{
    struct bench *bench = bench_new();
    bench_close(bench);
    bench->options.number = lane;
    bench->options.lanes = LANES;
    bench_open(bench);
    for (uint64_t number = BANK; number <= BOB; number++) {
        struct account account = account_of(number, lane);
        if (number != BANK) account.flags = ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
        if (number == BANK) account.kind = ACCOUNT_EQUITY; /* and so no wallet */
        assert_int_equal(test_make(bench, account).outcome, ACCOUNT_OUTCOME_OK);
    }
    struct transfer funds = test_transfer(1, 0, 0, 1000);
    funds.debit = account_of(BANK, lane).id;
    funds.credit = account_of(ANN, lane).id;
    assert_int_equal(test_one(bench, funds).outcome, OUTCOME_OK);
    return bench;
}

static inline struct scene scene_new(const enum call *calls, uint32_t call_count)
{
    struct scene scene = { .source = lane_bench(0), .peer = lane_bench(1) };
    scene.spans.port = (struct tracer){ .wants = spans_want, .record = spans_record };
    scene.script = (struct script){
        .port = { script_run }, .peer = scene.peer, .calls = calls, .call_count = call_count
    };
    return scene;
}

static inline void scene_free(struct scene *scene)
{
    bench_free(scene->source);
    bench_free(scene->peer);
}

/* From ANN of lane 0 to somebody of lane 1. */
static inline struct transfer_result leave(struct scene *scene, uint64_t id, uint64_t to,
                                           uint64_t minor)
{
    struct transfer transfer = test_transfer(id, 0, 0, minor);
    transfer.debit = account_of(ANN, 0).id;
    transfer.credit = account_of(to, 1).id;
    return test_one(scene->source, transit_departure(&transfer, (struct lane_part){ 0, LANES }));
}

/* Runs a worker for a while, with the given patience; then the source is another life. */
static inline struct transit_status work(struct scene *scene, int64_t patience_ms)
{
    struct bench *bench = scene->source;
    struct ending ending;
    struct lane_ports ports = ending_ports(&ending, bench, 10);
    ports.tracer = &scene->spans.port;
    struct transit_link *links[LANES] = { NULL, &scene->script.port };
    const struct transit_options options = {
        .lanes = LANES, .lane = 0, .patience_ms = patience_ms, .links = links
    };
    struct transit *transit;
    struct error error = { 0 };
    assert_int_equal(transit_start(bench->lane, &ports, &options, &transit, &error), STATUS_OK);
    struct transit_status status;
    transit_get_status(transit, &status);
    transit_stop(transit);
    bench_close(bench);
    bench_open(bench);
    return status;
}

/* ---- What is there to see ---- */

static inline struct balance balance_of(struct bench *bench, struct account_id id)
{
    struct account_state state;
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id.value, .accounts = &state };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return state.balance;
}

static inline uint64_t credits(struct bench *bench, uint64_t number, uint32_t lane)
{
    return (uint64_t)balance_of(bench, account_of(number, lane).id).credits_posted.minor;
}

/* Both transit accounts: what was settled, and what arrived. */
static inline void assert_moved(struct scene *scene, uint64_t settled, uint64_t arrived)
{
    const struct transit_account left = { EUR, 0, 1, true };
    const struct transit_account came = { EUR, 1, 0, false };
    struct balance out = balance_of(scene->source, transit_account(&left).id);
    struct balance in = balance_of(scene->peer, transit_account(&came).id);
    assert_int_equal(out.credits_posted.minor, settled);
    assert_int_equal(in.debits_posted.minor, arrived);
}

static inline void assert_open(struct scene *scene, uint32_t count)
{
    assert_int_equal(scene->source->lane->ledger->holds.departure_count, count);
}

/* What ended a departure: its kind, and the outcome that it names. */
static inline void assert_ended(struct scene *scene, uint64_t id, uint8_t kind, uint32_t code)
{
    struct uuid hold = test_id(id);
    struct locator locator;
    struct read read = {
        .kind = READ_CLOSING, .count = 1, .limit = 1, .ids = &hold, .locators = &locator
    };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(scene->source->lane, &request), STATUS_OK);
    struct history_entry entry;
    struct error error;
    struct store *store = &scene->source->store.port;
    assert_int_equal(history_transfer(store, locator, &entry, &error), STATUS_OK);
    assert_int_equal(entry.transfer.head.kind, kind);
    assert_int_equal(entry.transfer.code, code);
}

/* ---- Payments of the source's ---- */

static inline struct payment_result command_run(struct scene *scene,
                                                const struct payment_command *command, uint64_t key)
{
    struct bench *bench = scene->source;
    struct payment_result result = { 0 };
    struct request request = {
        .kind = REQUEST_PAYMENT,
        .root = lane_new_id(bench->lane),
        .key = { key, key == 0 ? 0 : 9 },
        .fingerprint = { key, key == 0 ? 0 : 9 },
        .trace = { .id = { 77, command->draft.id.value.lo } },
        .count = 1,
        .payment = command,
        .payment_result = &result,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return result;
}

/* From ANN of lane 0; key 0 is none. */
static inline struct payment_result pay_account(struct scene *scene, uint64_t id,
                                                struct account_id to, uint64_t key)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft = (struct payment){
        .id = { test_id(id) },
        .kind = PAYMENT_WALLET,
        .amount = { 30 },
        .asset = EUR,
        .wallet = account_of(ANN, 0).id,
        .counter = to,
    };
    return command_run(scene, &command, key);
}

/* To somebody of lane 1. */
static inline struct payment_result pay(struct scene *scene, uint64_t id, uint64_t to, uint64_t key)
{
    return pay_account(scene, id, account_of(to, 1).id, key);
}

/* One that is open. */
static inline struct payment payment_known(struct scene *scene, uint64_t number)
{
    struct uuid id = test_id(number);
    struct payment payment;
    struct locator locator;
    struct read read = {
        .kind = READ_PAYMENTS, .count = 1, .ids = &id, .payments = &payment, .locators = &locator
    };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(scene->source->lane, &request), STATUS_OK);
    return payment;
}

/* The newest record of a payment that rests. */
static inline struct history_payment rested(struct scene *scene, uint64_t id)
{
    struct bench *bench = scene->source;
    struct uuid wanted = test_id(id);
    struct payment open;
    struct locator locator;
    struct read read = {
        .kind = READ_PAYMENTS, .count = 1, .ids = &wanted, .payments = &open, .locators = &locator
    };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_true(uuid_is_nil(open.id.value));
    struct history_payment found;
    struct error error;
    struct store *store = &bench->store.port;
    assert_int_equal(history_payment(store, locator, &found, &error), STATUS_OK);
    assert_int_equal(found.record.head.kind, PAYMENT_CAUSE_ARRIVE);
    assert_true(uuid_is_nil(found.record.payment.hold.value));
    return found;
}

static inline void assert_failed(struct scene *scene, uint64_t id, const char *reason)
{
    struct history_payment found = rested(scene, id);
    assert_int_equal(found.record.payment.state, PAYMENT_STATE_FAILED);
    assert_string_equal(found.record.payment.reason, reason);
    assert_true(money_is_zero(found.record.payment.captured));
}

#endif
