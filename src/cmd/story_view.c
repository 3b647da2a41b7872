/* A line for each unit; what belongs to it is indented below. */
#include "cmd/story_view.h"

#include "base/check.h"
#include "base/money.h"
#include "base/time.h"
#include "cmd/answer.h"
#include "model/asset.h"
#include "model/transit.h"
#include "payment/chart.h"

enum { UNIT_SIZE_MAX = 64 << 10, DATE_LEN = 10, CLOCK_FROM = 11, CLOCK_LEN = 12 };

/* A part of what is known of the payment: short texts, kept beyond the walk. */
struct story_accounts {
    struct uuid wallet;
    struct uuid counter;
    char psp[PSP_NAME_SIZE];
};

struct view {
    struct buf *out;
    struct arena inner; /* of the unit in hand */
    struct story_accounts accounts;
    struct buf transfers; /* lines of the unit in hand */
    int64_t before_ns;    /* of the unit before; 0: none */
    char date[DATE_TEXT_SIZE];
    enum status status;
};

static bool is(struct str text, const char *other)
{
    return str_equal(text, str_from(other));
}

/* ---- Times ---- */

/* "06:14:50.123" out of RFC 3339. */
static struct str clock_of(struct str time)
{
    if (time.len < CLOCK_FROM + CLOCK_LEN) return time;
    return (struct str){ time.data + CLOCK_FROM, CLOCK_LEN };
}

static void duration_append(struct buf *out, int64_t ns)
{
    char text[32];
    int64_t ms = ns / NS_PER_MS;
    struct buf line;
    buf_init(&line, sizeof text);
    if (ms < 10000)
        buf_append_format(&line, "+%lld ms", (long long)ms);
    else if (ms < 7200000)
        buf_append_format(&line, "+%lld.%lld s", (long long)(ms / 1000),
                          (long long)(ms % 1000 / 100));
    else
        buf_append_format(&line, "+%lld h", (long long)(ms / 3600000));
    buf_append_format(out, "%10s", buf_terminated(&line));
    buf_free(&line);
}

/* A new day has a line of its own. */
static void day_append(struct view *view, struct str time)
{
    if (time.len < DATE_LEN || is((struct str){ time.data, DATE_LEN }, view->date)) return;
    memcpy(view->date, time.data, DATE_LEN);
    buf_append_format(view->out, "\n%s (UTC)\n", view->date);
}

/* ---- Accounts ---- */

/* The role in the chart that this id has; 0: none. */
static unsigned role_of(const struct view *view, struct uuid id, struct str asset_code)
{
    const struct asset *asset = asset_iso_by_code(asset_code);
    if (asset == NULL) return 0; /* of an asset of one's own only the ledger knows the number */
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        if (role == CHART_CLEARING && view->accounts.psp[0] == '\0') continue;
        if (chart_account_is((struct account_id){ id }, asset->id, role, view->accounts.psp))
            return role;
    }
    return 0;
}

static void account_append(struct view *view, struct str text, struct str asset_code)
{
    struct uuid id;
    struct buf *out = &view->transfers;
    if (uuid_parse(text, &id) != STATUS_OK) {
        buf_append_str(out, text);
        return;
    }
    unsigned role = role_of(view, id, asset_code);
    struct transit_account way;
    if (transit_account_parse((struct account_id){ id }, &way))
        buf_append_format(out, "transit %s lane %u", way.out ? "to" : "from", way.peer);
    else if (role == CHART_CLEARING)
        buf_append_format(out, "clearing of %s", view->accounts.psp);
    else if (role != 0)
        buf_append_str(out, str_from(chart_role_name(role)));
    else if (uuid_equal(id, view->accounts.wallet))
        buf_append_str(out, STR("wallet"));
    else if (uuid_equal(id, view->accounts.counter))
        buf_append_str(out, STR("counter"));
    else
        buf_append_str(out, text);
}

/* ---- Units ---- */

static void balance_append(struct view *view, const struct answer_object *item, const char *account,
                           const char *path)
{
    struct str net = answer_text(item, path);
    buf_append_byte(&view->transfers, ' ');
    account_append(view, answer_text(item, account), answer_text(item, "asset"));
    if (net.len > 0)
        buf_append_format(&view->transfers, " %.*s", STR_ARG(net));
    else
        buf_append_str(&view->transfers, STR(" not told"));
}

/* What was posted on both accounts, when the transfer was done. */
static void balances_line(struct view *view, const struct answer_object *item)
{
    if (!is(answer_text(item, "outcome"), "ok") || answer_text(item, "debit").len == 0) return;
    buf_append_format(&view->transfers, "%34s  balance then:", "");
    balance_append(view, item, "debit", "debit_balance.net");
    buf_append_byte(&view->transfers, ',');
    balance_append(view, item, "credit", "credit_balance.net");
    buf_append_byte(&view->transfers, '\n');
}

/* The account in the other lane, when there is one. */
static void there_append(struct view *view, struct str before, struct str id, struct str asset)
{
    if (id.len == 0) return;
    buf_append_str(&view->transfers, before);
    account_append(view, id, asset);
}

static bool transfer_line(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    struct buf *out = &view->transfers;
    struct str asset = answer_text(item, "asset");
    struct str amount = answer_text(item, "amount");
    struct str debit = answer_text(item, "debit");
    struct str outcome = answer_text(item, "outcome");
    buf_append_format(out, "%26s%-9.*s", "", STR_ARG(answer_text(item, "kind")));
    if (amount.len > 0) buf_append_format(out, " %10.*s %.*s", STR_ARG(amount), STR_ARG(asset));
    if (debit.len > 0) {
        buf_append_str(out, STR("  debit "));
        account_append(view, debit, asset);
        buf_append_str(out, STR(", credit "));
        account_append(view, answer_text(item, "credit"), asset);
        there_append(view, STR(", for "), answer_text(item, "to"), asset);
        there_append(view, STR(", of "), answer_text(item, "from"), asset);
    } else if (answer_text(item, "target").len > 0) {
        buf_append_format(out, "  of %.*s", STR_ARG(answer_text(item, "target")));
    }
    if (!is(outcome, "ok")) buf_append_format(out, "  REFUSED: %.*s", STR_ARG(outcome));
    buf_append_byte(out, '\n');
    balances_line(view, item);
    return true;
}

static void call_line(struct view *view, const struct answer_object *unit)
{
    struct str psp = answer_text(unit, "psp_call.psp");
    if (psp.len == 0) return;
    struct str http = answer_text(unit, "psp_call.http_status");
    bool query = is(answer_text(unit, "psp_call.query"), "true");
    buf_append_format(view->out, "%26s%.*s: %s%.*s (step %.*s) -> %.*s", "", STR_ARG(psp),
                      query ? "asked about " : "", STR_ARG(answer_text(unit, "psp_call.step")),
                      STR_ARG(answer_text(unit, "psp_call.step_number")),
                      STR_ARG(answer_text(unit, "psp_call.answer")));
    if (http.len > 0)
        buf_append_format(view->out, ", HTTP %.*s", STR_ARG(http));
    else
        buf_append_str(view->out, STR(", no HTTP answer"));
    buf_append_format(view->out, ", %.*s ms\n", STR_ARG(answer_text(unit, "psp_call.duration_ms")));
}

static void amounts_line(struct view *view, const struct answer_object *unit)
{
    struct str line = answer_text(unit, "line");
    struct str refunded = answer_text(unit, "refunded");
    buf_append_format(view->out, "%26scaptured %.*s", "", STR_ARG(answer_text(unit, "captured")));
    if (refunded.len > 0) buf_append_format(view->out, ", refunded %.*s", STR_ARG(refunded));
    if (line.len > 0)
        buf_append_format(view->out, ", statement line %.*s, fee %.*s", STR_ARG(line),
                          STR_ARG(answer_text(unit, "fee")));
    struct str due = answer_text(unit, "due_at");
    if (due.len > 0) buf_append_format(view->out, ", due %.*s", STR_ARG(clock_of(due)));
    buf_append_byte(view->out, '\n');
}

static void unit_append(struct view *view, const struct answer_object *unit)
{
    struct buf *out = view->out;
    struct str at = answer_text(unit, "at");
    struct str reason = answer_text(unit, "reason");
    struct str other = answer_text(unit, "with_payment");
    struct wall_time time = { 0 };
    if (wall_time_parse(at, &time) != STATUS_OK) view->status = STATUS_INVALID;
    day_append(view, at);
    buf_append_format(out, "%.*s ", STR_ARG(clock_of(at)));
    duration_append(out, view->before_ns == 0 ? 0 : time.ns - view->before_ns);
    view->before_ns = time.ns;
    buf_append_format(out, "  %-8.*s -> %-13.*s %s%.*s%sby %.*s, unit %.*s\n",
                      STR_ARG(answer_text(unit, "cause")), STR_ARG(answer_text(unit, "state")),
                      reason.len > 0 ? "(" : "", STR_ARG(reason), reason.len > 0 ? ") " : "",
                      STR_ARG(answer_text(unit, "actor")), STR_ARG(answer_text(unit, "position")));
    call_line(view, unit);
    amounts_line(view, unit);
    if (other.len > 0)
        buf_append_format(out, "%26swith payment %.*s, in the same unit\n", "", STR_ARG(other));
    buf_append_str(out, buf_view(&view->transfers));
}

static bool unit_visit(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    const struct answer_list list = { "transfers", transfer_line, view };
    struct answer_object unit;
    enum status status = arena_init(&view->inner, answer_arena_size(item->json));
    if (status == STATUS_OK) {
        buf_reset(&view->transfers);
        status = answer_read_list(item->json, &list, &view->inner, &unit);
        if (status == STATUS_OK) status = buf_status(&view->transfers);
        if (status == STATUS_OK) unit_append(view, &unit);
        arena_done(&view->inner);
    }
    if (status != STATUS_OK) view->status = status;
    return view->status == STATUS_OK;
}

/* ---- The whole ---- */

static bool gap_visit(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    buf_append_format(view->out, "\nMISSING %.*s, due by %.*s: %.*s\n",
                      STR_ARG(answer_text(item, "missing")), STR_ARG(answer_text(item, "due_by")),
                      STR_ARG(answer_text(item, "text")));
    return true;
}

static bool webhook_visit(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    struct str event = answer_text(item, "event");
    struct str effect = answer_text(item, "effect");
    struct str at = answer_text(item, "received_at");
    buf_append_format(view->out,
                      "\nWEBHOOK IN %.*s %.*s from %.*s: ", at.len < DATE_LEN ? 0 : DATE_LEN,
                      at.data, STR_ARG(clock_of(at)), STR_ARG(answer_text(item, "sender")));
    if (event.len > 0)
        buf_append_format(view->out, "%.*s, event %.*s", STR_ARG(answer_text(item, "kind")),
                          STR_ARG(event));
    else
        buf_append_str(view->out, STR("of a sender that is not configured any more"));
    buf_append_format(view->out, ", %s, %.*s",
                      is(answer_text(item, "verified"), "true") ? "verified" : "not verified",
                      STR_ARG(answer_text(item, "mark")));
    if (effect.len > 0)
        buf_append_format(view->out, ", effect: unit %.*s\n", STR_ARG(effect));
    else
        buf_append_str(view->out, STR(", no unit of its own\n"));
    return true;
}

static bool delivery_visit(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    struct buf *out = &view->transfers;
    struct str sequence = answer_text(item, "sequence");
    buf_append_format(out, "%26s%.*s: %.*s", "", STR_ARG(answer_text(item, "endpoint")),
                      STR_ARG(answer_text(item, "delivery")));
    if (sequence.len > 0)
        buf_append_format(out, ", number %.*s, after %.*s attempts", STR_ARG(sequence),
                          STR_ARG(answer_text(item, "attempts")));
    buf_append_byte(out, '\n');
    return true;
}

static bool event_visit(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    const struct answer_list list = { "deliveries", delivery_visit, view };
    struct answer_object event;
    enum status status = arena_init(&view->inner, answer_arena_size(item->json));
    if (status == STATUS_OK) {
        buf_reset(&view->transfers);
        status = answer_read_list(item->json, &list, &view->inner, &event);
        if (status == STATUS_OK) status = buf_status(&view->transfers);
        if (status == STATUS_OK) {
            buf_append_format(view->out, "\nEVENT OUT %.*s %.*s%s\n",
                              STR_ARG(answer_text(&event, "id")),
                              STR_ARG(answer_text(&event, "type")),
                              view->transfers.len == 0 ? ": to no endpoint that is known" : "");
            buf_append_str(view->out, buf_view(&view->transfers));
        }
        arena_done(&view->inner);
    }
    if (status != STATUS_OK) view->status = status;
    return view->status == STATUS_OK;
}

static bool not_told_visit(void *argument, const struct answer_object *item)
{
    struct view *view = argument;
    buf_append_format(view->out, "\nNOT TOLD %.*s: %.*s\n", STR_ARG(answer_text(item, "what")),
                      STR_ARG(answer_text(item, "text")));
    return true;
}

static void member_line(struct view *view, const struct answer_object *story, const char *path)
{
    struct str text = answer_text(story, path);
    if (text.len == 0) return;
    const char *name = path + sizeof("payment.") - 1;
    buf_append_format(view->out, "  %-12s%.*s\n", name, STR_ARG(text));
}

static void heading_append(struct view *view, const struct answer_object *story)
{
    static const char *const members[] = {
        "payment.wallet", "payment.counter",    "payment.payment",    "payment.psp",
        "payment.method", "payment.psp_object", "payment.created_at", "payment.due_at",
    };
    buf_append_format(
        view->out, "%.*s %.*s: %.*s %.*s, %.*s", STR_ARG(answer_text(story, "payment.kind")),
        STR_ARG(answer_text(story, "payment.id")), STR_ARG(answer_text(story, "payment.amount")),
        STR_ARG(answer_text(story, "payment.asset")), STR_ARG(answer_text(story, "payment.state")));
    struct str reason = answer_text(story, "payment.reason");
    if (reason.len > 0) buf_append_format(view->out, " (%.*s)", STR_ARG(reason));
    if (is(answer_text(story, "payment.settled"), "true"))
        buf_append_str(view->out, STR(", settled"));
    buf_append_byte(view->out, '\n');
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        member_line(view, story, members[i]);
    struct str left_out = answer_text(story, "left_out");
    if (left_out.len > 0 && !is(left_out, "0"))
        buf_append_format(view->out, "  left out    %.*s units before the first one here\n",
                          STR_ARG(left_out));
}

static void accounts_keep(struct story_accounts *accounts, const struct answer_object *story)
{
    struct str psp = answer_text(story, "payment.psp");
    /* absent ones stay nil: no account has that id */
    if (uuid_parse(answer_text(story, "payment.wallet"), &accounts->wallet) != STATUS_OK)
        accounts->wallet = (struct uuid){ 0 };
    if (uuid_parse(answer_text(story, "payment.counter"), &accounts->counter) != STATUS_OK)
        accounts->counter = (struct uuid){ 0 };
    if (psp.len > 0 && psp.len < sizeof accounts->psp) memcpy(accounts->psp, psp.data, psp.len);
}

/* Once over the answer for each part, so that the order of its members does not matter. */
static enum status parts_append(struct view *view, struct str json, struct arena *arena)
{
    const struct answer_list lists[] = {
        { "units", unit_visit, view },        { "gaps", gap_visit, view },
        { "webhooks", webhook_visit, view },  { "events", event_visit, view },
        { "not_told", not_told_visit, view },
    };
    struct answer_object story;
    enum status status = answer_read(json, arena, &story);
    if (status != STATUS_OK) return status;
    if (answer_text(&story, "payment.id").len == 0) return STATUS_INVALID;
    accounts_keep(&view->accounts, &story);
    heading_append(view, &story);
    for (size_t i = 0; status == STATUS_OK && i < sizeof lists / sizeof lists[0]; i++) {
        arena_reset(arena);
        status = answer_read_list(json, &lists[i], arena, &story);
    }
    return status;
}

enum status story_view(struct str json, struct buf *out)
{
    struct view view = { .out = out };
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return status;
    buf_init(&view.transfers, UNIT_SIZE_MAX);
    status = parts_append(&view, json, &arena);
    if (status == STATUS_OK) status = view.status;
    if (status == STATUS_OK) status = buf_status(out);
    buf_free(&view.transfers);
    arena_done(&arena);
    return status;
}
