/*
 * Goal: bodies about accounts become what they say, and every other one is refused by place.
 * Method: tables by class of fault; a body of every field cut at every byte.
 */
#include "api/accounts_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/transit.h"

#define ID1 "019ab000-0000-7000-8000-000000000001"
#define ID2 "019ab000-0000-7000-8000-000000000002"

enum { LIST_MAX = 16 };

struct fixture {
    struct account accounts[LIST_MAX];
    struct account_list list;
    struct problem problem;
    struct arena scratch;
    struct asset_source assets;
    struct admin admin;
};

static enum status iso_by_code(void *context, struct str code, struct asset *out_asset)
{
    (void)context; /* the ISO table is everybody's */
    const struct asset *asset = asset_iso_by_code(code);
    if (asset == NULL) return STATUS_NOT_FOUND;
    *out_asset = *asset;
    return STATUS_OK;
}

static int fixture_make(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(arena_init(&fixture->scratch, BODY_SCRATCH_SIZE), STATUS_OK);
    fixture->assets.by_code = iso_by_code;
    *state = fixture;
    return 0;
}

static int fixture_drop(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->scratch);
    free(fixture);
    return 0;
}

static bool parse(struct fixture *fixture, struct str text)
{
    fixture->list = (struct account_list){ .accounts = fixture->accounts, .capacity = LIST_MAX };
    fixture->problem.code = NULL;
    return accounts_parse(text, &fixture->assets, &fixture->scratch, &fixture->list,
                          &fixture->problem);
}

static void every_field_is_taken(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] =
        "[{\"id\":\"" ID1 "\",\"asset\":\"JPY\",\"kind\":\"asset\",\"flags\":"
        "[\"credits_must_not_exceed_debits\"],\"user_ref\":\"" ID2 "\",\"metadata_ref\":\"" ID1
        "\"},{\"kind\":\"expense\",\"asset\":\"EUR\"}]";
    assert_true(parse(fixture, STR(text)));
    assert_int_equal(fixture->list.count, 2);
    assert_true(fixture->list.ids_missing);
    const struct account *account = &fixture->accounts[0];
    assert_int_equal(account->asset, 392);
    assert_int_equal(account->kind, ACCOUNT_ASSET);
    assert_int_equal(account->flags, ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS);
    assert_int_equal(account->user_ref.lo & 0xF, 2);
    assert_int_equal(account->metadata_ref.lo & 0xF, 1);
    assert_int_equal(fixture->accounts[1].kind, ACCOUNT_EXPENSE);
    for (size_t cut = 0; cut + 1 < sizeof text; cut++) {
        assert_false(parse(fixture, (struct str){ text, cut }));
        assert_string_equal(fixture->problem.code, "malformed_json");
    }
}

static void wrong_accounts_are_refused_by_place(void **state)
{
    static const struct {
        const char *text;
        const char *code;
        const char *field;
    } rows[] = {
        { "{\"kind\":\"asset\"}", "missing_field", "/asset" },
        { "{\"asset\":\"EUR\"}", "missing_field", "/kind" },
        { "{\"asset\":\"XXY\",\"kind\":\"asset\"}", "unknown_asset", "/asset" },
        { "[{\"asset\":\"EUR\",\"kind\":\"wallet\"}]", "invalid_value", "/0/kind" },
        { "{\"asset\":\"EUR\",\"kind\":\"asset\",\"flags\":[\"frozen\"]}", "invalid_value",
          "/flags/0" },
        { "{\"asset\":\"EUR\",\"kind\":\"asset\",\"flags\":[\"debits_must_not_exceed_credits\","
          "\"credits_must_not_exceed_debits\"]}",
          "invalid_value", "/flags" },
        { "{\"asset\":\"EUR\",\"kind\":\"asset\",\"flags\":null}", "wrong_type", "/flags" },
        { "{\"asset\":\"EUR\",\"kind\":\"asset\",\"name\":\"Anna\"}", "unknown_field", "/name" },
        { "{\"asset\":\"EUR\",\"asset\":\"EUR\"}", "duplicate_field", "/asset" },
        { "{\"id\":\"00000000-0000-0000-0000-000000000000\"}", "invalid_value", "/id" },
        { "[]", "invalid_value", "" },
        { "7", "wrong_type", "" },
        { "", "malformed_json", "" },
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (parse(fixture, str_from(rows[i].text))) fail_msg("taken: %s", rows[i].text);
        assert_string_equal(fixture->problem.code, rows[i].code);
        assert_string_equal(fixture->problem.field, rows[i].field);
    }
}

/* Even one that is right to the last bit: the lane makes it, when it is needed. */
static void accounts_between_lanes_are_nobodys_to_make(void **state)
{
    struct fixture *fixture = *state;
    const struct transit_account way = { .asset = 392, .lane = 0, .peer = 1, .out = true };
    struct account right = transit_account(&way);
    char id[UUID_TEXT_LEN + 1];
    char text[256];
    uuid_format(right.id.value, id);
    int len = snprintf(text, sizeof text, "{\"id\":\"%s\",\"asset\":\"JPY\",\"kind\":\"%s\"}", id,
                       account_kind_name(right.kind));
    assert_true(len > 0 && (size_t)len < sizeof text);
    assert_false(parse(fixture, str_from(text)));
    assert_string_equal(fixture->problem.code, "invalid_value");
    assert_string_equal(fixture->problem.field, "/id");
}

static void a_list_holds_what_it_has_room_for(void **state)
{
    static const char item[] = "{\"asset\":\"EUR\",\"kind\":\"asset\"}";
    struct fixture *fixture = *state;
    char text[(LIST_MAX + 1) * sizeof item + 2];
    size_t len = 0;
    for (unsigned i = 0; i < LIST_MAX; i++) {
        text[len++] = i == 0 ? '[' : ',';
        memcpy(text + len, item, sizeof item - 1);
        len += sizeof item - 1;
        assert_true(accounts_capacity(len) >= i + 1);
    }
    text[len] = ']';
    assert_true(parse(fixture, (struct str){ text, len + 1 }));
    assert_int_equal(fixture->list.count, LIST_MAX);
    text[len++] = ',';
    memcpy(text + len, item, sizeof item - 1);
    len += sizeof item - 1;
    text[len++] = ']';
    assert_false(parse(fixture, (struct str){ text, len }));
    assert_string_equal(fixture->problem.code, "too_many_items");
    assert_int_equal(accounts_capacity(1 << 22), REQUEST_ACCOUNTS_MAX);
}

static bool change(struct fixture *fixture, const char *text)
{
    fixture->problem.code = NULL;
    return account_change_parse(str_from(text), &fixture->scratch, &fixture->admin,
                                &fixture->problem);
}

static void changes_set_and_clear_flags(void **state)
{
    struct fixture *fixture = *state;
    assert_true(change(fixture, "{\"frozen\":true}"));
    assert_int_equal(fixture->admin.set, ACCOUNT_FLAG_FROZEN);
    assert_int_equal(fixture->admin.clear, 0);
    assert_true(change(fixture, "{\"frozen\":false,\"closed\":true}"));
    assert_int_equal(fixture->admin.set, ACCOUNT_FLAG_CLOSED);
    assert_int_equal(fixture->admin.clear, ACCOUNT_FLAG_FROZEN);
    static const char *const wrong[] = {
        "{}", "[]", "{\"closed\":false}", "{\"frozen\":1}", "{\"open\":true}", "{\"frozen\":true}x",
        ""
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (change(fixture, wrong[i])) fail_msg("taken: %s", wrong[i]);
        assert_true(problem_is_set(&fixture->problem));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_taken),
        TEST(wrong_accounts_are_refused_by_place),
        TEST(accounts_between_lanes_are_nobodys_to_make),
        TEST(a_list_holds_what_it_has_room_for),
        TEST(changes_set_and_clear_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
