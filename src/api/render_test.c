/*
 * Goal: what clients read of the ledger is written in the form api/openapi.yaml documents.
 * Method: values with every member set, and with every optional one unset, are rendered and
 * compared with the whole text expected; the binary result byte by byte.
 */
#include "api/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ID(digit) ((struct uuid){ .hi = 0x019ab00000007000, .lo = 0x8000000000000000 + (digit) })
#define ID_TEXT(digit) "019ab000-0000-7000-8000-00000000000" digit

static enum status iso_by_id(void *context, uint32_t id, struct asset *out_asset)
{
    unsigned *asked = context;
    (*asked)++;
    const struct asset *asset = asset_iso_by_id(id);
    if (asset == NULL) return STATUS_NOT_FOUND;
    *out_asset = *asset;
    return STATUS_OK;
}

struct paper {
    struct buf text;
    struct asset_source assets;
    unsigned asked;
    struct render render;
};

static int paper_make(void **state)
{
    struct paper *paper = calloc(1, sizeof *paper);
    assert_non_null(paper);
    buf_init(&paper->text, 1 << 16);
    paper->assets = (struct asset_source){ .by_id = iso_by_id, .context = &paper->asked };
    render_init(&paper->render, &paper->assets, &paper->text);
    *state = paper;
    return 0;
}

static int paper_drop(void **state)
{
    struct paper *paper = *state;
    buf_free(&paper->text);
    free(paper);
    return 0;
}

static void expect_written(struct paper *paper, const char *expected)
{
    render_end(&paper->render);
    assert_string_equal(buf_terminated(&paper->text), expected);
}

#define EMPTY_BALANCE                                                                              \
    "{\"debits_posted\":\"0.00\",\"debits_pending\":\"0.00\",\"credits_posted\":\"0.00\","         \
    "\"credits_pending\":\"0.00\",\"net\":\"0.00\"}"

static void a_bare_account_has_no_references(void **state)
{
    struct paper *paper = *state;
    const struct account_state account = {
        .account = { .id = { ID(1) }, .asset = 978, .kind = ACCOUNT_EQUITY },
        .created_at = { NS_PER_S },
    };
    render_account(&paper->render, &account, 0);
    expect_written(paper,
                   "{\"id\":\"" ID_TEXT("1") "\",\"asset\":\"EUR\",\"kind\":\"equity\","
                                             "\"flags\":[],\"balance\":" EMPTY_BALANCE
                                             ",\"entry_count\":0,"
                                             "\"created_at\":\"1970-01-01T00:00:01.000000000Z\"}");
    assert_int_equal(paper->asked, 1); /* the asset is asked for once */
}

static void a_full_account_has_everything(void **state)
{
    struct paper *paper = *state;
    const struct account_state account = {
        .account = { .id = { ID(1) },
                     .user_ref = ID(2),
                     .metadata_ref = ID(3),
                     .asset = 392,
                     .kind = ACCOUNT_ASSET,
                     .flags = ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS | ACCOUNT_FLAG_FROZEN },
        .balance = { money_from_minor(7), money_from_minor(1), money_from_minor(9),
                     money_from_minor(2) },
        .entry_count = 12,
    };
    render_account(&paper->render, &account, 5);
    expect_written(
        paper,
        "{\"id\":\"" ID_TEXT(
            "1") "\",\"asset\":\"JPY\",\"kind\":\"asset\","
                 "\"flags\":[\"credits_must_not_exceed_debits\",\"frozen\"],"
                 "\"user_ref\":\"" ID_TEXT("2") "\",\"metadata_ref\":\"" ID_TEXT(
                     "3") "\","
                          "\"balance\":{\"debits_posted\":\"7\",\"debits_pending\":\"1\","
                          "\"credits_posted\":\"9\",\"credits_pending\":\"2\",\"net\":\"-2\"},"
                          "\"entry_count\":12,\"created_at\":\"1970-01-01T00:00:00.000000000Z\","
                          "\"as_of\":\"5\"}");
}

static void net_counts_the_normal_side(void **state)
{
    static const struct {
        uint16_t kind;
        const char *net;
    } rows[] = {
        { ACCOUNT_ASSET, "\"net\":\"-3.00\"" },    { ACCOUNT_EXPENSE, "\"net\":\"-3.00\"" },
        { ACCOUNT_LIABILITY, "\"net\":\"3.00\"" }, { ACCOUNT_EQUITY, "\"net\":\"3.00\"" },
        { ACCOUNT_INCOME, "\"net\":\"3.00\"" },
    };
    struct paper *paper = *state;
    const struct balance balance = { .debits_posted = money_from_minor(100),
                                     .credits_posted = money_from_minor(400),
                                     .debits_pending = money_from_minor(9999) };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_reset(&paper->text);
        render_init(&paper->render, &paper->assets, &paper->text);
        json_write_object_begin(&paper->render.json);
        render_balance(&paper->render, STR("b"), &balance, 978, rows[i].kind);
        json_write_object_end(&paper->render.json);
        render_end(&paper->render);
        if (strstr(buf_terminated(&paper->text), rows[i].net) == NULL)
            fail_msg("%s is not in %s", rows[i].net, buf_terminated(&paper->text));
    }
}

static void the_largest_difference_has_room(void **state)
{
    struct paper *paper = *state;
    struct balance balance = { .debits_posted = { MONEY_MAX.minor } };
    json_write_object_begin(&paper->render.json);
    render_balance(&paper->render, STR("b"), &balance, 978, ACCOUNT_LIABILITY);
    json_write_object_end(&paper->render.json);
    render_end(&paper->render);
    assert_non_null(strstr(buf_terminated(&paper->text),
                           "\"net\":\"-3402823669209384634633746074317682114.55\""));
}

static struct history_entry hold_entry(void)
{
    return (struct history_entry){
        .position = { 12, 3 },
        .stamp = { 2 * NS_PER_S },
        .context = { .principal = PRINCIPAL_LOCAL, .trace = { .id = ID(9), .span = 1 } },
        .transfer = { .head = { .outcome = OUTCOME_OK,
                                .kind = TRANSFER_HOLD,
                                .flags = TRANSFER_FLAG_LINKED |
                                         RECORD_FLAGS_GIVEN, /* and the record's own */
                                .size = sizeof(struct record_transfer) },
                      .id = { ID(1) },
                      .debit = { ID(2) },
                      .credit = { ID(3) },
                      .amount = money_from_minor(1234),
                      .user_ref = ID(4),
                      .asset = 978,
                      .timeout_s = 60,
                      .value_date = { 20780 },
                      .code = 5 },
    };
}

#define HOLD_TEXT                                                                                                          \
    "{\"id\":\"" ID_TEXT("1") "\",\"kind\":\"hold\",\"outcome\":\"ok\",\"debit\":\"" ID_TEXT(                              \
        "2") "\",\"credit\":\"" ID_TEXT("3") "\",\"amount\":\"12.34\",\"asset\":\"EUR\","                                  \
                                             "\"user_ref\":\"" ID_TEXT(                                                    \
                                                 "4") "\",\"value_date\":\"2026-11-23\",\"timeout_s\":60,"                 \
                                                      "\"code\":5,\"flags\":[\"linked\"],\"position\":\"12-3\","           \
                                                      "\"at\":\"1970-01-01T00:00:02.000000000Z\",\"principal\":\"local\"," \
                                                      "\"trace_id\":\"019ab000000070008000000000000009\""

static void an_open_hold_says_so(void **state)
{
    struct paper *paper = *state;
    const struct history_entry entry = hold_entry();
    const struct render_entry_extra extra = { .closing_known = true };
    render_entry(&paper->render, &entry, &extra);
    expect_written(paper, HOLD_TEXT ",\"hold\":{\"state\":\"open\"}}");
}

static void a_closed_hold_says_by_what(void **state)
{
    static const struct {
        uint8_t kind;
        const char *text;
    } rows[] = { { TRANSFER_POST, "posted" },
                 { TRANSFER_VOID, "voided" },
                 { TRANSFER_EXPIRE, "expired" } };
    struct paper *paper = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct history_entry entry = hold_entry();
        struct history_entry closing = hold_entry();
        closing.transfer.head.kind = rows[i].kind;
        closing.transfer.id.value = ID(7);
        const struct render_entry_extra extra = { .closing_known = true, .closing = &closing };
        buf_reset(&paper->text);
        render_init(&paper->render, &paper->assets, &paper->text);
        render_entry(&paper->render, &entry, &extra);
        render_end(&paper->render);
        assert_non_null(strstr(buf_terminated(&paper->text), rows[i].text));
        bool named = strstr(buf_terminated(&paper->text), "\"closed_by\":\"" ID_TEXT("7")) != NULL;
        assert_int_equal(named, rows[i].kind != TRANSFER_EXPIRE); /* nobody's */
    }
}

static void an_entry_of_an_account_has_side_and_balance(void **state)
{
    struct paper *paper = *state;
    const struct history_entry entry = hold_entry();
    const struct balance balance = { .credits_posted = money_from_minor(50) };
    const struct render_entry_extra extra = { .account = { ID(3) },
                                              .balance = &balance,
                                              .account_kind = ACCOUNT_LIABILITY };
    render_entry(&paper->render, &entry, &extra);
    expect_written(paper, HOLD_TEXT ",\"side\":\"credit\",\"balance\":{\"debits_posted\":\"0.00\","
                                    "\"debits_pending\":\"0.00\",\"credits_posted\":\"0.50\","
                                    "\"credits_pending\":\"0.00\",\"net\":\"0.50\"}}");
}

static void a_long_record_says_what_was_asked_and_released(void **state)
{
    struct paper *paper = *state;
    struct history_entry entry = hold_entry();
    entry.transfer = (struct record_transfer){
        .head = { .outcome = OUTCOME_OK, .kind = TRANSFER_POST, .size = RECORD_TRANSFER_LONG_SIZE },
        .id = { ID(5) },
        .debit = { ID(2) },
        .credit = { ID(3) },
        .amount = money_from_minor(1000),
        .asset = 978,
        .value_date = { 20780 },
    };
    entry.more = (struct record_transfer_more){ .target = { ID(1) },
                                                .requested = MONEY_MAX,
                                                .released = money_from_minor(234) };
    entry.context.principal = PRINCIPAL_SYSTEM;
    entry.context.trace = (struct trace){ 0 };
    const struct render_entry_extra extra = { 0 };
    render_entry(&paper->render, &entry, &extra);
    expect_written(
        paper,
        "{\"id\":\"" ID_TEXT(
            "5") "\",\"kind\":\"post\",\"outcome\":\"ok\","
                 "\"debit\":\"" ID_TEXT("2") "\",\"credit\":\"" ID_TEXT(
                     "3") "\","
                          "\"amount\":\"10.00\",\"asset\":\"EUR\",\"requested\":\"all\","
                          "\"released\":\"2.34\",\"target\":\"" ID_TEXT(
                              "1") "\","
                                   "\"value_date\":\"2026-11-23\",\"position\":\"12-3\","
                                   "\"at\":\"1970-01-01T00:00:02.000000000Z\",\"principal\":\"system\"}");
}

static const struct transfer_result some_result = {
    .id = { ID(1) },
    .amount = { 300 },
    .position = { 12, 3 },
    .stamp = { NS_PER_S },
    .outcome = OUTCOME_OK,
    .repeated = true,
    .asset = 978,
};

static void a_result_is_short_and_a_refused_one_has_no_amount(void **state)
{
    struct paper *paper = *state;
    render_transfer_result(&paper->render, &some_result, false);
    render_next(&paper->render);
    struct transfer_result refused = some_result;
    refused.outcome = OUTCOME_CAPACITY;
    refused.repeated = false;
    render_transfer_result(&paper->render, &refused, false);
    expect_written(
        paper, "{\"id\":\"" ID_TEXT(
                   "1") "\",\"outcome\":\"ok\",\"amount\":\"3.00\","
                        "\"asset\":\"EUR\",\"position\":\"12-3\","
                        "\"at\":\"1970-01-01T00:00:01.000000000Z\",\"repeated\":true}"
                        "{\"id\":\"" ID_TEXT(
                            "1") "\",\"outcome\":\"capacity\","
                                 "\"position\":\"12-3\","
                                 "\"at\":\"1970-01-01T00:00:01.000000000Z\",\"repeated\":false}");
}

static void a_binary_result_has_its_documented_layout(void **state)
{
    (void)state; /* nothing is written */
    const uint8_t expected[64] = { 1,           0,           0,
                                   0,           0,           0,
                                   0,           0x80,        0,
                                   0x70,        0,           0,
                                   0,           0xB0,        0x9A,
                                   0x01,        0x2C,        1,
                                   [32] = 12,   [40] = 0x00, [41] = 0xCA,
                                   [42] = 0x9A, [43] = 0x3B, [48] = 3,
                                   [52] = 0xD2, [53] = 3,    [56] = OUTCOME_OK,
                                   [57] = 1 };
    struct transfer_record record = transfer_record_of(&some_result);
    assert_memory_equal(&record, expected, sizeof expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, paper_make, paper_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bare_account_has_no_references),
        TEST(a_full_account_has_everything),
        TEST(net_counts_the_normal_side),
        TEST(the_largest_difference_has_room),
        TEST(an_open_hold_says_so),
        TEST(a_closed_hold_says_by_what),
        TEST(an_entry_of_an_account_has_side_and_balance),
        TEST(a_long_record_says_what_was_asked_and_released),
        TEST(a_result_is_short_and_a_refused_one_has_no_amount),
        TEST(a_binary_result_has_its_documented_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
