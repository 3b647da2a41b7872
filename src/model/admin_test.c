/*
 * Goal: whatever is wrong with an account or an administrative act on its own is found, by the
 * field that is wrong, and what is right passes; scopes and outcomes have the API's names.
 * Method: tables of acts with the field each must be refused by (NULL: none).
 */
#include "model/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/transit.h"

/* field is read after the call that gave the sentence, so its address is passed. */
static void expect_field(const char *sentence, const char **field, const char *expected, size_t row)
{
    if (expected == NULL && sentence != NULL) fail_msg("row %zu refused: %s", row, sentence);
    if (expected != NULL && sentence == NULL) fail_msg("row %zu passed", row);
    if (expected != NULL) assert_string_equal(*field, expected);
}

static void faults_of_accounts_are_found(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        struct account account;
        const char *field;
    } cases[] = {
        { { .asset = 978, .kind = ACCOUNT_LIABILITY }, NULL },
        { { .asset = 978, .kind = ACCOUNT_ASSET, .flags = 1 }, NULL },
        { { .asset = 10000, .kind = ACCOUNT_EXPENSE, .flags = 2 }, NULL },
        { { .asset = 0, .kind = ACCOUNT_ASSET }, "asset" },
        { { .asset = 978, .kind = 0 }, "kind" },
        { { .asset = 978, .kind = ACCOUNT_KIND_END }, "kind" },
        { { .asset = 978, .kind = UINT16_MAX }, "kind" },
        { { .asset = 978, .kind = ACCOUNT_ASSET, .flags = 3 }, "flags" },
        { { .asset = 978, .kind = ACCOUNT_ASSET, .flags = ACCOUNT_FLAG_FROZEN }, "flags" },
        { { .asset = 978, .kind = ACCOUNT_ASSET, .flags = ACCOUNT_FLAG_CLOSED }, "flags" },
        { { .asset = 978, .kind = ACCOUNT_ASSET, .flags = 16 }, "flags" },
        { { .asset = 978, .kind = ACCOUNT_ASSET, .flags = 0x8000 }, "flags" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *field = "";
        expect_field(account_fault(&cases[i].account, &field), &field, cases[i].field, i);
    }
}

static void an_account_between_lanes_is_not_changed(void **state)
{
    (void)state; /* no fixture */
    const struct transit_account way = { .asset = 1, .lane = 0, .peer = 1, .out = true };
    struct admin admin = {
        .kind = ADMIN_ACCOUNT_CHANGE,
        .account = transit_account(&way).id,
        .set = ACCOUNT_FLAG_CLOSED,
    };
    const char *field = NULL;
    assert_non_null(admin_fault(&admin, &field));
    assert_string_equal(field, "account");
    admin.account.value.lo++; /* not the id of any way */
    admin.account.value.hi = 1;
    assert_null(admin_fault(&admin, &field));
}

static void faults_of_acts_are_found(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        struct admin admin;
        const char *field;
    } cases[] = {
        { { .kind = ADMIN_ASSET_CREATE, .asset = { .code = "POINTS", .exponent = 0 } }, NULL },
        { { .kind = ADMIN_ASSET_CREATE, .asset = { .code = "ABCDEFGHIJKL", .exponent = 18 } },
          NULL },
        { { .kind = ADMIN_ASSET_CREATE, .asset = { .code = "POINTS", .exponent = 19 } },
          "exponent" },
        { { .kind = ADMIN_ASSET_CREATE, .asset = { .code = "" } }, "code" },
        { { .kind = ADMIN_ASSET_CREATE, .asset = { .code = "EUR" } }, "code" },
        { { .kind = ADMIN_ASSET_CREATE,
            .asset = { .code = { 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L',
                                 'M' } } },
          "code" },

        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .set = 4 }, NULL },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 0, 1 } }, .set = 8, .clear = 4 }, NULL },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .set = 12 }, NULL },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .clear = 4 }, NULL },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .set = 4 }, "account" },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .set = 1 }, "set" },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .set = 16 }, "set" },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } } }, "set" },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .clear = 8 }, "clear" },
        { { .kind = ADMIN_ACCOUNT_CHANGE, .account = { { 1, 0 } }, .set = 4, .clear = 4 },
          "clear" },

        { { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { 1 } }, NULL },
        { { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { BUSINESS_DATE_DAYS_MAX } }, NULL },
        { { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { 0 } }, "closed_through" },
        { { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { -1 } }, "closed_through" },
        { { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { BUSINESS_DATE_DAYS_MAX + 1 } },
          "closed_through" },

        { { .kind = ADMIN_CREDENTIAL_REVOKE, .credential = { .id = { { 1, 0 } } } }, NULL },
        { { .kind = ADMIN_CREDENTIAL_REVOKE }, "id" },
        { { .kind = (enum admin_kind)99 }, "kind" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *field = "";
        expect_field(admin_fault(&cases[i].admin, &field), &field, cases[i].field, i);
    }
}

static struct admin key_create(void)
{
    return (struct admin){
        .kind = ADMIN_CREDENTIAL_CREATE,
        .credential = { .secret_digest = { { [31] = 1 } }, .scopes = SCOPE_ALL, .name = "till 7" },
    };
}

static void faults_of_keys_are_found(void **state)
{
    (void)state; /* no fixture */
    const char *field = "";
    struct admin admin = key_create();
    assert_null(admin_fault(&admin, &field));

    admin.credential.scopes = 0;
    expect_field(admin_fault(&admin, &field), &field, "scopes", 0);
    admin.credential.scopes = SCOPE_ALL + 1;
    expect_field(admin_fault(&admin, &field), &field, "scopes", 1);
    admin.credential.scopes = UINT32_C(1) << 31;
    expect_field(admin_fault(&admin, &field), &field, "scopes", 2);

    admin = key_create();
    admin.credential.secret_digest.bytes[31] = 0;
    expect_field(admin_fault(&admin, &field), &field, "secret_digest", 3);
    admin = key_create();
    admin.credential.revoked = true;
    expect_field(admin_fault(&admin, &field), &field, "revoked", 4);

    static const char *const names[] = { "", "a\nb", "\x1f", "\x7f", "caf\xC3\xA9" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        admin = key_create();
        memcpy(admin.credential.name, names[i], strlen(names[i]) + 1);
        expect_field(admin_fault(&admin, &field), &field, "name", 10 + i);
    }
    admin = key_create();
    memset(admin.credential.name, 'a', sizeof admin.credential.name);
    expect_field(admin_fault(&admin, &field), &field, "name", 20);
    admin.credential.name[CREDENTIAL_NAME_LEN_MAX] = '\0';
    assert_null(admin_fault(&admin, &field));
}

static void faults_of_raises_are_found(void **state)
{
    (void)state; /* no fixture */
    const char *field;
    const struct admin right = { .kind = ADMIN_TRACE_RAISE,
                                 .raise = { .route = 1, .traces = 1 },
                                 .raise_for_s = RAISE_FOR_S_MAX };
    struct admin admin = right;
    assert_null(admin_fault(&admin, &field));
    admin.raise.payment.lo = 1;
    expect_field(admin_fault(&admin, &field), &field, "route", 1); /* of two */
    admin.raise.route = 0;
    assert_null(admin_fault(&admin, &field));
    admin.raise.payment.lo = 0;
    expect_field(admin_fault(&admin, &field), &field, "route", 2); /* of nothing */
    admin = right;
    admin.raise.traces = 0;
    expect_field(admin_fault(&admin, &field), &field, "traces", 3);
    admin.raise.traces = RAISE_TRACES_MAX + 1;
    expect_field(admin_fault(&admin, &field), &field, "traces", 4);
    admin = right;
    admin.raise_for_s = 0;
    expect_field(admin_fault(&admin, &field), &field, "for_s", 5);
    admin.raise_for_s = RAISE_FOR_S_MAX + 1;
    expect_field(admin_fault(&admin, &field), &field, "for_s", 6);
    admin = (struct admin){ .kind = ADMIN_TRACE_LOWER };
    expect_field(admin_fault(&admin, &field), &field, "id", 7);
    admin.raise.id.lo = 1;
    assert_null(admin_fault(&admin, &field));
}

static void scopes_are_named_both_ways(void **state)
{
    (void)state; /* no fixture */
    static const char *const names[] = { "accounts:read",   "accounts:write", "transfers:read",
                                         "transfers:write", "admin",          "metrics:read",
                                         "payments:read",   "payments:write" };
    uint32_t all = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t scope = 0;
        assert_string_equal(scope_name(1U << i), names[i]);
        assert_true(scope_parse(str_from(names[i]), &scope));
        assert_int_equal(scope, 1U << i);
        all |= scope;
    }
    assert_int_equal(all, SCOPE_ALL);
    assert_null(scope_name(0));
    assert_null(scope_name(3));
    assert_null(scope_name(256));
    uint32_t scope = 77;
    assert_false(scope_parse(STR("accounts"), &scope));
    assert_false(scope_parse(STR(""), &scope));
    assert_false(scope_parse(STR("ADMIN"), &scope));
    assert_int_equal(scope, 77);
}

static void outcomes_have_codes_texts_and_http_statuses(void **state)
{
    (void)state; /* no fixture */
    assert_string_equal(admin_outcome_code(ADMIN_OUTCOME_PERIOD_NOT_OVER), "period_not_over");
    assert_int_equal(admin_outcome_http_status(ADMIN_OUTCOME_ACCOUNT_NOT_FOUND), 404);
    assert_int_equal(account_outcome_http_status(ACCOUNT_OUTCOME_ID_CONFLICT), 409);
    assert_string_equal(account_outcome_code(ACCOUNT_OUTCOME_CAPACITY), "capacity");
    for (enum admin_outcome outcome = 0; outcome < ADMIN_OUTCOME_COUNT; outcome++) {
        unsigned http = admin_outcome_http_status(outcome);
        assert_true((http == 201) == (outcome == ADMIN_OUTCOME_OK));
        assert_true(http == 201 || (http >= 404 && http <= 422));
        assert_true(strlen(admin_outcome_text(outcome)) > 3);
        for (enum admin_outcome other = 0; other < outcome; other++)
            assert_string_not_equal(admin_outcome_code(other), admin_outcome_code(outcome));
    }
    for (enum account_outcome outcome = 0; outcome < ACCOUNT_OUTCOME_COUNT; outcome++) {
        unsigned http = account_outcome_http_status(outcome);
        assert_true((http == 201) == (outcome == ACCOUNT_OUTCOME_OK));
        assert_true(strlen(account_outcome_text(outcome)) > 3);
        for (enum account_outcome other = 0; other < outcome; other++)
            assert_string_not_equal(account_outcome_code(other), account_outcome_code(outcome));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_accounts_are_found),
        cmocka_unit_test(an_account_between_lanes_is_not_changed),
        cmocka_unit_test(faults_of_acts_are_found),
        cmocka_unit_test(faults_of_keys_are_found),
        cmocka_unit_test(faults_of_raises_are_found),
        cmocka_unit_test(scopes_are_named_both_ways),
        cmocka_unit_test(outcomes_have_codes_texts_and_http_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
