/*
 * Goal: what is written down is durable when it says so, once under a key, each time without one,
 * with its actor and reason; what a replaced owner says is not written down, and not said to be.
 * Method: a lane over ports in memory; the acts read back from its journal.
 */
#include "wallet/act_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/act_walk.h"
#include "wallet/lane_test.h"

struct seen {
    uint32_t count;
    struct record_notice newest;
    struct principal_id principal;
};

static bool visit(void *owner, const struct act_row *row)
{
    struct seen *seen = owner;
    assert_int_equal(row->record->type, RECORD_NOTICE);
    seen->newest = *(const struct record_notice *)(const void *)row->record;
    seen->principal = row->context->principal;
    seen->count++;
    return true;
}

static bool never(void *owner)
{
    (void)owner; /* there is time enough */
    return false;
}

static struct seen read_back(struct bench *bench)
{
    struct seen seen = { .count = 0 };
    const struct act_query query = { .to = { INT64_MAX },
                                     .head = bench->disk->head,
                                     .visit = visit,
                                     .over = never,
                                     .owner = &seen };
    struct act_answer answer;
    struct error error = { 0 };
    assert_int_equal(act_walk(&bench->store.port, &query, &answer, &error), STATUS_OK);
    return seen;
}

static struct act_done start_of(uint32_t uid)
{
    struct act_done act = { .principal = principal_local(uid), .reason = "ops-1" };
    act.notice.kind = NOTICE_SERVER_START;
    act.notice.settings = SETTING_TLS | SETTING_LOG;
    act.notice.digest.bytes[31] = 9;
    return act;
}

static void an_act_is_there_with_all_that_was_said(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    struct act_done act = start_of(7);
    uint32_t uid = 0;
    assert_int_equal(act_record(bench->lane, &act), STATUS_OK);
    struct seen seen = read_back(bench);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.newest.head.kind, NOTICE_SERVER_START);
    assert_int_equal(seen.newest.settings, SETTING_TLS | SETTING_LOG);
    assert_true(digest_equal(&seen.newest.digest, &act.notice.digest));
    assert_string_equal(seen.newest.reason, "ops-1");
    assert_true(principal_uid(seen.principal, &uid) && uid == 7);
    bench_free(bench);
}

static void under_a_key_it_is_there_once(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    struct act_done act = start_of(7);
    act.reason = NULL;
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(act_record(bench->lane, &act), STATUS_OK);
        assert_int_equal(read_back(bench).count, i);
    }
    act.key = test_id(50);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(act_record(bench->lane, &act), STATUS_OK);
        assert_int_equal(read_back(bench).count, 4);
    }
    bench_close(bench);
    bench_open(bench);
    assert_int_equal(act_record(bench->lane, &act), STATUS_OK);
    assert_int_equal(read_back(bench).count, 4);
    bench_free(bench);
}

static void a_replaced_owner_writes_nothing_down(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    struct act_done act = start_of(7);
    bench->disk->epoch++; /* a claim by another */
    assert_int_not_equal(act_record(bench->lane, &act), STATUS_OK);
    assert_int_equal(read_back(bench).count, 0);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_act_is_there_with_all_that_was_said),
        cmocka_unit_test(under_a_key_it_is_there_once),
        cmocka_unit_test(a_replaced_owner_writes_nothing_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
