/* The report as one HTML file: no scripts, nothing loaded from elsewhere. */
#include "doctor/report_html.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "doctor/report_words.h"
#include "doctor/signed_amount.h"

enum {
    LANES_MAX = 24,
    MARKS_MAX = 400,
    LANE_HEIGHT = 34,
    CHART_WIDTH = 900,
    CHART_LEFT = 160,
    BAR_WIDTH = 420,
    CSV_SIZE_MAX = 16 << 20,
};

static void text(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        switch (c) {
        case '<': buf_append_str(out, STR("&lt;")); break;
        case '>': buf_append_str(out, STR("&gt;")); break;
        case '&': buf_append_str(out, STR("&amp;")); break;
        case '"': buf_append_str(out, STR("&quot;")); break;
        case '\'': buf_append_str(out, STR("&#39;")); break;
        default: buf_append_byte(out, (uint8_t)c < ' ' ? ' ' : (uint8_t)c);
        }
    }
}

static void member(struct buf *out, const struct json_node *node, const char *key)
{
    text(out, json_tree_text(node, key));
}

static void word(const struct report *report, struct buf *out, const char *english)
{
    buf_append_str(out, str_from(report_word(report->language, english)));
}

/* A value that has words of its own: a verdict, a label, a kind of step. */
static void value(const struct report *report, struct buf *out, const struct json_node *node,
                  const char *key)
{
    text(out, report_value(report->language, json_tree_text(node, key)));
}

static void heading(const struct report *report, struct buf *out, const char *english)
{
    buf_append_str(out, STR("<h2>"));
    word(report, out, english);
    buf_append_str(out, STR("</h2>"));
}

/* Names of columns, ending with NULL. */
static void table_begin(const struct report *report, struct buf *out, const char *const *columns)
{
    buf_append_str(out, STR("<table><tr>"));
    for (; *columns != NULL; columns++) {
        buf_append_str(out, STR("<th>"));
        word(report, out, *columns);
    }
    buf_append_str(out, STR("</tr>\n"));
}

static void value_cell(const struct report *report, struct buf *out, const struct json_node *node,
                       const char *key)
{
    buf_append_str(out, STR("<td>"));
    value(report, out, node, key);
    buf_append_str(out, STR("</td>"));
}

static void cell(struct buf *out, const struct json_node *node, const char *key)
{
    buf_append_str(out, STR("<td>"));
    member(out, node, key);
    buf_append_str(out, STR("</td>"));
}

typedef void amount_form(struct buf *out, struct str minor, struct str ccy);

static void amount_cell(struct buf *out, amount_form *form, struct str minor, struct str ccy)
{
    buf_append_str(out, STR("<td class=n>"));
    BUF_SCOPE struct buf shown;
    buf_init(&shown, 4096);
    form(&shown, minor, ccy);
    text(out, buf_view(&shown));
    buf_append_str(out, STR("</td>"));
}

static void head(const struct report *report, struct buf *out)
{
    static const char style[] =
        ":root{color-scheme:light dark;--b:#fff;--f:#1b1f24;--l:#d0d7de;--m:#57606a;--bad:#b42318;"
        "--good:#1a7f37;--warn:#9a6700;--c:#f6f8fa}"
        "@media(prefers-color-scheme:dark){:root{--b:#0d1117;--f:#e6edf3;--l:#30363d;--m:#8b949e;"
        "--bad:#ff7b72;--good:#3fb950;--warn:#d29922;--c:#161b22}}"
        "body{background:var(--b);color:var(--f);font:15px/1.5 system-ui,sans-serif;margin:0 auto;"
        "max-width:1100px;padding:0 16px 48px}"
        "header{position:sticky;top:0;background:var(--b);border-bottom:2px solid var(--l);"
        "padding:10px 0}h1{font-size:20px;margin:0}h2{font-size:17px;margin:28px 0 8px}"
        "table{border-collapse:collapse;width:100%}td,th{border:1px solid var(--l);padding:4px 8px;"
        "text-align:left;vertical-align:top}th{background:var(--c)}.n{text-align:right;"
        "font-variant-numeric:tabular-nums}code{font-size:13px;overflow-wrap:anywhere}"
        ".bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}.m{color:var(--m)}"
        "section.cause{border:1px solid var(--l);border-radius:6px;padding:8px 14px;margin:10px 0}"
        "svg{max-width:100%;height:auto}svg text{fill:var(--f);font:12px system-ui,sans-serif}"
        "@media print{header{position:static}section.cause,tr{break-inside:avoid}a{color:inherit}}";
    buf_append_format(out, "<!doctype html>\n<html lang=%s><head><meta charset=utf-8>",
                      report_language_code(report->language));
    buf_append_str(out, STR("<meta name=viewport content=\"width=device-width,initial-scale=1\">"
                            "<title>"));
    word(report, out, "Incident");
    buf_append_byte(out, ' ');
    member(out, report->diagnosis, "incident");
    buf_append_str(out, STR("</title><style>"));
    buf_append_str(out, str_from(style));
    buf_append_str(out, STR("</style></head><body>\n"));
}

static void bar_part(const struct report *report, struct buf *out, const char *english)
{
    buf_append_str(out, STR(" &middot; "));
    word(report, out, english);
    buf_append_byte(out, ' ');
}

static void verdict_bar(const struct report *report, struct buf *out)
{
    struct str verdict = json_tree_text(report->diagnosis, "verdict");
    bool growing = str_equal(json_tree_text(report->diagnosis, "growing"), STR("true"));
    bool clean = str_equal(verdict, STR("clean"));
    buf_append_str(out, STR("<header><h1>"));
    word(report, out, "Incident");
    buf_append_byte(out, ' ');
    member(out, report->diagnosis, "incident");
    buf_append_format(out, ": <span class=%s>", clean ? "good" : "bad");
    value(report, out, report->diagnosis, "verdict");
    if (growing || !clean)
        word(report, out, growing ? ", still growing" : ", not growing any more");
    buf_append_str(out, STR("</span></h1><div class=m>"));
    member(out, report->incident, "title");
    bar_part(report, out, "owner");
    member(out, report->incident, "owner");
    bar_part(report, out, "state");
    value(report, out, report->incident, "state");
    bar_part(report, out, "as of");
    member(out, report->diagnosis, "as_of");
    buf_append_str(out, STR("</div></header>\n"));
}

/* ---- money ---- */

/* Length of a bar for an amount beside the largest one; at least 2 for what is not nothing. */
static unsigned bar_length(struct signed_amount amount, struct signed_amount largest)
{
    unsigned __int128 size = (unsigned __int128)(amount.minor < 0 ? -amount.minor : amount.minor);
    unsigned __int128 whole = (unsigned __int128)largest.minor;
    if (size == 0 || whole == 0) return 0;
    while (whole >> 64 != 0) { /* proportions stay */
        whole >>= 1;
        size >>= 1;
    }
    unsigned length = (unsigned)(size * BAR_WIDTH / whole);
    return length < 2 ? 2 : length > BAR_WIDTH ? BAR_WIDTH : length;
}

static struct signed_amount amount_of(const struct json_node *node, const char *key)
{
    static const struct signed_amount_form form = { .point = '.', .minor = true };
    struct signed_amount amount = { 0 };
    struct str minor = json_tree_text(node, key);
    if (signed_amount_parse(minor, &form, &amount) != STATUS_OK) amount.minor = 0;
    if (amount.minor < -SIGNED_AMOUNT_MAX) amount.minor = -SIGNED_AMOUNT_MAX;
    return amount;
}

static void bar(struct buf *out, const char *name, struct signed_amount amount,
                struct signed_amount largest, unsigned y)
{
    buf_append_format(out,
                      "<text x=0 y=%u>%s</text><rect x=%d y=%u width=%u height=16 "
                      "fill=\"currentColor\" opacity=0.55 />",
                      y + 13, name, CHART_LEFT, y, bar_length(amount, largest));
}

static struct signed_amount larger(struct signed_amount a, struct signed_amount b)
{
    struct signed_amount size = { b.minor < 0 ? -b.minor : b.minor };
    return signed_amount_compare(a, size) < 0 ? size : a;
}

/* The row of the diagnosis after the repair about the same thing; NULL: none. */
static const struct json_node *after_row(const struct report *report, const char *list,
                                         const char *key, struct str value)
{
    if (report->after == NULL) return NULL;
    const struct json_node *row = json_tree_items(report->after, list);
    while (row != NULL && !str_equal(json_tree_text(row, key), value)) row = row->next;
    return row;
}

/* What there should be more or less of, what is not explained, and what the plan leaves. */
static void waterfall(const struct report *report, const struct json_node *row, struct buf *out)
{
    struct signed_amount over = amount_of(row, "over");
    struct signed_amount under = amount_of(row, "under");
    struct signed_amount unexplained = amount_of(row, "unexplained");
    struct signed_amount largest =
        larger(larger(larger((struct signed_amount){ 0 }, over), under), unexplained);
    struct signed_amount nothing = { 0 };
    buf_append_format(out, "<svg viewBox=\"0 0 %d 96\" role=img aria-label=\"money\">",
                      CHART_LEFT + BAR_WIDTH);
    bar(out, report_word(report->language, "too much"), over, largest, 0);
    bar(out, report_word(report->language, "too little"), under, largest, 24);
    bar(out, report_word(report->language, "not explained"), unexplained, largest, 48);
    const struct json_node *after = after_row(report, "money", "ccy", json_tree_text(row, "ccy"));
    struct signed_amount left = report->plan ? unexplained : nothing;
    if (report->after != NULL)
        left = after == NULL ? nothing
                             : larger(larger(amount_of(after, "over"), amount_of(after, "under")),
                                      amount_of(after, "unexplained"));
    bar(out, report_word(report->language, report->applied ? "after the repair" : "after the plan"),
        left, largest, 72);
    buf_append_str(out, STR("</svg>"));
}

static void money(const struct report *report, struct buf *out)
{
    static const char *const columns[] = { "currency", "too much",      "accounts", "too little",
                                           "accounts", "not explained", NULL };
    heading(report, out, "Money");
    table_begin(report, out, columns);
    const struct json_node *rows = json_tree_items(report->diagnosis, "money");
    for (const struct json_node *row = rows; row != NULL; row = row->next) {
        struct str ccy = json_tree_text(row, "ccy");
        buf_append_str(out, STR("<tr>"));
        cell(out, row, "ccy");
        amount_cell(out, report_amount, json_tree_text(row, "over"), ccy);
        cell(out, row, "accounts_over");
        amount_cell(out, report_magnitude, json_tree_text(row, "under"), ccy);
        cell(out, row, "accounts_under");
        amount_cell(out, report_amount, json_tree_text(row, "unexplained"), ccy);
        buf_append_str(out, STR("</tr>\n"));
    }
    buf_append_str(out, STR("</table>\n"));
    for (const struct json_node *row = rows; row != NULL; row = row->next) {
        buf_append_str(out, STR("<h3>"));
        member(out, row, "ccy");
        buf_append_str(out, STR("</h3>"));
        waterfall(report, row, out);
    }
}

/* ---- causes ---- */

static void cause_parts(const struct report *report, struct buf *out, const struct json_node *cause)
{
    static const char *const parts[][2] = {
        { "held_back", "not CONFIRMED, because:" },
        { "why", "Why:" },
        { "start", "Began:" },
        { "last", "Newest case:" },
        { "stop", "Do now:" },
        { "repair", "Repair:" },
        { "prevention", "Prevention:" },
        { "limits", "What it cannot tell:" },
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (json_tree_text(cause, parts[i][0]).len == 0) continue;
        buf_append_str(out, STR("<div><b>"));
        word(report, out, parts[i][1]);
        buf_append_str(out, STR("</b> "));
        member(out, cause, parts[i][0]);
        buf_append_str(out, STR("</div>"));
    }
}

static void witnesses(const struct report *report, struct buf *out,
                      const struct json_node *predicate)
{
    for (const struct json_node *record = json_tree_items(predicate, "witnesses"); record != NULL;
         record = record->next) {
        buf_append_str(out, STR(" <code>"));
        member(out, record, "record");
        buf_append_str(out, STR("</code> <span class=m>"));
        member(out, record, "kind");
        buf_append_byte(out, ' ');
        word(report, out, "in");
        buf_append_byte(out, ' ');
        member(out, record, "source");
        buf_append_str(out, STR("</span>"));
    }
}

static void cause(const struct report *report, struct buf *out, const struct json_node *node)
{
    buf_append_str(out, STR("<section class=cause><h3>["));
    member(out, node, "fault");
    buf_append_str(out, STR("] "));
    member(out, node, "title");
    buf_append_str(out, STR(" &mdash; "));
    value(report, out, node, "label");
    buf_append_str(out, STR("</h3>"));
    cause_parts(report, out, node);
    buf_append_str(out, STR("<details open><summary>"));
    word(report, out, "Evidence");
    buf_append_str(out, STR("</summary><ul>"));
    for (const struct json_node *predicate = json_tree_items(node, "predicates"); predicate != NULL;
         predicate = predicate->next) {
        buf_append_str(out, STR("<li>"));
        value(report, out, predicate, "part");
        buf_append_byte(out, ' ');
        member(out, predicate, "name");
        buf_append_str(out, STR(": <b>"));
        value(report, out, predicate, "value");
        buf_append_str(out, STR("</b>"));
        witnesses(report, out, predicate);
        buf_append_str(out, STR("</li>"));
    }
    buf_append_str(out, STR("</ul></details></section>\n"));
}

/* ---- the matrix ---- */

static void matrix_row(const struct report *report, struct buf *out, const struct json_node *node,
                       bool selected)
{
    buf_append_str(out, STR("<tr><td>"));
    member(out, node, "fault");
    buf_append_byte(out, ' ');
    member(out, node, "name");
    buf_append_str(out, STR("</td><td>"));
    if (selected) {
        value(report, out, node, "label");
    } else if (str_equal(json_tree_text(node, "rejected"), STR("true"))) {
        word(report, out, "rejected by");
        buf_append_byte(out, ' ');
        member(out, node, "by");
    } else {
        word(report, out, "explains less");
    }
    buf_append_str(out, STR("</td><td>"));
    for (const struct json_node *predicate = json_tree_items(node, "predicates"); predicate != NULL;
         predicate = predicate->next) {
        struct str truth = json_tree_text(predicate, "value");
        bool yes = str_equal(truth, STR("true"));
        bool no = str_equal(truth, STR("false"));
        buf_append_format(out, "<span class=%s>%s</span> ",
                          yes  ? "good"
                          : no ? "m"
                               : "warn",
                          yes  ? "&#10003; T"
                          : no ? "&#10007; F"
                               : "? U");
        value(report, out, predicate, "part");
        buf_append_byte(out, ' ');
        member(out, predicate, "name");
        buf_append_str(out, STR("<br>"));
    }
    buf_append_str(out, STR("</td></tr>\n"));
}

static void matrix(const struct report *report, struct buf *out)
{
    uint32_t shown = 0;
    static const char *const columns[] = { "hypothesis", "verdict",
                                           "predicates: true, false, unknown", NULL };
    heading(report, out, "Hypotheses");
    table_begin(report, out, columns);
    for (const struct json_node *node = json_tree_items(report->diagnosis, "causes"); node != NULL;
         node = node->next)
        if (shown++ < REPORT_ROWS_MAX) matrix_row(report, out, node, true);
    for (const struct json_node *node = json_tree_items(report->diagnosis, "considered");
         node != NULL; node = node->next)
        if (shown++ < REPORT_ROWS_MAX) matrix_row(report, out, node, false);
    buf_append_str(out, STR("</table>\n"));
    if (shown > REPORT_ROWS_MAX)
        buf_append_format(out, "<p>%u %s</p>\n", shown - REPORT_ROWS_MAX,
                          report_word(report->language, "more"));
}

/* ---- the timeline ---- */

struct mark {
    int64_t at_ns;
    uint32_t lane;
    struct str record;
    struct str kind;
};

/* A system, and what its clock may be off by; both 0: not known. */
struct lane {
    struct str system;
    int64_t lowest_ns;
    int64_t highest_ns;
};

struct timeline {
    struct lane lanes[LANES_MAX];
    uint32_t lane_count;
    struct mark marks[MARKS_MAX];
    uint32_t mark_count;
    int64_t from_ns;
    int64_t to_ns;
};

static void mark_add(struct timeline *line, const struct json_node *record)
{
    struct wall_time at;
    struct str system = json_tree_text(record, "system");
    if (line->mark_count == MARKS_MAX || system.len == 0) return;
    if (wall_time_parse(json_tree_text(record, "ts"), &at) != STATUS_OK) return;
    uint32_t lane = 0;
    while (lane < line->lane_count && !str_equal(line->lanes[lane].system, system)) lane++;
    if (lane == LANES_MAX) return;
    if (lane == line->lane_count) line->lanes[line->lane_count++] = (struct lane){ system, 0, 0 };
    if (line->mark_count == 0 || at.ns < line->from_ns) line->from_ns = at.ns;
    if (line->mark_count == 0 || at.ns > line->to_ns) line->to_ns = at.ns;
    line->marks[line->mark_count++] = (struct mark){ at.ns, lane, json_tree_text(record, "record"),
                                                     json_tree_text(record, "kind") };
}

static void marks_collect(const struct report *report, struct timeline *line)
{
    for (const struct json_node *node = json_tree_items(report->diagnosis, "causes"); node != NULL;
         node = node->next) {
        mark_add(line, json_tree_member(node, "start_record"));
        for (const struct json_node *predicate = json_tree_items(node, "predicates");
             predicate != NULL; predicate = predicate->next)
            for (const struct json_node *record = json_tree_items(predicate, "witnesses");
                 record != NULL; record = record->next)
                mark_add(line, record);
        for (const struct json_node *row = json_tree_items(node, "affected"); row != NULL;
             row = row->next)
            mark_add(line, json_tree_member(row, "record"));
    }
    for (const struct json_node *row = json_tree_items(report->diagnosis, "violations");
         row != NULL; row = row->next)
        mark_add(line, json_tree_member(row, "record"));
}

/* A clock that is known has the name of its system. */
static void clocks_take(const struct report *report, struct timeline *line)
{
    for (const struct json_node *clock = json_tree_items(report->diagnosis, "clocks");
         clock != NULL; clock = clock->next) {
        struct signed_amount lowest = amount_of(clock, "lowest_ns");
        struct signed_amount highest = amount_of(clock, "highest_ns");
        bool fits = lowest.minor >= INT64_MIN / 4 && highest.minor <= INT64_MAX / 4 &&
                    lowest.minor < highest.minor;
        for (uint32_t i = 0; fits && i < line->lane_count; i++) {
            if (!str_equal(line->lanes[i].system, json_tree_text(clock, "clock"))) continue;
            line->lanes[i].lowest_ns = (int64_t)lowest.minor;
            line->lanes[i].highest_ns = (int64_t)highest.minor;
        }
    }
}

static int64_t place_of(const struct timeline *line, int64_t at_ns)
{
    int64_t span = line->to_ns - line->from_ns;
    int64_t room = CHART_WIDTH - CHART_LEFT - 20;
    if (span == 0) return CHART_LEFT + 10 + room / 2;
    __int128 x = ((__int128)at_ns - line->from_ns) * room / span;
    if (x < -10) x = -10;
    if (x > room + 10) x = room + 10;
    return CHART_LEFT + 10 + (int64_t)x;
}

/* When it may have been, by what its clock is off. */
static void doubt_draw(struct buf *out, const struct timeline *line, const struct mark *mark)
{
    const struct lane *lane = &line->lanes[mark->lane];
    if (lane->lowest_ns == lane->highest_ns) return;
    uint32_t y = mark->lane * LANE_HEIGHT + 17;
    buf_append_format(out,
                      "<line x1=%lld x2=%lld y1=%u y2=%u stroke=\"currentColor\" stroke-width=3 "
                      "opacity=0.5 />",
                      (long long)place_of(line, mark->at_ns + lane->lowest_ns),
                      (long long)place_of(line, mark->at_ns + lane->highest_ns), y, y);
}

static void mark_draw(struct buf *out, const struct timeline *line, const struct mark *mark)
{
    char at[TIME_TEXT_SIZE];
    doubt_draw(out, line, mark);
    buf_append_format(out, "<circle cx=%lld cy=%u r=6 fill=\"currentColor\" opacity=0.6><title>",
                      (long long)place_of(line, mark->at_ns), mark->lane * LANE_HEIGHT + 17);
    text(out, wall_time_format((struct wall_time){ mark->at_ns }, at));
    buf_append_byte(out, ' ');
    text(out, mark->kind);
    buf_append_byte(out, ' ');
    text(out, mark->record);
    buf_append_str(out, STR("</title></circle>"));
}

static void timeline(const struct report *report, struct buf *out)
{
    struct timeline line = { .lane_count = 0 };
    char from[TIME_TEXT_SIZE];
    char to[TIME_TEXT_SIZE];
    marks_collect(report, &line);
    if (line.mark_count == 0) return;
    clocks_take(report, &line);
    heading(report, out, "Timeline");
    buf_append_format(out,
                      "<svg viewBox=\"0 0 %d %u\" role=img "
                      "aria-label=\"records cited, by system and time\">",
                      CHART_WIDTH, line.lane_count * LANE_HEIGHT + 24);
    for (uint32_t i = 0; i < line.lane_count; i++) {
        buf_append_format(out, "<text x=0 y=%u>", i * LANE_HEIGHT + 21);
        text(out, line.lanes[i].system);
        buf_append_format(out,
                          "</text><line x1=%d x2=%d y1=%u y2=%u stroke=\"currentColor\" "
                          "opacity=0.25 />",
                          CHART_LEFT, CHART_WIDTH, i * LANE_HEIGHT + 17, i * LANE_HEIGHT + 17);
    }
    for (uint32_t i = 0; i < line.mark_count; i++) mark_draw(out, &line, &line.marks[i]);
    struct str begin = wall_time_format((struct wall_time){ line.from_ns }, from);
    struct str end = wall_time_format((struct wall_time){ line.to_ns }, to);
    buf_append_format(
        out, "<text x=%d y=%u>%.*s</text><text x=%d y=%u text-anchor=end>%.*s</text></svg>\n",
        CHART_LEFT, line.lane_count * LANE_HEIGHT + 16, STR_ARG(begin), CHART_WIDTH,
        line.lane_count * LANE_HEIGHT + 16, STR_ARG(end));
}

/* ---- lists ---- */

/* Quoted (RFC 4180), and never what a spreadsheet would take for a formula. */
static void csv_field(struct buf *out, struct str value, char end)
{
    buf_append_byte(out, '"');
    if (value.len > 0 && memchr("=+-@\t\r", value.data[0], 6) != NULL) buf_append_byte(out, '\'');
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"') buf_append_byte(out, '"');
        buf_append_byte(out, (uint8_t)value.data[i]);
    }
    buf_append_byte(out, '"');
    buf_append_byte(out, (uint8_t)end);
}

/* The whole list, in the page itself: it may be saved without anything from elsewhere. */
static void affected_csv(const struct report *report, struct buf *out)
{
    BUF_SCOPE struct buf csv;
    char digits[SIGNED_AMOUNT_TEXT_SIZE];
    buf_init(&csv, CSV_SIZE_MAX);
    buf_append_str(&csv, STR("fault,account,currency,minor_units,payment,record\n"));
    for (const struct json_node *node = json_tree_items(report->diagnosis, "causes"); node != NULL;
         node = node->next) {
        for (const struct json_node *row = json_tree_items(node, "affected"); row != NULL;
             row = row->next) {
            const struct json_node *record = json_tree_member(row, "record");
            csv_field(&csv, json_tree_text(node, "fault"), ',');
            csv_field(&csv, json_tree_text(row, "account"), ',');
            csv_field(&csv, json_tree_text(row, "ccy"), ',');
            buf_append_str(&csv, signed_amount_format(amount_of(row, "delta"), 0, digits));
            buf_append_byte(&csv, ',');
            csv_field(&csv, json_tree_text(row, "payment"), ',');
            csv_field(&csv, json_tree_text(record, "record"), '\n');
        }
    }
    if (csv.overflow) return; /* report/diagnosis.json has it */
    buf_append_str(out, STR("<p><a download=\"affected.csv\" href=\"data:text/csv;base64,"));
    base64_append(out, csv.data, csv.len);
    buf_append_format(out, "\">%s</a></p>\n", report_word(report->language, "Save as CSV"));
}

static void repair_cell(const struct report *report, struct buf *out, const struct json_node *cause,
                        const struct json_node *row)
{
    bool left = str_equal(json_tree_text(row, "left"), STR("true"));
    bool posts = str_equal(json_tree_text(cause, "ledger_entry"), STR("true"));
    buf_append_str(out, left ? STR("<td class=warn>") : STR("<td>"));
    word(report, out, left ? "left to people" : posts ? "by an entry" : "without an entry");
    buf_append_str(out, STR("</td>"));
}

static void affected(const struct report *report, struct buf *out)
{
    uint32_t shown = 0;
    static const char *const columns[] = { "account", "currency", "too much (+) or too little (-)",
                                           "repair",  "payment",  "record",
                                           NULL };
    heading(report, out, "Affected");
    table_begin(report, out, columns);
    for (const struct json_node *node = json_tree_items(report->diagnosis, "causes"); node != NULL;
         node = node->next) {
        for (const struct json_node *row = json_tree_items(node, "affected"); row != NULL;
             row = row->next) {
            if (shown++ >= REPORT_ROWS_MAX) continue;
            buf_append_str(out, STR("<tr>"));
            cell(out, row, "account");
            cell(out, row, "ccy");
            amount_cell(out, report_amount, json_tree_text(row, "delta"),
                        json_tree_text(row, "ccy"));
            repair_cell(report, out, node, row);
            cell(out, row, "payment");
            cell(out, json_tree_member(row, "record"), "record");
            buf_append_str(out, STR("</tr>\n"));
        }
    }
    buf_append_str(out, STR("</table>\n"));
    if (shown > REPORT_ROWS_MAX)
        buf_append_format(out, "<p>%u %s</p>\n", shown - REPORT_ROWS_MAX,
                          report_word(report->language, "more, in report/diagnosis.json"));
    if (shown > 0) affected_csv(report, out);
}

/* What a broken invariant came to. */
static void invariant_after(const struct report *report, const struct json_node *row,
                            struct buf *out)
{
    const struct json_node *after =
        after_row(report, "invariants", "id", json_tree_text(row, "id"));
    if (after == NULL) {
        buf_append_str(out, STR("<td class=m>"));
        word(report, out, report->applied == NULL ? "not repaired yet" : "see verify-repair");
        buf_append_str(out, STR("</td>"));
        return;
    }
    bool holds = str_equal(json_tree_text(after, "holds"), STR("yes"));
    bool settled = str_equal(json_tree_text(report->after, "verdict"), STR("repaired"));
    buf_append_format(out, "<td class=%s>", holds || settled ? "good" : "bad");
    if (holds) {
        word(report, out, "holds");
    } else {
        member(out, after, "violations");
        word(report, out, settled ? ", each taken back" : ", not settled");
    }
    buf_append_str(out, STR("</td>"));
}

static void invariants(const struct report *report, struct buf *out)
{
    static const char *const columns[] = { "id",         "what must hold",   "holds",
                                           "violations", "after the repair", NULL };
    heading(report, out, "Invariants");
    table_begin(report, out, columns);
    for (const struct json_node *row = json_tree_items(report->diagnosis, "invariants");
         row != NULL; row = row->next) {
        bool broken = str_equal(json_tree_text(row, "holds"), STR("no"));
        buf_append_str(out, STR("<tr>"));
        cell(out, row, "id");
        cell(out, row, "name");
        buf_append_format(out, "<td class=%s>", broken ? "bad" : "good");
        value(report, out, row, "holds");
        buf_append_str(out, STR("</td>"));
        cell(out, row, "violations");
        if (broken)
            invariant_after(report, row, out);
        else
            buf_append_str(out, STR("<td></td>"));
        buf_append_str(out, STR("</tr>\n"));
    }
    buf_append_str(out, STR("</table>\n"));
}

static void plan_state(const struct report *report, struct buf *out)
{
    word(report, out, "Approvals needed:");
    buf_append_byte(out, ' ');
    member(out, report->plan, "approvals");
    buf_append_str(out, STR(" &middot; "));
    word(report, out, "Expires:");
    buf_append_byte(out, ' ');
    member(out, report->plan, "expires_at");
    bar_part(report, out, "Rehearsed:");
    word(report, out, report->rehearsal ? "yes" : "no");
    bar_part(report, out, "Applied:");
    word(report, out, report->applied ? "yes" : "no");
    buf_append_str(out, STR("</p>\n"));
}

static void plan(const struct report *report, struct buf *out)
{
    static const char *const columns[] = { "step",       "what",      "debit", "credit", "amount",
                                           "takes back", "done when", "undo",  "with",   NULL };
    heading(report, out, "Plan");
    if (report->plan == NULL) {
        buf_append_format(out, "<p>%s</p>\n", report_word(report->language, "There is none yet."));
        return;
    }
    uint32_t shown = 0;
    table_begin(report, out, columns);
    for (const struct json_node *step = json_tree_items(report->plan, "steps"); step != NULL;
         step = step->next) {
        if (shown++ >= REPORT_ROWS_MAX) continue;
        buf_append_str(out, STR("<tr>"));
        value_cell(report, out, step, "kind");
        cell(out, step, "what");
        cell(out, step, "debit");
        cell(out, step, "credit");
        amount_cell(out, report_amount, json_tree_text(step, "amount_minor"),
                    json_tree_text(step, "ccy"));
        cell(out, step, "target");
        cell(out, step, "probe");
        cell(out, step, "undo");
        cell(out, step, "command");
        buf_append_str(out, STR("</tr>\n"));
    }
    buf_append_str(out, STR("</table><p>"));
    plan_state(report, out);
}

static void coverage(const struct report *report, struct buf *out)
{
    static const char *const columns[] = { "source", "system", "records", "rejected", NULL };
    heading(report, out, "Coverage");
    table_begin(report, out, columns);
    for (const struct json_node *row = json_tree_items(report->diagnosis, "sources"); row != NULL;
         row = row->next) {
        buf_append_str(out, STR("<tr>"));
        cell(out, row, "path");
        cell(out, row, "system");
        cell(out, row, "rows");
        cell(out, row, "rejected");
        buf_append_str(out, STR("</tr>\n"));
    }
    buf_append_str(out, STR("</table><p>"));
    word(report, out, "Not seen, and would decide something:");
    for (const struct json_node *kind = json_tree_items(report->diagnosis, "not_seen");
         kind != NULL; kind = kind->next) {
        buf_append_byte(out, ' ');
        text(out, kind->text);
    }
    buf_append_str(out, STR("</p>\n"));
}

static void actions(const struct report *report, struct buf *out)
{
    static const char *const columns[] = { "within", "priority",  "owner", "due",
                                           "what",   "proven by", NULL };
    heading(report, out, "Actions");
    table_begin(report, out, columns);
    for (const struct report_action *action = report_actions; action->horizon != NULL; action++) {
        char due[TIME_TEXT_SIZE];
        BUF_SCOPE struct buf proof;
        buf_init(&proof, 8192);
        report_proof(report, action, &proof);
        struct str when = report_due(report, action, due);
        buf_append_format(out, "<tr><td>%s<td>%s<td>%s<td>%.*s<td>%s<td><code>", action->horizon,
                          action->priority, report_word(report->language, action->owner),
                          STR_ARG(when), report_word(report->language, action->what));
        text(out, buf_view(&proof));
        buf_append_str(out, STR("</code></tr>\n"));
    }
    buf_append_str(out, STR("</table>"));
    heading(report, out, "Roadmap");
    buf_append_str(out, STR("<ul>"));
    for (const struct report_stage *stage = report_roadmap; stage->span != NULL; stage++)
        buf_append_format(out, "<li><b>%s</b> %s</li>", stage->span,
                          report_word(report->language, stage->what));
    buf_append_str(out, STR("</ul></body></html>\n"));
}

void report_html(const struct report *report, struct buf *out)
{
    head(report, out);
    verdict_bar(report, out);
    money(report, out);
    heading(report, out, "Causes");
    buf_append_byte(out, '\n');
    for (const struct json_node *node = json_tree_items(report->diagnosis, "causes"); node != NULL;
         node = node->next)
        cause(report, out, node);
    timeline(report, out);
    matrix(report, out);
    affected(report, out);
    invariants(report, out);
    plan(report, out);
    coverage(report, out);
    actions(report, out);
}
