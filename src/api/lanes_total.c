#include "api/lanes_total.h"

#include "api/lanes.h"
#include "api/service_call.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "model/position.h"
#include "model/trace_context.h"

enum { LANE_TEXT_SIZE = 12 };

enum { TOTAL_ROWS, TOTAL_AS_OF };
static const struct str total_names[] = { { "rows", 4 }, { "as_of", 5 } };
static const struct json_fields total_fields = { total_names, 2 };

enum { ROW_ASSET, ROW_KIND, ROW_ACCOUNT_COUNT, ROW_BALANCE };
static const struct str row_names[] = {
    { "asset", 5 }, { "kind", 4 }, { "account_count", 13 }, { "balance", 7 }
};
static const struct json_fields row_fields = { row_names, 4 };

enum { SUM_DEBITS, SUM_DEBITS_PENDING, SUM_CREDITS, SUM_CREDITS_PENDING, SUM_NET };
static const struct str sum_names[] = { { "debits_posted", 13 },
                                        { "debits_pending", 14 },
                                        { "credits_posted", 14 },
                                        { "credits_pending", 15 },
                                        { "net", 3 } };
static const struct json_fields sum_fields = { sum_names, 5 };

bool lanes_total_wanted(const struct work *work)
{
    const struct lane_fan *fan = work->api->options.fan;
    uint32_t lanes = work->api->options.lanes;
    return fan != NULL && fan->service.start != NULL && lanes > 1 &&
           !lanes_call_names_one(work->call, lanes);
}

/* ---- One lane's answer ---- */

static bool balance_take(struct json_reader *reader, unsigned exponent, struct balance *out)
{
    uint32_t field;
    if (!json_object_begin(reader)) return false;
    while (json_object_field(reader, &sum_fields, &field)) {
        struct money *const sums[] = { &out->debits_posted, &out->debits_pending,
                                       &out->credits_posted, &out->credits_pending };
        struct str text;
        if (!json_string(reader, &text)) return false;
        if (field != SUM_NET && money_parse(text, exponent, sums[field]) != STATUS_OK) return false;
    }
    return reader->fault == JSON_FAULT_NONE;
}

/* The asset is written first, and says how amounts are. */
static bool row_take(struct work *work, struct json_reader *reader, struct totals_row *out_row)
{
    struct asset asset = { 0 };
    struct str text;
    uint32_t field;
    *out_row = (struct totals_row){ 0 };
    if (!json_object_begin(reader)) return false;
    while (json_object_field(reader, &row_fields, &field)) {
        bool taken = false;
        switch (field) {
        case ROW_ASSET:
            taken = json_string(reader, &text) &&
                    lane_asset_by_code(work->api->lane, text, &asset) == STATUS_OK;
            break;
        case ROW_KIND:
            taken = json_string(reader, &text) && account_kind_parse(text, &out_row->kind);
            break;
        case ROW_ACCOUNT_COUNT: taken = json_uint64(reader, &out_row->account_count); break;
        default:
            taken = asset.id != 0 && balance_take(reader, asset.exponent, &out_row->balance);
            break;
        }
        if (!taken) return false;
    }
    out_row->asset = asset.id;
    return reader->fault == JSON_FAULT_NONE && asset.id != 0;
}

static bool row_add(struct lanes_total *total, const struct totals_row *row)
{
    uint32_t at = 0;
    while (at < total->count &&
           (total->rows[at].asset != row->asset || total->rows[at].kind != row->kind))
        at++;
    if (at == total->limit) return false;
    if (at == total->count)
        total->rows[total->count++] = (struct totals_row){ .asset = row->asset, .kind = row->kind };
    struct totals_row *sum = &total->rows[at];
    struct balance *into = &sum->balance;
    const struct balance *more = &row->balance;
    sum->account_count += row->account_count;
    return money_add(into->debits_posted, more->debits_posted, &into->debits_posted) &&
           money_add(into->debits_pending, more->debits_pending, &into->debits_pending) &&
           money_add(into->credits_posted, more->credits_posted, &into->credits_posted) &&
           money_add(into->credits_pending, more->credits_pending, &into->credits_pending);
}

static bool rows_take(struct work *work, struct json_reader *reader, struct lanes_total *total)
{
    if (!json_array_begin(reader)) return false;
    while (json_array_next(reader)) {
        struct totals_row row;
        if (!row_take(work, reader, &row) || !row_add(total, &row)) return false;
    }
    return reader->fault == JSON_FAULT_NONE;
}

static bool answer_take(struct work *work, struct str answer, uint32_t lane,
                        struct lanes_total *total)
{
    struct json_reader reader;
    struct str text;
    uint32_t field;
    json_reader_init(&reader, answer, NULL);
    if (!json_object_begin(&reader)) return false;
    while (json_object_field(&reader, &total_fields, &field)) {
        bool taken = field == TOTAL_ROWS
                         ? rows_take(work, &reader, total)
                         : json_string(&reader, &text) && position_parse(text, &total->as_of[lane]);
        if (!taken) return false;
    }
    return reader.fault == JSON_FAULT_NONE;
}

/* ---- Asking ---- */

static bool unanswered(struct work *work, uint32_t lane, unsigned status)
{
    (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE,
                        "wait and repeat; or name a lane: TPW-Lane");
    if (status != 200)
        problem_detail(&work->problem, "lane %u answered %u", lane, status);
    else
        problem_detail(&work->problem,
                       "the totals of lane %u cannot be added to lane 0's: it has "
                       "an asset that is not there, or another number of decimals",
                       lane);
    return false;
}

static bool lane_add(struct work *work, uint32_t lane, struct lanes_total *total)
{
    const struct lane_fan *fan = work->api->options.fan;
    const struct api_call *asked = work->call;
    BUF_SCOPE struct buf number;
    buf_init(&number, LANE_TEXT_SIZE);
    buf_append_format(&number, "%u", lane);
    const struct api_raw_header headers[] = { { STR("TPW-Lane"), buf_view(&number) },
                                              { STR("Authorization"), asked->authorization } };
    char traceparent[TRACEPARENT_SIZE];
    struct api_call call = {
        .method = API_GET,
        .path = asked->path,
        .authorization = asked->authorization,
        .raw_headers = headers,
        .raw_header_count = asked->authorization.len > 0 ? 2 : 1,
        .local = asked->local,
        .uid_known = asked->uid_known,
        .uid = asked->uid,
        .traceparent =
            traceparent_format(asked->trace, asked->watched ? TRACE_FLAG_SAMPLED : 0, traceparent),
    };
    buf_init(&call.answer, API_ANSWER_SIZE_MAX);
    service_call(&fan->service, &call, work->api->ports.sync, fan->monitor);
    bool taken = call.status == 200 && answer_take(work, buf_view(&call.answer), lane, total);
    if (!taken) (void)unanswered(work, lane, call.status); /* false, as taken is */
    buf_free(&call.answer);
    return taken;
}

static bool over(struct work *work, struct monotonic_time until, uint32_t lane)
{
    if (clock_monotonic(work->api->ports.clock).ns < until.ns) return false;
    (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE,
                        "wait and repeat; or name a lane: TPW-Lane");
    problem_detail(&work->problem, "the lanes before lane %u took %d ms to answer", lane,
                   (int)LANES_TOTAL_MS_MAX);
    return true;
}

bool lanes_total_add(struct work *work, struct lanes_total *total)
{
    struct monotonic_time until = { clock_monotonic(work->api->ports.clock).ns +
                                    LANES_TOTAL_MS_MAX * NS_PER_MS };
    for (uint32_t lane = 0; lane < work->api->options.lanes; lane++) {
        if (lane == work->api->options.lane) continue;
        if (over(work, until, lane) || !lane_add(work, lane, total)) return false;
    }
    return true;
}
