/*
 * Goal: assets and keys are found by every name they have, records change what they say, raises
 * end by the stamps of batches, and a copy is the same registry; damaged bytes and records are
 * refused.
 * Method: tables of records that fit and do not; every cut of a copy, and planted damage in it.
 */
#include "ledger/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"

static const struct wall_time NOON = { 1000 };

static struct record_asset asset_record(uint32_t id, const char *code, uint8_t exponent)
{
    struct record_asset record = { .head = { .type = RECORD_ASSET }, .id = id };
    record.exponent = exponent;
    memcpy(record.code, code, strlen(code) + 1);
    return record;
}

static struct record_credential key_record(uint64_t id, uint8_t secret, bool revoked)
{
    struct record_credential record = { .head = { .type = RECORD_CREDENTIAL } };
    record.id.value.lo = id;
    record.secret_digest.bytes[31] = secret;
    record.scopes = SCOPE_ADMIN;
    record.revoked = revoked;
    memcpy(record.name, "till", sizeof "till");
    return record;
}

static struct record_period period_record(int32_t days)
{
    return (struct record_period){ .head = { .type = RECORD_PERIOD }, .closed_through = { days } };
}

static struct record_raise raise_record(uint64_t id, uint32_t traces, int64_t until)
{
    return (struct record_raise){
        .head = { .type = RECORD_RAISE },
        .raise = { .id = { .lo = id }, .route = 1, .traces = traces, .until = { until } },
    };
}

/* Two assets, two keys of which the second is revoked, a closed period, and two raises. */
static void fill(struct registry *registry)
{
    assert_int_equal(registry_init(registry), STATUS_OK);
    struct record_asset assets[] = { asset_record(10000, "GOLD", 3),
                                     asset_record(10001, "BTC", 8) };
    struct record_credential keys[] = { key_record(1, 11, false), key_record(2, 22, false),
                                        key_record(2, 0, true) };
    struct record_period period = period_record(500);
    struct record_raise raises[] = { raise_record(1, 5, 2000), raise_record(2, 5, 3000) };
    registry_apply(registry, &assets[0].head, NOON);
    registry_apply(registry, &assets[1].head, NOON);
    for (int i = 0; i < 3; i++) registry_apply(registry, &keys[i].head, NOON);
    registry_apply(registry, &period.head, NOON);
    for (int i = 0; i < 2; i++) registry_apply(registry, &raises[i].head, NOON);
}

static void what_was_recorded_is_found(void **state)
{
    (void)state;
    struct registry registry;
    fill(&registry);
    assert_int_equal(registry_asset_by_code(&registry, STR("BTC"))->id, 10001);
    assert_int_equal(registry_asset_by_id(&registry, 10001)->exponent, 8);
    assert_int_equal(registry_asset_by_code(&registry, STR("EUR"))->id, 978);
    assert_string_equal(registry_asset_by_id(&registry, 978)->code, "EUR");
    assert_null(registry_asset_by_code(&registry, STR("BT")));
    assert_null(registry_asset_by_code(&registry, STR("BTCX")));
    assert_null(registry_asset_by_id(&registry, 10002));
    assert_null(registry_asset_by_id(&registry, 5000));
    assert_null(registry_asset_by_id(&registry, 0));
    assert_null(registry_asset_by_id(&registry, UINT32_MAX));
    struct digest secret = { { 0 } };
    secret.bytes[31] = 11;
    assert_int_equal(registry_credential_by_digest(&registry, &secret)->id.value.lo, 1);
    secret.bytes[31] = 22; /* revoked: its digest opens nothing, its id is still known */
    assert_null(registry_credential_by_digest(&registry, &secret));
    const struct credential *revoked =
        registry_credential_by_id(&registry, (struct principal_id){ { .lo = 2 } });
    assert_true(revoked->revoked);
    assert_int_equal(revoked->secret_digest.bytes[31], 22);
    assert_int_equal(revoked->created_at.ns, NOON.ns);
    assert_null(registry_credential_by_id(&registry, (struct principal_id){ { .lo = 3 } }));
    assert_int_equal(registry.closed_through.days, 500);
    registry_reset(&registry);
    assert_null(registry_asset_by_code(&registry, STR("BTC")));
    assert_null(registry_credential_by_id(&registry, (struct principal_id){ { .lo = 1 } }));
    assert_int_equal(registry.closed_through.days, 0);
    registry_free(&registry);
    registry_free(&registry);
}

static void a_record_that_cannot_follow_does_not_fit(void **state)
{
    (void)state;
    struct registry registry;
    fill(&registry);
    struct record_asset unterminated = asset_record(10002, "ABC", 2);
    memset(unterminated.code, 'A', sizeof unterminated.code);
    struct record_credential nameless = key_record(4, 4, false);
    memset(nameless.name, 'n', sizeof nameless.name);
    struct record_transfer transfer = { .head = { .type = RECORD_TRANSFER } };
    union ledger_record {
        struct record_head head;
        struct record_asset asset;
        struct record_credential key;
        struct record_period period;
        struct record_transfer transfer;
        struct record_raise raise;
    };
    const struct {
        bool fits;
        union ledger_record record;
    } rows[] = {
        { true, { .asset = asset_record(10002, "ABC", 18) } },
        { false, { .asset = asset_record(10002, "ABC", 19) } },
        { false, { .asset = asset_record(10001, "ABC", 2) } },
        { false, { .asset = asset_record(10003, "ABC", 2) } },
        { false, { .asset = asset_record(10002, "BTC", 8) } },
        { false, { .asset = asset_record(10002, "EUR", 2) } },
        { false, { .asset = asset_record(10002, "a", 2) } },
        { false, { .asset = unterminated } },
        { true, { .key = key_record(3, 33, false) } },
        { true, { .key = key_record(1, 0, true) } },
        { true, { .key = key_record(2, 0, true) } },
        { false, { .key = key_record(1, 11, false) } },
        { false, { .key = key_record(3, 0, true) } },
        { false, { .key = nameless } },
        { true, { .period = period_record(501) } },
        { false, { .period = period_record(500) } },
        { false, { .transfer = transfer } },
        { true, { .raise = raise_record(3, 5, 1001) } },
        { true, { .raise = raise_record(1, 5, 9000) } }, /* anew */
        { true, { .raise = raise_record(1, 0, 0) } },    /* lowered */
        { false, { .raise = raise_record(3, 0, 0) } },   /* what is not raised */
        { false, { .raise = raise_record(3, 5, 1000) } },
        { false, { .raise = raise_record(0, 5, 2000) } },
        { false, { .raise = raise_record(3, RAISE_TRACES_MAX + 1, 2000) } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (registry_record_fits(&registry, &rows[i].record.head, NOON) != rows[i].fits) {
            fail_msg("row %zu", i);
        }
    }
    registry_free(&registry);
}

static void full_tables_take_no_more(void **state)
{
    (void)state;
    struct registry registry;
    assert_int_equal(registry_init(&registry), STATUS_OK);
    for (uint32_t i = 0; i < ASSETS_CUSTOM_MAX; i++) {
        char code[] = {
            'X', (char)('A' + i / 676 % 26), (char)('A' + i / 26 % 26), (char)('A' + i % 26), 'Q', 0
        };
        struct record_asset asset = asset_record(10000 + i, code, 2);
        registry_apply(&registry, &asset.head, NOON);
        struct record_credential key = key_record(i + 1, 1, false);
        registry_apply(&registry, &key.head, NOON);
    }
    _Static_assert((int)ASSETS_CUSTOM_MAX == (int)CREDENTIALS_MAX, "both are filled");
    struct record_asset asset = asset_record(10000 + ASSETS_CUSTOM_MAX, "MORE", 2);
    assert_false(registry_record_fits(&registry, &asset.head, NOON));
    struct record_credential key = key_record(CREDENTIALS_MAX + 1, 1, false);
    assert_false(registry_record_fits(&registry, &key.head, NOON));
    key = key_record(CREDENTIALS_MAX, 0, true);
    assert_true(registry_record_fits(&registry, &key.head, NOON));
    registry_free(&registry);
}

/* Whoever reads the records later has the same table as who applied them when they were made. */
static void raises_end_by_the_stamps_of_batches(void **state)
{
    (void)state;
    struct registry registry;
    fill(&registry);
    const struct wall_time first_over = { 2000 };
    assert_true(registry_raised(&registry, (struct uuid){ .lo = 1 }, NOON));
    assert_false(registry_raised(&registry, (struct uuid){ .lo = 1 }, first_over));
    assert_true(registry_raised(&registry, (struct uuid){ .lo = 2 }, first_over));
    assert_int_equal(registry.raise_count, 2);
    struct record_raise record = raise_record(3, 7, 5000);
    registry_apply(&registry, &record.head, first_over);
    assert_int_equal(registry.raise_count, 2); /* the first is gone */
    assert_int_equal(registry.raises[0].id.lo, 2);
    assert_int_equal(registry.raises[1].traces, 7);
    record = raise_record(2, 0, 0);
    registry_apply(&registry, &record.head, first_over);
    assert_int_equal(registry.raise_count, 1);
    assert_false(registry_raised(&registry, (struct uuid){ .lo = 2 }, NOON));
    for (uint64_t id = 4; id < 3 + RAISES_MAX; id++) {
        record = raise_record(id, 5, 4000);
        registry_apply(&registry, &record.head, first_over);
    }
    record = raise_record(99, 5, 9000);
    assert_false(registry_record_fits(&registry, &record.head, first_over)); /* all are taken */
    assert_true(registry_raise_has_room(&registry, (struct uuid){ .lo = 3 }, first_over));
    const struct wall_time others_over = { 4000 };
    assert_true(registry_record_fits(&registry, &record.head, others_over));
    registry_apply(&registry, &record.head, others_over);
    assert_int_equal(registry.raise_count, 2);
    registry_free(&registry);
}

static void apply_twice(void *registry)
{
    struct record_asset asset = asset_record(10001, "BTC", 8);
    registry_apply(registry, &asset.head, NOON);
}

static void apply_a_refusal(void *registry)
{
    struct record_asset asset = asset_record(10002, "ETH", 8);
    asset.head.outcome = ADMIN_OUTCOME_ASSET_EXISTS;
    registry_apply(registry, &asset.head, NOON);
}

static void applying_what_does_not_fit_stops_the_program(void **state)
{
    (void)state;
    struct registry registry;
    fill(&registry);
    assert_true(dies(apply_twice, &registry));
    assert_true(dies(apply_a_refusal, &registry));
    registry_free(&registry);
}

static void a_copy_is_the_same_and_a_damaged_one_is_refused(void **state)
{
    (void)state;
    struct registry registry, copy;
    fill(&registry);
    assert_int_equal(registry_init(&copy), STATUS_OK);
    BUF_SCOPE struct buf bytes = { 0 };
    BUF_SCOPE struct buf again = { 0 };
    buf_init(&bytes, 1 << 20);
    buf_init(&again, 1 << 20);
    registry_save(&registry, &bytes);
    assert_int_equal(registry_load(&copy, buf_view(&bytes)), STATUS_OK);
    registry_save(&copy, &again);
    assert_true(str_equal(buf_view(&bytes), buf_view(&again)));
    assert_int_equal(registry_asset_by_code(&copy, STR("BTC"))->id, 10001);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(registry_load(&copy, (struct str){ (char *)bytes.data, len }),
                         STATUS_CORRUPT);
    }
    size_t assets = 16, keys = assets + 2 * sizeof(struct asset);
    size_t raises = keys + 2 * sizeof(struct credential);
    const struct {
        size_t at;
        size_t size;
        uint8_t byte;
    } damages[] = {
        { 0, 4, 0xFF },      /* how many assets */
        { 4, 4, 0xFF },      /* how many keys */
        { 0, 1, 1 },         /* one less */
        { assets, 1, 0x11 }, /* its id */
        { assets + offsetof(struct asset, exponent), 1, 19 },
        { assets + offsetof(struct asset, code), 13, 'A' }, /* no end */
        { assets + offsetof(struct asset, code), 1, 'a' },
        { keys + offsetof(struct credential, name), 64, 'n' }, /* no end */
        { keys + offsetof(struct credential, revoked), 1, 7 }, /* neither yes nor no */
        { 14, 1, RAISES_MAX + 1 },                             /* how many raises */
        { raises + offsetof(struct raise, route), 4, 0 },      /* about nothing */
        { raises + offsetof(struct raise, traces), 4, 0xFF },
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        buf_reset(&again);
        buf_append(&again, bytes.data, bytes.len);
        memset(again.data + damages[i].at, damages[i].byte, damages[i].size);
        if (registry_load(&copy, buf_view(&again)) != STATUS_CORRUPT) fail_msg("damage %zu", i);
    }
    registry_free(&registry);
    registry_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_recorded_is_found),
        cmocka_unit_test(a_record_that_cannot_follow_does_not_fit),
        cmocka_unit_test(full_tables_take_no_more),
        cmocka_unit_test(raises_end_by_the_stamps_of_batches),
        cmocka_unit_test(applying_what_does_not_fit_stops_the_program),
        cmocka_unit_test(a_copy_is_the_same_and_a_damaged_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
