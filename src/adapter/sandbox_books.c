#include "adapter/sandbox_books.h"

#include <stdio.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "model/asset.h"
#include "sandbox/check.h"
#include "sandbox/statement.h"
#include "sandbox/trace.h"

/* ---- statements ---- */

static bool day_read(struct desk_call *call, struct business_date *out_day)
{
    if (business_date_parse(call->parameter, out_day) == STATUS_OK) return true;
    desk_error(call, 400, "malformed", "a day is YYYY-MM-DD");
    return false;
}

static void csv_line(struct buf *out, const struct psp_line *line)
{
    const struct asset *asset = asset_iso_by_id(line->asset);
    CHECK(asset != NULL);
    char gross[MONEY_TEXT_SIZE];
    char fee[MONEY_TEXT_SIZE];
    char net[MONEY_TEXT_SIZE];
    char at[TIME_TEXT_SIZE];
    bool more = trace_sides((enum psp_line_kind)line->kind).owed_more;
    /* 18 digits each: their sum is far from 128 bits; a fee is at most gross when `more` */
    struct money difference = { more ? line->gross.minor - line->fee.minor
                                     : line->gross.minor + line->fee.minor };
    buf_append_format(out, "%s,%s,%s,%s,%s,%.*s,%.*s,%s%.*s,%.*s\n", line->id, line->reference,
                      line->object, psp_line_kind_name(line->kind), asset->code,
                      STR_ARG(money_format(line->gross, asset->exponent, gross)),
                      STR_ARG(money_format(line->fee, asset->exponent, fee)), more ? "" : "-",
                      STR_ARG(money_format(difference, asset->exponent, net)),
                      STR_ARG(wall_time_format(line->at, at)));
}

static void statement_get(struct desk_call *call)
{
    enum { STEP = 16 };
    struct business_date day;
    struct form query;
    uint64_t from = 0;
    uint64_t limit = DESK_PAGE_MAX;
    if (!day_read(call, &day)) return;
    if (form_read(call->api->query, &call->desk->arena, &query) != STATUS_OK ||
        !form_number(&query, STR("from"), UINT32_MAX, &from) ||
        !form_number(&query, STR("limit"), DESK_PAGE_MAX, &limit) || limit == 0) {
        desk_error(call, 400, "malformed", "from and limit (1 to 1000) are whole numbers");
        return;
    }
    struct psp_line *lines = arena_take_array(&call->desk->arena, DESK_PAGE_MAX, sizeof *lines);
    CHECK(lines != NULL); /* DESK_SCRATCH_SIZE is for that */
    uint32_t count;
    if (sandbox_statement(call->desk->sandbox, day, (uint32_t)from, lines, (uint32_t)limit,
                          &count) != STATUS_OK) {
        desk_error(call, 404, "statement_not_ready", "the day is not over, and was not closed");
        return;
    }
    struct buf *out = &call->api->answer;
    call->api->status = 200;
    call->api->answer_type = "text/csv";
    buf_append_str(out, STR("id,reference,object,kind,asset,gross,fee,net,at\n"));
    for (uint32_t i = 0; i < count; i++) csv_line(out, &lines[i]);
}
_Static_assert(DESK_PAGE_MAX * sizeof(struct psp_line) < DESK_SCRATCH_SIZE - 4096,
               "a page of lines fits the scratch");

static uint64_t lines_of(const struct sandbox *sandbox, struct business_date day)
{
    uint64_t count = 0;
    for (uint32_t i = sandbox->line_count; i-- > 0;) {
        if (sandbox->lines[i].day.days < day.days) break;
        if (sandbox->lines[i].day.days == day.days) count++;
    }
    return count;
}

static void statement_close(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct business_date day;
    if (!day_read(call, &day)) return;
    if (day.days > sandbox->day.days) {
        desk_error(call, 422, "day_to_come", "the day has not begun");
        return;
    }
    if (day.days == sandbox->day.days) sandbox_day_close(sandbox);
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    desk_number(&writer, STR("lines"), lines_of(sandbox, day));
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

/* ---- clock ---- */

static void clock_answer(struct desk_call *call)
{
    const struct sandbox *sandbox = call->desk->sandbox;
    char day[DATE_TEXT_SIZE];
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    desk_text(&writer, STR("today"), business_date_format(business_date_of(sandbox->now), day));
    desk_time(&writer, STR("now"), sandbox->now);
    desk_text(&writer, STR("open_statement"), business_date_format(sandbox->day, day));
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

static void clock_advance(struct desk_call *call)
{
    enum { DAYS_MAX = 3660 };
    static const struct str names[] = { { "days", 4 } };
    const struct json_fields fields = { names, 1 };
    struct sandbox *sandbox = call->desk->sandbox;
    struct json_reader reader;
    uint64_t days = 0;
    json_reader_init(&reader, call->api->body, &call->desk->arena);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field))
            (void)json_uint64(&reader, &days); /* json_end() tells */
    }
    int64_t room_ns = INT64_MAX - sandbox->now.ns - (int64_t)365 * NS_PER_DAY; /* of late truths */
    if (json_end(&reader) != STATUS_OK || days > DAYS_MAX || (int64_t)days * NS_PER_DAY > room_ns) {
        desk_error(call, 400, "malformed", "days is a whole number up to 3660");
        return;
    }
    call->desk->ahead_ns += (int64_t)days * NS_PER_DAY;
    sandbox_advance(sandbox, (struct wall_time){ sandbox->now.ns + (int64_t)days * NS_PER_DAY });
    clock_answer(call);
}

/* ---- books ---- */

static void balance_write(struct json_writer *writer, const struct book_page *page,
                          enum book_account account)
{
    char digits[MONEY_TEXT_SIZE];
    char text[MONEY_TEXT_SIZE + 1];
    struct book_balance balance = book_balance(page, account);
    unsigned exponent = asset_iso_by_id(page->asset)->exponent;
    struct str amount = money_format(balance.amount, exponent, digits);
    int len = snprintf(text, sizeof text, "%s%.*s", balance.negative ? "-" : "", STR_ARG(amount));
    CHECK(len > 0 && (size_t)len < sizeof text);
    desk_text(writer, str_from(book_account_name(account)), (struct str){ text, (size_t)len });
}

static void kinds_write(struct json_writer *writer, const struct sandbox *sandbox, uint32_t asset)
{
    struct money gross[PSP_LINE_KIND_END] = { 0 };
    for (uint32_t i = 0; i < sandbox->line_count; i++) {
        const struct sandbox_line *line = &sandbox->lines[i];
        if (sandbox->items[line->item].asset != asset) continue;
        bool added = money_add(gross[line->kind], line->gross, &gross[line->kind]);
        CHECK(added);
    }
    for (unsigned kind = 1; kind < PSP_LINE_KIND_END; kind++)
        desk_money(writer, str_from(psp_line_kind_name(kind)), gross[kind], asset);
}

/* A pass over all lines: for comparing, not for every second. */
static void books_get(struct desk_call *call)
{
    const struct sandbox *sandbox = call->desk->sandbox;
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("balanced"));
    json_write_bool(&writer, sandbox_check(sandbox) == STATUS_OK);
    desk_number(&writer, STR("items"), sandbox->item_count);
    desk_number(&writer, STR("lines"), sandbox->line_count);
    desk_number(&writer, STR("events"), sandbox->event_count);
    json_write_key(&writer, STR("assets"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < sandbox->book.count; i++) {
        const struct book_page *page = &sandbox->book.pages[i];
        json_write_object_begin(&writer);
        desk_text(&writer, STR("asset"), desk_asset_code(page->asset));
        for (unsigned account = 0; account < BOOK_ACCOUNT_COUNT; account++)
            balance_write(&writer, page, (enum book_account)account);
        json_write_key(&writer, STR("gross"));
        json_write_object_begin(&writer);
        kinds_write(&writer, sandbox, page->asset);
        json_write_object_end(&writer);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

/* ---- faults ---- */

static struct str operation_name(uint8_t operation)
{
    if (operation == 0) return STR("");
    if (operation == FAULT_OPERATION_QUERY) return STR("query");
    return str_from(psp_operation_name(operation));
}

static void rule_write(struct json_writer *writer, const struct fault_rule *rule)
{
    char key[PSP_KEY_SIZE];
    bool named = !uuid_is_nil(rule->named.value);
    json_write_object_begin(writer);
    desk_text(writer, STR("fault"), str_from(fault_name((enum sandbox_fault)rule->fault)));
    desk_number(writer, STR("per_mille"), rule->per_mille);
    desk_number(writer, STR("times"), rule->times);
    desk_text(writer, STR("operation"), operation_name(rule->operation));
    desk_number(writer, STR("ms"), rule->ms);
    desk_text(writer, STR("reference"),
              named ? psp_key(rule->named, rule->named_step, key) : STR(""));
    desk_number(writer, STR("came"), rule->came);
    json_write_object_end(writer);
}

static void faults_get(struct desk_call *call)
{
    const struct fault_plan *plan = &call->desk->sandbox->faults;
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    desk_number(&writer, STR("seed"), plan->seed);
    json_write_key(&writer, STR("faults"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < plan->rule_count; i++) rule_write(&writer, &plan->rules[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

enum rule_field {
    RULE_FAULT,
    RULE_PER_MILLE,
    RULE_TIMES,
    RULE_OPERATION,
    RULE_MS,
    RULE_REFERENCE,
    RULE_FIELDS,
};

static void operation_read(struct json_reader *reader, struct fault_rule *rule)
{
    struct str name = STR("");
    if (!json_string(reader, &name) || name.len == 0) return;
    if (str_equal(name, STR("query"))) rule->operation = FAULT_OPERATION_QUERY;
    for (unsigned operation = 1; operation < PSP_OPERATION_END; operation++)
        if (str_equal(name, str_from(psp_operation_name(operation))))
            rule->operation = (uint8_t)operation;
    if (rule->operation == 0) json_fail(reader, "there is no such operation");
}

static void rule_field_read(struct json_reader *reader, enum rule_field field,
                            struct fault_rule *rule)
{
    struct str text = STR("");
    uint64_t number = 0;
    enum sandbox_fault fault;
    switch (field) {
    case RULE_FAULT:
        if (!json_string(reader, &text)) return;
        if (fault_parse(text, &fault))
            rule->fault = (uint8_t)fault;
        else
            json_fail(reader, "there is no such fault");
        return;
    case RULE_OPERATION: operation_read(reader, rule); return;
    case RULE_REFERENCE:
        if (!json_string(reader, &text) || text.len == 0) return;
        if (!psp_key_parse(text, &rule->named, &rule->named_step))
            json_fail(reader, "the reference is none");
        return;
    case RULE_PER_MILLE:
        if (!json_uint64(reader, &number)) return;
        if (number > 1000) json_fail(reader, "per_mille is at most 1000");
        rule->per_mille = (uint16_t)number;
        return;
    case RULE_MS:
        if (!json_uint64(reader, &number)) return;
        if (number > FAULT_MS_MAX) json_fail(reader, "ms is at most 600000");
        rule->ms = (uint32_t)number;
        return;
    case RULE_TIMES: (void)json_uint64(reader, &rule->times); return; /* json_end() tells */
    case RULE_FIELDS: break;
    }
}

static void rules_read(struct json_reader *reader, struct fault_plan *plan)
{
    static const struct str names[RULE_FIELDS] = {
        { "fault", 5 },     { "per_mille", 9 }, { "times", 5 },
        { "operation", 9 }, { "ms", 2 },        { "reference", 9 },
    };
    const struct json_fields fields = { names, RULE_FIELDS };
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) {
        struct fault_rule rule = { .per_mille = 1000 };
        unsigned field;
        if (!json_object_begin(reader)) return;
        while (json_object_field(reader, &fields, &field))
            rule_field_read(reader, (enum rule_field)field, &rule);
        if (rule.fault == SANDBOX_FAULT_NONE) {
            json_fail(reader, "a fault is wanted");
            return;
        }
        if (fault_rule_add(plan, &rule) != STATUS_OK) json_fail(reader, "at most 64 faults");
    }
}

/* All or none: they are read into a plan of their own. */
static void faults_put(struct desk_call *call)
{
    static const struct str names[] = { { "seed", 4 }, { "faults", 6 } };
    const struct json_fields fields = { names, 2 };
    struct fault_plan *plan = arena_take(&call->desk->arena, sizeof *plan);
    CHECK(plan != NULL); /* DESK_SCRATCH_SIZE is for that */
    fault_plan_init(plan, call->desk->sandbox->faults.seed);
    struct json_reader reader;
    json_reader_init(&reader, call->api->body, &call->desk->arena);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field)) {
            if (field == 0)
                (void)json_uint64(&reader, &plan->seed); /* json_end() tells */
            else
                rules_read(&reader, plan);
        }
    }
    if (json_end(&reader) != STATUS_OK) {
        desk_error(call, 400, "malformed", reader.reason);
        return;
    }
    call->desk->sandbox->faults = *plan;
    faults_get(call);
}

static void faults_delete(struct desk_call *call)
{
    struct fault_plan *plan = &call->desk->sandbox->faults;
    fault_plan_init(plan, plan->seed);
    faults_get(call);
}

const struct desk_route desk_book_routes[] = {
    { API_GET, "/statements/*", statement_get },
    { API_POST, "/statements/*/close", statement_close },
    { API_GET, "/clock", clock_answer },
    { API_POST, "/clock/advance", clock_advance },
    { API_GET, "/books", books_get },
    { API_GET, "/faults", faults_get },
    { API_PUT, "/faults", faults_put },
    { API_DELETE, "/faults", faults_delete },
    { 0 },
};
