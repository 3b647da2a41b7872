/*
 * Goal: a unit's records are one event or none, and the event says what has changed and nothing
 * personal.
 * Method: units made by hand, one of each kind, and what each must not become.
 */
#include "wallet/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct record_context context = { .trace = { .id = { 5, 6 }, .span = 7 } };

static bool find(void *unused, uint32_t id, struct asset *out_asset)
{
    (void)unused;
    const struct asset *asset = asset_iso_by_id(id);
    if (asset != NULL) *out_asset = *asset;
    return asset != NULL;
}
static const struct event_assets assets = { find, NULL };

static struct record_payment payment_record(uint8_t flags, enum payment_outcome outcome)
{
    return (struct record_payment){
        .head = { .type = RECORD_PAYMENT, .flags = flags, .outcome = (uint8_t)outcome },
        .payment = { .id = { { 1, 2 } },
                     .kind = PAYMENT_PAY_IN,
                     .state = PAYMENT_STATE_FAILED,
                     .amount = { 1250 },
                     .asset = 978,
                     .reason = "card_declined",
                     .method = "pm_1",
                     .version = 3 },
    };
}

static bool written(const struct event_unit *unit, struct buf *memory, struct feed_event *out_event)
{
    return event_write(unit, (struct position){ 12, 3 }, (struct wall_time){ 9 }, &assets, memory,
                       out_event);
}

static void a_payment_that_has_changed_is_told_of(void **state)
{
    (void)state;
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct event_unit unit = { 0 };
    struct record_payment record = payment_record(RECORD_FLAG_TELLS, PAYMENT_OUTCOME_OK);
    struct record_payment parent = payment_record(RECORD_FLAG_TELLS, PAYMENT_OUTCOME_OK);
    struct record_transfer transfer = { .head = { .type = RECORD_TRANSFER } };
    event_unit_add(&unit, &context, &record.head);
    event_unit_add(&unit, &context, &parent.head);
    event_unit_add(&unit, &context, &transfer.head);
    struct feed_event event;
    assert_true(written(&unit, &memory, &event));
    assert_true(str_equal(event.id, STR("12-3")));
    assert_true(str_equal(event.type, STR("payment.failed")));
    assert_true(str_equal(event.subject, STR("00000000-0000-0002-0000-000000000001")));
    assert_int_equal(event.trace.span, 7);
    char data[2048] = { 0 };
    memcpy(data, event.data.data, event.data.len);
    assert_non_null(strstr(data, "\"amount\":\"12.50\""));
    assert_non_null(strstr(data, "\"reason\":\"card_declined\""));
    assert_non_null(strstr(data, "\"parent\":{"));
    assert_null(strstr(data, "pm_1")); /* how somebody pays is nobody's affair */
    assert_null(strstr(data, "transfers"));
}

static void what_changed_for_nobody_is_not_told_of(void **state)
{
    (void)state;
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct feed_event event;
    struct event_unit unit = { 0 };
    struct record_payment record = payment_record(0, PAYMENT_OUTCOME_OK);
    struct record_transfer transfer = { .head = { .type = RECORD_TRANSFER } };
    event_unit_add(&unit, &context, &record.head);
    event_unit_add(&unit, &context, &transfer.head);
    assert_false(written(&unit, &memory, &event));
    unit = (struct event_unit){ 0 };
    transfer.head.outcome = OUTCOME_DEBITS_EXCEED_CREDITS;
    event_unit_add(&unit, &context, &transfer.head);
    assert_false(written(&unit, &memory, &event));
    unit = (struct event_unit){ 0 };
    struct record_credential key = { .head = { .type = RECORD_CREDENTIAL } };
    event_unit_add(&unit, &context, &key.head);
    assert_false(written(&unit, &memory, &event));
}

static void of_notices_only_a_disabled_endpoint_is_told_of(void **state)
{
    (void)state;
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    for (unsigned kind = NOTICE_REASON; notice_code(kind) != NULL; kind++) {
        const struct record_notice notice = {
            .head = { .type = RECORD_NOTICE, .kind = (uint8_t)kind },
            .subject = { .hi = 2, .lo = 9 },
            .reason = "ops-1",
        };
        struct event_unit unit = { 0 };
        struct feed_event event;
        event_unit_add(&unit, &context, &notice.head);
        assert_int_equal(written(&unit, &memory, &event), kind == NOTICE_ENDPOINT_DISABLE);
        if (kind != NOTICE_ENDPOINT_DISABLE) continue;
        assert_true(str_equal(event.type, STR("webhook_endpoint.disabled")));
        assert_true(str_equal(event.subject, STR("00000000-0000-0002-0000-000000000009")));
        assert_true(
            str_equal(event.data, STR("{\"id\":\"00000000-0000-0002-0000-000000000009\"}")));
    }
}

static void a_large_group_is_counted_and_shown_in_part(void **state)
{
    (void)state;
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    static struct event_unit unit;
    static struct record_transfer transfers[LINKED_MAX];
    for (uint32_t i = 0; i < LINKED_MAX; i++) {
        transfers[i] = (struct record_transfer){
            .head = { .type = RECORD_TRANSFER, .kind = TRANSFER_DIRECT },
            .id = { { i + 1, 1 } },
            .debit = { { ~UINT64_C(0), 1 } },
            .credit = { { 2, 1 } },
            .user_ref = { 4, 4 },
            .amount = { ~(uint128)0 >> 2 },
            .asset = 978,
        };
        event_unit_add(&unit, &context, &transfers[i].head);
    }
    struct feed_event event;
    assert_true(written(&unit, &memory, &event));
    assert_int_equal(buf_status(&memory), STATUS_OK);
    assert_true(str_equal(event.type, STR("transfer.direct")));
    assert_true(str_starts(event.data, STR("{\"count\":1024,\"transfers\":[")));
}

static void accounts_and_their_changes_are_told_of(void **state)
{
    (void)state;
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct feed_event event;
    struct event_unit unit = { 0 };
    struct record_account made = {
        .head = { .type = RECORD_ACCOUNT },
        .account = { .id = { { 1, 1 } }, .asset = 978, .kind = ACCOUNT_LIABILITY },
    };
    event_unit_add(&unit, &context, &made.head);
    assert_true(written(&unit, &memory, &event));
    assert_true(str_equal(event.type, STR("account.created")));
    unit = (struct event_unit){ 0 };
    struct record_account_change change = { .head = { .type = RECORD_ACCOUNT_CHANGE },
                                            .account = { { 1, 1 } },
                                            .set = ACCOUNT_FLAG_FROZEN };
    event_unit_add(&unit, &context, &change.head);
    assert_true(written(&unit, &memory, &event));
    assert_true(str_equal(event.type, STR("account.changed")));
    char data[256] = { 0 };
    memcpy(data, event.data.data, event.data.len);
    assert_non_null(strstr(data, "\"set\":[\"frozen\"],\"cleared\":[]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payment_that_has_changed_is_told_of),
        cmocka_unit_test(what_changed_for_nobody_is_not_told_of),
        cmocka_unit_test(of_notices_only_a_disabled_endpoint_is_told_of),
        cmocka_unit_test(a_large_group_is_counted_and_shown_in_part),
        cmocka_unit_test(accounts_and_their_changes_are_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
