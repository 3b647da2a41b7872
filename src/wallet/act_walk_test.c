/*
 * Goal: every administrative act is listed once, in order, with who, when and why; refused ones
 * too, a repeat and its other reason not; pages and times cut nothing and double nothing.
 * Method: a lane stepped by the test, acts of every kind among transfers, with and without reasons;
 * the list read whole, in pages of each size, and between the stamps of each two acts.
 */
#include "wallet/act_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "model/position.h"
#include "wallet/lane_test.h"

enum { ROWS_MAX = 64 };

struct seen {
    char text[128]; /* code, outcome, reason, principal */
    struct position position;
    struct wall_time stamp;
};

struct list {
    uint32_t limit;
    uint32_t count;
    struct seen rows[ROWS_MAX];
};

static bool visit(void *owner, const struct act_row *row)
{
    struct list *list = owner;
    assert_true(list->count < ROWS_MAX);
    struct seen *seen = &list->rows[list->count++];
    *seen = (struct seen){ .position = row->position, .stamp = row->stamp };
    int len = snprintf(seen->text, sizeof seen->text, "%s %u %.*s %llu", act_code(row->record),
                       row->record->outcome, STR_ARG(row->reason),
                       (unsigned long long)row->context->principal.value.lo);
    assert_true(len > 0 && len < (int)sizeof seen->text);
    return list->count < list->limit;
}

static bool never(void *owner)
{
    (void)owner; /* there is time enough */
    return false;
}

static struct act_answer list_read(struct bench *bench, const struct act_query *wanted,
                                   struct list *list)
{
    struct act_query query = *wanted;
    query.head = bench->disk->head;
    query.visit = visit;
    query.over = never;
    query.owner = list;
    struct act_answer answer;
    struct error error = { 0 };
    assert_int_equal(act_walk(&bench->store.port, &query, &answer, &error), STATUS_OK);
    return answer;
}

static void act(struct bench *bench, const struct admin *wanted, const char *reason, uint64_t key)
{
    struct admin admin = *wanted;
    struct admin_result result;
    memcpy(admin.reason, reason, strlen(reason));
    const char *field;
    assert_null(admin_fault(&admin, &field));
    struct request request = {
        .kind = REQUEST_ADMIN,
        .principal = principal_local(1000),
        .root = lane_new_id(bench->lane),
        .count = 1,
        .admin = &admin,
        .admin_result = &result,
    };
    if (key != 0) {
        request.key = test_id(key);
        request.fingerprint = test_id(key);
    }
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
}

static void acts_make(struct bench *bench)
{
    struct admin points = { .kind = ADMIN_ASSET_CREATE, .asset = { .code = "POINTS" } };
    struct admin key = { .kind = ADMIN_CREDENTIAL_CREATE };
    key.credential.id.value = test_id(77);
    key.credential.secret_digest.bytes[0] = 1;
    key.credential.scopes = SCOPE_ADMIN;
    memcpy(key.credential.name, "till", sizeof "till");
    struct admin revoke = { .kind = ADMIN_CREDENTIAL_REVOKE };
    revoke.credential.id = key.credential.id;
    struct admin freeze = { .kind = ADMIN_ACCOUNT_CHANGE,
                            .account = { test_id(1) },
                            .set = ACCOUNT_FLAG_FROZEN };
    struct admin notice = { .kind = ADMIN_NOTICE };
    notice.notice.kind = NOTICE_ENDPOINT_ROTATE;
    notice.notice.subject = test_id(5);
    test_accounts(bench, 2);
    act(bench, &points, "", 0);
    act(bench, &points, "again", 900); /* refused, under a key */
    act(bench, &points, "other", 900); /* a repeat */
    (void)test_one(bench, test_transfer(500, 1, 2, 3));
    act(bench, &key, "ops-1", 0);
    act(bench, &notice, "ops-2", 0);
    act(bench, &revoke, "ops-3", 0);
    (void)test_one(bench, test_transfer(501, 1, 2, 3));
    act(bench, &freeze, "", 0);
}

static const char *const expected[] = {
    "asset_create 0  65601537",    "asset_create 1 again 65601537",
    "key_create 0 ops-1 65601537", "endpoint_rotate 0 ops-2 65601537",
    "key_revoke 0 ops-3 65601537", "account_change 0  65601537",
};
enum { EXPECTED_COUNT = sizeof expected / sizeof expected[0] };

static const struct act_query all = { .to = { INT64_MAX } };

static void all_expected(struct bench *bench, struct list *list)
{
    *list = (struct list){ .limit = ROWS_MAX };
    struct act_answer answer = list_read(bench, &all, list);
    assert_true(answer.complete);
    assert_int_equal(answer.next.batch, bench->disk->head);
    assert_int_equal(list->count, EXPECTED_COUNT);
    for (uint32_t i = 0; i < EXPECTED_COUNT; i++) {
        assert_string_equal(list->rows[i].text, expected[i]);
    }
}

static void every_act_is_listed_once_with_its_reason(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    static struct list list;
    acts_make(bench);
    all_expected(bench, &list);
    bench_close(bench);
    bench_open(bench);
    all_expected(bench, &list);
    bench_free(bench);
}

static void pages_cut_nothing_and_double_nothing(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    static struct list page;
    acts_make(bench);
    for (uint32_t limit = 1; limit <= EXPECTED_COUNT + 1; limit++) {
        struct act_query query = all;
        struct act_answer answer = { .complete = false };
        uint32_t count = 0;
        while (!answer.complete) {
            page = (struct list){ .limit = limit };
            answer = list_read(bench, &query, &page);
            assert_true(page.count <= limit && count + page.count <= EXPECTED_COUNT);
            for (uint32_t i = 0; i < page.count; i++) {
                assert_string_equal(page.rows[i].text, expected[count++]);
            }
            query.after = answer.next;
        }
        assert_int_equal(count, EXPECTED_COUNT);
    }
    bench_free(bench);
}

static void times_are_from_and_before(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    static struct list whole;
    static struct list list;
    acts_make(bench);
    all_expected(bench, &whole);
    for (uint32_t from = 0; from < EXPECTED_COUNT; from++) {
        for (uint32_t to = from; to < EXPECTED_COUNT; to++) {
            struct act_query query = all;
            query.from = whole.rows[from].stamp;
            query.to = whole.rows[to].stamp;
            list = (struct list){ .limit = ROWS_MAX };
            struct act_answer answer = list_read(bench, &query, &list);
            assert_true(answer.complete);
            assert_int_equal(list.count, to - from);
            for (uint32_t i = 0; i < list.count; i++) {
                assert_string_equal(list.rows[i].text, expected[from + i]);
            }
        }
    }
    bench_free(bench);
}

static void codes_of_the_list_are_known(void **state)
{
    (void)state; /* no fixture */
    assert_true(act_code_is_known(STR("key_create")));
    assert_true(act_code_is_known(STR("payment_resolve")));
    assert_true(act_code_is_known(STR("endpoint_disable")));
    assert_true(act_code_is_known(STR("archive")));
    assert_true(act_code_is_known(STR("trace_raise")));
    assert_true(act_code_is_known(STR("trace_lower")));
    assert_false(act_code_is_known(STR("reason")));
    assert_false(act_code_is_known(STR("transfer")));
    assert_false(act_code_is_known(STR("")));
}

static void a_local_principal_tells_its_user(void **state)
{
    (void)state; /* no fixture */
    uint32_t uid = 0;
    static const uint32_t uids[] = { 0, 1, 1000, UINT32_MAX };
    for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++) {
        assert_true(principal_uid(principal_local(uids[i]), &uid));
        assert_int_equal(uid, uids[i]);
        assert_true(principal_is_local(principal_local(uids[i])));
    }
    assert_true(principal_is_local(PRINCIPAL_LOCAL));
    assert_false(principal_uid(PRINCIPAL_LOCAL, &uid));
    assert_false(principal_is_local(PRINCIPAL_SYSTEM));
    assert_false(principal_is_local((struct principal_id){ { .hi = 1, .lo = 1 } }));
    assert_false(principal_is_local((struct principal_id){ { .hi = 0, .lo = UINT64_MAX } }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_act_is_listed_once_with_its_reason),
        cmocka_unit_test(pages_cut_nothing_and_double_nothing),
        cmocka_unit_test(times_are_from_and_before),
        cmocka_unit_test(codes_of_the_list_are_known),
        cmocka_unit_test(a_local_principal_tells_its_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
