/*
 * Goal: every body that is in order becomes exactly the transfers it says, and every other one is
 * refused with a code, a place and, where there is one, the limit; nothing is half taken.
 * Method: tables of bodies by class of fault with the code and JSON Pointer expected; one body
 * that uses every field, cut at every byte and changed at every byte; arrays, streams and records
 * at their limits; the binary form compared with the JSON of the same transfers.
 */
#include "api/transfers_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ID1 "019ab000-0000-7000-8000-000000000001"
#define ID2 "019ab000-0000-7000-8000-000000000002"
#define ID3 "019ab000-0000-7000-8000-000000000003"
#define ID4 "019ab000-0000-7000-8000-000000000004"
#define SIDES "\"debit\":\"" ID1 "\",\"credit\":\"" ID2 "\",\"asset\":\"EUR\""
#define WHOLE "{\"id\":\"" ID3 "\"," SIDES ",\"amount\":\"1.00\"}"

enum { LIST_MAX = REQUEST_TRANSFERS_MAX };

struct fixture {
    struct transfer *transfers;
    struct transfer_list list;
    struct problem problem;
    struct arena scratch;
    struct asset_source assets;
};

static enum status iso_by_code(void *context, struct str code, struct asset *out_asset)
{
    unsigned *asked = context;
    (*asked)++;
    const struct asset *asset = asset_iso_by_code(code);
    if (asset == NULL) return STATUS_NOT_FOUND;
    *out_asset = *asset;
    return STATUS_OK;
}

static unsigned assets_asked;

static int fixture_make(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->transfers = aligned_alloc(16, LIST_MAX * sizeof(struct transfer));
    assert_non_null(fixture->transfers);
    assert_int_equal(arena_init(&fixture->scratch, BODY_SCRATCH_SIZE), STATUS_OK);
    assets_asked = 0;
    fixture->assets = (struct asset_source){ .by_code = iso_by_code, .context = &assets_asked };
    *state = fixture;
    return 0;
}

static int fixture_drop(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->scratch);
    free(fixture->transfers);
    free(fixture);
    return 0;
}

/* Parses a copy of exactly the text's size, so that reading past it is found. */
static bool parse_bytes(struct fixture *fixture, struct str text, bool lines)
{
    char *copy = malloc(text.len + (text.len == 0));
    assert_non_null(copy);
    if (text.len > 0) memcpy(copy, text.data, text.len);
    struct str exact = { copy, text.len };
    fixture->list = (struct transfer_list){ .transfers = fixture->transfers, .capacity = LIST_MAX };
    fixture->problem.code = NULL;
    bool taken = lines ? transfers_parse_ndjson(exact, &fixture->assets, &fixture->scratch,
                                                &fixture->list, &fixture->problem)
                       : transfers_parse_json(exact, &fixture->assets, &fixture->scratch,
                                              &fixture->list, &fixture->problem);
    assert_int_equal(taken, !problem_is_set(&fixture->problem));
    free(copy);
    return taken;
}

static bool parse(struct fixture *fixture, const char *text)
{
    return parse_bytes(fixture, str_from(text), false);
}

static void expect_refusal(struct fixture *fixture, const char *text, const char *code,
                           const char *field)
{
    if (parse(fixture, text)) fail_msg("taken: %s", text);
    if (strcmp(fixture->problem.code, code) != 0 || strcmp(fixture->problem.field, field) != 0)
        fail_msg("%s: %s at \"%s\" (%s)", text, fixture->problem.code, fixture->problem.field,
                 fixture->problem.detail);
    assert_int_equal(fixture->problem.status, 400);
}

struct refusal {
    const char *text;
    const char *code;
    const char *field;
};

static void expect_refusals(struct fixture *fixture, const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_refusal(fixture, rows[i].text, rows[i].code, rows[i].field);
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct uuid uuid_of(const char *text)
{
    struct uuid id;
    assert_int_equal(uuid_parse(str_from(text), &id), STATUS_OK);
    return id;
}

static const char every_field[] =
    "{\"id\":\"" ID3 "\",\"kind\":\"hold\"," SIDES ",\"amount\":\"12.34\",\"user_ref\":\"" ID4
    "\",\"value_date\":\"2026-11-23\",\"timeout_s\":3600,\"code\":4294967295,"
    "\"flags\":[\"linked\",\"balancing_debit\"]}";

static void every_field_is_taken(void **state)
{
    struct fixture *fixture = *state;
    char text[1024];
    int len = snprintf(text, sizeof text, "[%s,%s]", every_field, WHOLE);
    assert_true(len > 0 && (size_t)len < sizeof text);
    assert_true(parse(fixture, text));
    assert_int_equal(fixture->list.count, 2);
    assert_false(fixture->list.ids_missing);
    const struct transfer *transfer = &fixture->transfers[0];
    assert_true(uuid_equal(transfer->id.value, uuid_of(ID3)));
    assert_true(uuid_equal(transfer->debit.value, uuid_of(ID1)));
    assert_true(uuid_equal(transfer->credit.value, uuid_of(ID2)));
    assert_true(uuid_equal(transfer->user_ref, uuid_of(ID4)));
    assert_true(uuid_is_nil(transfer->target.value));
    assert_true(money_equal(transfer->amount, money_from_minor(1234)));
    assert_int_equal(transfer->kind, TRANSFER_HOLD);
    assert_int_equal(transfer->flags, TRANSFER_FLAG_LINKED | TRANSFER_FLAG_BALANCING_DEBIT);
    assert_int_equal(transfer->asset, 978);
    assert_int_equal(transfer->timeout_s, 3600);
    assert_int_equal(transfer->code, UINT32_MAX);
    assert_int_equal(transfer->value_date.days, 20780);
    assert_int_equal(fixture->transfers[1].kind, TRANSFER_DIRECT);
    assert_int_equal(assets_asked, 1); /* the second EUR was known */
}

static void fields_come_in_any_order_and_strings_may_be_escaped(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, "{\"amount\":\"1.5\",\"\\u0061sset\":\"\\u0045UR\",\"credit\":\"" ID2
                               "\",\"debit\":\"" ID1 "\"}"));
    assert_true(money_equal(fixture->transfers[0].amount, money_from_minor(150)));
    assert_true(fixture->list.ids_missing);
}

static void amounts_follow_the_asset(void **state)
{
    static const struct {
        const char *asset;
        const char *amount;
        uint64_t minor;
    } rows[] = { { "EUR", "1", 100 }, { "EUR", "0.01", 1 },     { "EUR", "1.5", 150 },
                 { "JPY", "7", 7 },   { "KWD", "1.234", 1234 }, { "CLF", "1.0001", 10001 } };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        int len = snprintf(text, sizeof text,
                           "{\"debit\":\"" ID1 "\",\"credit\":\"" ID2
                           "\",\"asset\":\"%s\",\"amount\":\"%s\"}",
                           rows[i].asset, rows[i].amount);
        assert_true(len > 0 && (size_t)len < sizeof text);
        assert_true(parse(fixture, text));
        assert_true(money_equal(fixture->transfers[0].amount, money_from_minor(rows[i].minor)));
    }
}

static void all_and_absent_amounts_mean_everything(void **state)
{
    static const char *const rows[] = {
        "{\"kind\":\"post\",\"target\":\"" ID4 "\"}",
        "{\"kind\":\"post\",\"target\":\"" ID4 "\",\"amount\":\"all\"}",
        "{\"kind\":\"void\",\"target\":\"" ID4 "\"}",
        "{\"kind\":\"void\",\"target\":\"" ID4 "\",\"amount\":\"all\"}",
        "{\"kind\":\"reversal\",\"target\":\"" ID4 "\",\"amount\":\"all\",\"asset\":\"EUR\"}",
        "{" SIDES ",\"amount\":\"all\",\"flags\":[\"balancing_credit\"]}",
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!parse(fixture, rows[i])) fail_msg("%s: %s", rows[i], fixture->problem.detail);
        assert_true(money_equal(fixture->transfers[0].amount, MONEY_MAX));
    }
}

static void wrong_amounts_are_refused(void **state)
{
    static const struct refusal rows[] = {
        { "{" SIDES ",\"amount\":\"1.234\"}", "wrong_exponent", "/amount" },
        { "{" SIDES ",\"amount\":\"0.001\"}", "wrong_exponent", "/amount" },
        { "{" SIDES ",\"amount\":\"0\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"0.00\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"-1\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"+1\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"1e3\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"01\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"1.\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\".5\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"1,5\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\" 1\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"all\"}", "invalid_value", "/amount" },
        { "{" SIDES ",\"amount\":\"340282366920938463463374607431768211455\"}", "invalid_value",
          "/amount" },
        { "{" SIDES ",\"amount\":\"3402823669209384634633746074317682114.55\"}", "invalid_value",
          "/amount" }, /* all ones in minor units is "all", and cannot be said in digits */
        { "{" SIDES ",\"amount\":\"99999999999999999999999999999999999999999999\"}",
          "invalid_value", "/amount" },
        { "{\"kind\":\"post\",\"target\":\"" ID4 "\",\"asset\":\"EUR\",\"amount\":"
          "\"3402823669209384634633746074317682114.55\"}",
          "invalid_value", "/amount" }, /* nor where "all" would be allowed */
        { "{" SIDES ",\"amount\":1}", "wrong_type", "/amount" },
        { "{" SIDES ",\"amount\":1.5}", "wrong_type", "/amount" },
        { "{" SIDES ",\"amount\":null}", "wrong_type", "/amount" },
        { "{" SIDES "}", "missing_field", "/amount" },
        { "{\"kind\":\"post\",\"target\":\"" ID4 "\",\"amount\":\"1\"}", "missing_field",
          "/asset" },
        { "{\"kind\":\"void\",\"target\":\"" ID4 "\",\"amount\":\"1\",\"asset\":\"EUR\"}",
          "invalid_value", "/asset" },
        { "{\"debit\":\"" ID1 "\",\"credit\":\"" ID2 "\",\"amount\":\"1\"}", "missing_field",
          "/asset" },
    };
    expect_refusals(*state, rows, COUNT(rows));
    struct fixture *fixture = *state;
    expect_refusal(fixture, rows[0].text, "wrong_exponent", "/amount");
    assert_true(fixture->problem.has_limit);
    assert_int_equal(fixture->problem.limit, 2);
    assert_string_equal(fixture->problem.detail, "EUR has 2 decimals");
    assert_non_null(fixture->problem.hint);
}

static void wrong_fields_are_refused_by_name(void **state)
{
    static const struct refusal rows[] = {
        { "{\"ammount\":\"1\"}", "unknown_field", "/ammount" },
        { "{\"id\":\"" ID3 "\",\"id\":\"" ID3 "\"}", "duplicate_field", "/id" },
        { "{\"id\":\"" ID3 "\",\"\\u0069d\":\"" ID3 "\"}", "duplicate_field", "/id" },
        { "{\"id\":7}", "wrong_type", "/id" },
        { "{\"id\":\"x\"}", "invalid_value", "/id" },
        { "{\"id\":\"00000000-0000-0000-0000-000000000000\"}", "invalid_value", "/id" },
        { "{\"id\":\"019ab00000007000800000000000000001\"}", "invalid_value", "/id" },
        { "{\"kind\":\"loan\"}", "invalid_value", "/kind" },
        { "{\"kind\":\"expire\"}", "invalid_value", "/kind" },
        { "{\"kind\":3}", "wrong_type", "/kind" },
        { "{\"asset\":\"ZZZ\"}", "unknown_asset", "/asset" },
        { "{\"asset\":\"eur\"}", "unknown_asset", "/asset" },
        { "{\"asset\":\"\"}", "unknown_asset", "/asset" },
        { "{\"asset\":\"EURO\"}", "unknown_asset", "/asset" },
        { "{\"asset\":978}", "wrong_type", "/asset" },
        { "{\"debit\":\"00000000-0000-0000-0000-000000000000\"}", "invalid_value", "/debit" },
        { "{\"timeout_s\":-1}", "wrong_type", "/timeout_s" },
        { "{\"timeout_s\":1.5}", "wrong_type", "/timeout_s" },
        { "{\"timeout_s\":1e3}", "wrong_type", "/timeout_s" },
        { "{\"timeout_s\":\"1\"}", "wrong_type", "/timeout_s" },
        { "{\"timeout_s\":4294967296}", "invalid_value", "/timeout_s" },
        { "{\"timeout_s\":99999999999999999999999}", "invalid_value", "/timeout_s" },
        { "{\"code\":4294967296}", "invalid_value", "/code" },
        { "{\"value_date\":\"2026-02-30\"}", "invalid_value", "/value_date" },
        { "{\"value_date\":\"23.11.2026\"}", "invalid_value", "/value_date" },
        { "{\"value_date\":\"1970-01-01\"}", "invalid_value", "/value_date" },
        { "{\"value_date\":20261123}", "wrong_type", "/value_date" },
        { "{\"flags\":\"linked\"}", "wrong_type", "/flags" },
        { "{\"flags\":[\"linked\",\"linked\"]}", "invalid_value", "/flags/1" },
        { "{\"flags\":[\"link\"]}", "invalid_value", "/flags/0" },
        { "{\"flags\":[1]}", "wrong_type", "/flags/0" },
        { "{\"user_ref\":null}", "wrong_type", "/user_ref" },
        { "{\"target\":[]}", "wrong_type", "/target" },
    };
    expect_refusals(*state, rows, COUNT(rows));
}

static void rules_between_fields_hold(void **state)
{
    static const struct refusal rows[] = {
        { "{\"credit\":\"" ID2 "\",\"asset\":\"EUR\",\"amount\":\"1\"}", "missing_field",
          "/debit" },
        { "{\"debit\":\"" ID1 "\",\"asset\":\"EUR\",\"amount\":\"1\"}", "missing_field",
          "/credit" },
        { "{\"debit\":\"" ID1 "\",\"credit\":\"" ID1 "\",\"asset\":\"EUR\",\"amount\":\"1\"}",
          "invalid_value", "/credit" },
        { "{" SIDES ",\"amount\":\"1\",\"target\":\"" ID4 "\"}", "invalid_value", "/target" },
        { "{" SIDES ",\"amount\":\"1\",\"timeout_s\":5}", "invalid_value", "/timeout_s" },
        { "{" SIDES ",\"amount\":\"1\",\"kind\":\"hold\",\"timeout_s\":31622401}", "invalid_value",
          "/timeout_s" },
        { "{" SIDES ",\"amount\":\"1\",\"flags\":[\"keep_rest\"]}", "invalid_value", "/flags" },
        { "{" SIDES ",\"amount\":\"1\",\"flags\":[\"owned\"]}", "invalid_value", "/flags" },
        { "{\"kind\":\"post\"}", "missing_field", "/target" },
        { "{\"kind\":\"void\"}", "missing_field", "/target" },
        { "{\"kind\":\"reversal\",\"target\":\"" ID4 "\",\"debit\":\"" ID1 "\"}", "invalid_value",
          "/debit" },
        { "{\"kind\":\"void\",\"target\":\"" ID4 "\",\"flags\":[\"balancing_debit\"]}",
          "invalid_value", "/flags" },
        { "{" SIDES ",\"amount\":\"1\",\"flags\":[\"linked\"]}", "linked_group_open", "/flags" },
        { "[" WHOLE ",{" SIDES ",\"amount\":\"1\",\"flags\":[\"linked\"]}]", "linked_group_open",
          "/1/flags" },
    };
    expect_refusals(*state, rows, COUNT(rows));
}

static void broken_json_is_refused(void **state)
{
    static const struct refusal rows[] = {
        { "", "malformed_json", "" },
        { " ", "malformed_json", "" },
        { "null", "wrong_type", "" },
        { "1", "wrong_type", "" },
        { "\"x\"", "wrong_type", "" },
        { "[]", "invalid_value", "" },
        { "[null]", "wrong_type", "/0" },
        { "[[" WHOLE "]]", "wrong_type", "/0" },
        { WHOLE WHOLE, "malformed_json", "" },
        { WHOLE ",", "malformed_json", "" },
        { "[" WHOLE ",]", "malformed_json", "/1" },
        { "[" WHOLE "}", "malformed_json", "" },
        { "\xEF\xBB\xBF" WHOLE, "malformed_json", "" },
        { "{'id':1}", "malformed_json", "" },
        { "{\"id\":\"\xFF\"}", "malformed_json", "/id" },
        { "{\"id\":\"\xC0\x80\"}", "malformed_json", "/id" },
        { "{\"id\":\"\\ud800\"}", "malformed_json", "/id" },
        { "{\"id\":\"\n\"}", "malformed_json", "/id" },
        { "{\"timeout_s\":01}", "malformed_json", "/timeout_s" },
        { "{\"timeout_s\":+1}", "malformed_json", "/timeout_s" },
        { "{\"timeout_s\":NaN}", "malformed_json", "/timeout_s" },
        { "{/* */}", "malformed_json", "" },
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (parse(fixture, rows[i].text)) fail_msg("taken: %s", rows[i].text);
        assert_string_equal(fixture->problem.code, rows[i].code);
    }
}

static void deep_nesting_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char text[4096];
    memset(text, '[', sizeof text);
    assert_false(parse_bytes(fixture, (struct str){ text, sizeof text }, false));
    memcpy(text, "{\"flags\":", 9);
    assert_false(parse_bytes(fixture, (struct str){ text, sizeof text }, false));
}

static void a_cut_body_is_never_taken(void **state)
{
    struct fixture *fixture = *state;
    char text[1024];
    int len = snprintf(text, sizeof text, "[%s,%s]", every_field, WHOLE);
    assert_true(len > 0 && (size_t)len < sizeof text);
    for (size_t cut = 0; cut < (size_t)len; cut++) {
        assert_false(parse_bytes(fixture, (struct str){ text, cut }, false));
        assert_string_equal(fixture->problem.code, "malformed_json");
    }
}

/* Whatever one changed byte makes of it: it is refused, or what is taken passes the model. */
static void a_changed_byte_never_gets_through_unchecked(void **state)
{
    struct fixture *fixture = *state;
    char text[1024];
    int len = snprintf(text, sizeof text, "[%s,%s]", every_field, WHOLE);
    assert_true(len > 0 && (size_t)len < sizeof text);
    unsigned taken = 0;
    for (size_t at = 0; at < (size_t)len; at++) {
        char before = text[at];
        for (unsigned byte = 0; byte < 256; byte += 7) {
            text[at] = (char)byte;
            if (!parse_bytes(fixture, (struct str){ text, (size_t)len }, false)) continue;
            taken++;
            for (uint32_t i = 0; i < fixture->list.count; i++) {
                const char *field;
                assert_null(transfer_fault(&fixture->transfers[i], &field));
            }
        }
        text[at] = before;
    }
    assert_true(taken > 100); /* digits of ids and amounts */
}

static char *many(size_t count, char separator, const char *flags)
{
    static const char item[] =
        "{\"id\":\"019ab000-0000-7000-8000-%012zu\"," SIDES ",\"amount\":\"1.00\"%s}";
    char *text = malloc(count * 320 + 3);
    assert_non_null(text);
    size_t len = 0;
    text[len++] = separator == ',' ? '[' : ' ';
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text[len++] = separator;
        bool last = i + 1 == count;
        int more = snprintf(text + len, 320, item, i + 1, last ? "" : flags);
        assert_true(more > 0 && more < 320);
        len += (size_t)more;
    }
    text[len++] = separator == ',' ? ']' : '\n';
    text[len] = '\0';
    return text;
}

static void arrays_are_taken_up_to_their_maximum(void **state)
{
    struct fixture *fixture = *state;
    char *text = many(REQUEST_TRANSFERS_MAX, ',', "");
    assert_int_equal(transfers_capacity(strlen(text)), REQUEST_TRANSFERS_MAX);
    assert_true(parse(fixture, text));
    assert_int_equal(fixture->list.count, REQUEST_TRANSFERS_MAX);
    free(text);
    text = many(REQUEST_TRANSFERS_MAX + 1, ',', "");
    assert_false(parse(fixture, text));
    assert_string_equal(fixture->problem.code, "too_many_items");
    assert_int_equal(fixture->problem.limit, REQUEST_TRANSFERS_MAX);
    free(text);
}

static void linked_groups_have_a_maximum(void **state)
{
    struct fixture *fixture = *state;
    char *text = many(LINKED_MAX, ',', ",\"flags\":[\"linked\"]");
    assert_true(parse(fixture, text));
    free(text);
    text = many(LINKED_MAX + 1, ',', ",\"flags\":[\"linked\"]");
    assert_false(parse(fixture, text));
    assert_string_equal(fixture->problem.code, "linked_group_too_long");
    assert_int_equal(fixture->problem.limit, LINKED_MAX);
    free(text);
}

/* The shortest transfers there are still have room in a list sized by their text. */
static void capacity_is_never_less_than_what_is_in_a_body(void **state)
{
    static const char shortest[] = "{\"kind\":\"void\",\"target\":\"" ID4 "\"}";
    for (size_t count = 1; count < 200; count++)
        assert_true(transfers_capacity(count * (sizeof shortest - 1)) >= count);
    (void)state; /* no fixture is needed */
}

static void a_stream_is_taken_line_by_line(void **state)
{
    struct fixture *fixture = *state;
    char *text = many(3, '\n', "");
    assert_true(parse_bytes(fixture, str_from(text), true));
    assert_int_equal(fixture->list.count, 3);
    free(text);
    static const char gaps[] = "\r\n" WHOLE "\r\n \n\n" WHOLE;
    assert_true(parse_bytes(fixture, str_from(gaps), true));
    assert_int_equal(fixture->list.count, 2);
}

static void a_stream_names_the_line_at_fault(void **state)
{
    static const struct {
        const char *text;
        const char *code;
        const char *field;
        uint64_t line;
    } rows[] = {
        { WHOLE "\n" WHOLE "\n{\"id\":\"" ID3 "\"," SIDES ",\"amount\":\"x\"}\n", "invalid_value",
          "/amount", 3 },
        { WHOLE "\n\n{" SIDES ",\"amount\":\"1\"}\n", "missing_field", "/id", 3 },
        { WHOLE "\n{\"id\":", "malformed_json", "/id", 2 },
        { WHOLE WHOLE "\n", "malformed_json", "", 1 },
        { "[" WHOLE "]\n", "wrong_type", "", 1 },
        { "\n\n", "malformed_body", "", 0 },
        { "", "malformed_body", "", 0 },
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(parse_bytes(fixture, str_from(rows[i].text), true));
        assert_string_equal(fixture->problem.code, rows[i].code);
        assert_string_equal(fixture->problem.field, rows[i].field);
        assert_int_equal(fixture->problem.line, rows[i].line);
    }
}

static bool parse_records(struct fixture *fixture, const void *bytes, size_t size, size_t shift)
{
    char *copy = malloc(size + shift + 1);
    assert_non_null(copy);
    if (size > 0) memcpy(copy + shift, bytes, size);
    fixture->list = (struct transfer_list){ .transfers = fixture->transfers, .capacity = LIST_MAX };
    fixture->problem.code = NULL;
    bool taken = transfers_parse_binary((struct str){ copy + shift, size }, &fixture->list,
                                        &fixture->problem);
    assert_int_equal(taken, !problem_is_set(&fixture->problem));
    free(copy);
    return taken;
}

static void records_are_the_same_transfers_as_json(void **state)
{
    struct fixture *fixture = *state;
    char *text = many(5, ',', "");
    assert_true(parse(fixture, text));
    free(text);
    struct transfer from_json[5];
    memcpy(from_json, fixture->transfers, sizeof from_json);
    for (size_t shift = 0; shift < 3; shift++) { /* bytes of a body are not aligned */
        assert_true(parse_records(fixture, from_json, sizeof from_json, shift));
        assert_int_equal(fixture->list.count, 5);
        assert_memory_equal(fixture->transfers, from_json, sizeof from_json);
    }
}

static struct transfer good_record(void)
{
    return (struct transfer){
        .id = { uuid_of(ID3) },
        .debit = { uuid_of(ID1) },
        .credit = { uuid_of(ID2) },
        .amount = money_from_minor(1),
        .asset = 978,
        .kind = TRANSFER_DIRECT,
    };
}

static void expect_bad_record(struct fixture *fixture, const struct transfer *bad,
                              const char *field)
{
    struct transfer records[2] = { good_record(), *bad };
    assert_false(parse_records(fixture, records, sizeof records, 0));
    assert_string_equal(fixture->problem.code, "invalid_value");
    assert_string_equal(fixture->problem.field, field);
}

static void wrong_records_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct transfer record = good_record();
    assert_true(parse_records(fixture, &record, sizeof record, 0));
    for (size_t size = 0; size < sizeof record; size++) {
        assert_false(parse_records(fixture, &record, size, 0));
        assert_string_equal(fixture->problem.code, "malformed_body");
    }
    record.id.value = (struct uuid){ 0 };
    expect_bad_record(fixture, &record, "/1/id");
    record = good_record();
    record.amount = MONEY_ZERO;
    expect_bad_record(fixture, &record, "/1/amount");
    record = good_record();
    record.kind = 99;
    expect_bad_record(fixture, &record, "/1/kind");
    record = good_record();
    record.kind = TRANSFER_EXPIRE;
    expect_bad_record(fixture, &record, "/1/kind");
    record = good_record();
    record.flags = 0x80;
    expect_bad_record(fixture, &record, "/1/flags");
    record = good_record();
    record.reserved[13] = 1;
    expect_bad_record(fixture, &record, "/1/reserved");
    record = good_record();
    record.flags = TRANSFER_FLAG_LINKED;
    assert_false(parse_records(fixture, &record, sizeof record, 0));
    assert_string_equal(fixture->problem.code, "linked_group_open");
}

static void too_many_records_are_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t count = REQUEST_TRANSFERS_MAX + 1;
    struct transfer *records = aligned_alloc(16, count * sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < count; i++) records[i] = good_record();
    assert_true(parse_records(fixture, records, (count - 1) * sizeof *records, 0));
    assert_false(parse_records(fixture, records, count * sizeof *records, 0));
    assert_string_equal(fixture->problem.code, "too_many_items");
    free(records);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_taken),
        TEST(fields_come_in_any_order_and_strings_may_be_escaped),
        TEST(amounts_follow_the_asset),
        TEST(all_and_absent_amounts_mean_everything),
        TEST(wrong_amounts_are_refused),
        TEST(wrong_fields_are_refused_by_name),
        TEST(rules_between_fields_hold),
        TEST(broken_json_is_refused),
        TEST(deep_nesting_is_refused),
        TEST(a_cut_body_is_never_taken),
        TEST(a_changed_byte_never_gets_through_unchecked),
        TEST(arrays_are_taken_up_to_their_maximum),
        TEST(linked_groups_have_a_maximum),
        TEST(capacity_is_never_less_than_what_is_in_a_body),
        TEST(a_stream_is_taken_line_by_line),
        TEST(a_stream_names_the_line_at_fault),
        TEST(records_are_the_same_transfers_as_json),
        TEST(wrong_records_are_refused),
        TEST(too_many_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
